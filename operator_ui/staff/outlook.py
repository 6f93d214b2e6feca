"""What is expected of a shelter, as staff see it: in words for the list, as a drawing and a table on its page."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from math import ceil
from typing import NamedTuple

from markupsafe import Markup

from operator_ui.course import Expected, course
from shelters.ahead import HORIZONS, Ahead
from shelters.board import Row
from shelters.history import Point
from shelters.shelter import INHABITED, Stage

Samples = Callable[[datetime, datetime], Awaitable[Sequence[Point]]]
"""How full every site was, from a moment and before another: `History`."""

BACK = timedelta(hours=2)
SOON_MIN = 60
"""What is farther off comes true in about one of two cases (docs/occupancy.md): no word for a list."""
ROUNDED_MIN = 5
"""Nobody knows the minute at which it will be full."""
TABLE_EVERY_MIN = 15


class Soon(NamedTuple):
    """`minutes`: from now, as far as it is known to five of them."""

    minutes: int
    ahead: Ahead


class Outlook(NamedTuple):
    """`soon`: at each of `HORIZONS`. `full_minutes`: until it is full, where that is expected; `full_from_minutes`: as
    early as it may be; `full_until_minutes`: as late, or None, where perhaps it will not be."""

    soon: tuple[Soon, ...]
    full_minutes: int | None
    full_from_minutes: int | None
    full_until_minutes: int | None

    @property
    def full_soon(self) -> bool:
        return self.full_minutes is not None and self.full_minutes <= SOON_MIN

    @property
    def said(self) -> tuple[Soon, ...]:
        return tuple(each for each in self.soon if each.ahead.people is not None)


async def no_past(_since: datetime, _until: datetime) -> Sequence[Point]:
    return ()


def outlook(row: Row, now: datetime) -> Outlook | None:
    """None where a forecast would be of no use: nobody can be inside, or their number is not known (I13)."""
    if row.step.stage not in INHABITED or row.people is None or not row.occupancy.ahead:
        return None
    soon = tuple(
        Soon(round(horizon.total_seconds() / 60), each)
        for horizon, each in zip(HORIZONS, row.occupancy.ahead, strict=False)
    )
    between = row.occupancy.full_between or (None, None)
    fills = row.step.stage is Stage.RECEIVING and not _full(row)
    return Outlook(
        soon,
        _minutes(row.occupancy.full_at, now) if fills else None,
        *(_minutes(each, now) if fills else None for each in between),
    )


async def past_of(row: Row, samples: Samples, now: datetime) -> list[tuple[datetime, int]]:
    """How many were inside, every five minutes for two hours, and now. Empty where nobody knows now."""
    if row.people is None:
        return []
    points = [each for each in await samples(now - BACK, now) if each.site == row.site.code]
    return [*((point.at, point.people) for point in points), (now, row.people)]


def drawn(
    row: Row, past: Sequence[tuple[datetime, int]], seen: Outlook, now: datetime, *, name: str, title: str
) -> Markup:
    """Two hours back and two ahead. `name`: what now is called; `title`: what a screen reader says of all of it."""
    return course(
        past,
        [_expected(each.ahead) for each in seen.said],
        start=now - BACK,
        end=now + HORIZONS[-1],
        now=now,
        capacity=row.site.capacity,
        now_name=name,
        title=title,
    )


def for_a_table(past: Sequence[tuple[datetime, int]]) -> list[tuple[datetime, int]]:
    """Every quarter of an hour, and the last."""
    return [(at, people) for at, people in past[:-1] if not at.minute % TABLE_EVERY_MIN] + [*past[-1:]]


def _full(row: Row) -> bool:
    return row.site.capacity is not None and (row.people or 0) >= row.site.capacity


def _minutes(moment: datetime | None, now: datetime) -> int | None:
    """Rounded up to five: «in 5 minutes» is the soonest that helps."""
    if moment is None:
        return None
    return max(ROUNDED_MIN, ROUNDED_MIN * ceil((moment - now) / timedelta(minutes=ROUNDED_MIN)))


def _expected(ahead: Ahead) -> Expected:
    return Expected(ahead.at, ahead.people or 0, ahead.low or 0, ahead.high or 0)
