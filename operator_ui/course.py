"""How many were inside and how many are expected, as SVG: a line to now, and from now on a broken one in a band.

As with `chart`, letters keep their size and a table stands beside it.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from markupsafe import Markup

from operator_ui.chart import Frame, Shape, amounts, times

_SHAPE = Shape(11.0, 72.0, 4, 0.08)
GAP = timedelta(minutes=10)
"""Longer, and nothing is drawn between two numbers: nobody knew."""


class Expected(NamedTuple):
    at: datetime
    people: int
    low: int
    high: int


def course(
    past: Sequence[tuple[datetime, int]],
    expected: Sequence[Expected],
    *,
    start: datetime,
    end: datetime,
    now: datetime,
    capacity: int | None,
    now_name: str,
    title: str,
) -> Markup:
    """`past` ends with the number at `now`, from which what is expected goes on; `capacity` is a line of its own."""
    highest = max((*(people for _, people in past), *(each.high for each in expected), capacity or 0, 10))
    frame = Frame(start, end, round(1.05 * highest), _SHAPE, ticked=True)
    shown = [0, *(tick for tick in frame.ticks if capacity is None or abs(tick - capacity) > highest / 9)]
    shown += [] if capacity is None else [capacity]
    return Markup(
        '<div class="chart" role="img" aria-label="{}">{}<svg class="chart-plot" aria-hidden="true">{}</svg></div>'
    ).format(
        title,
        amounts(frame, shown),
        Markup().join(
            [
                *_grid(frame, shown, capacity),
                *_now(frame, now, now_name),
                Markup(
                    '<svg x="0" y="{}%" width="100%" height="{}%" viewBox="0 0 1000 1000" preserveAspectRatio="none">'
                ).format(_SHAPE.above, _SHAPE.height),
                *_expected(frame, past[-1:], expected),
                *_past(frame, past),
                Markup("</svg>"),
                *times(frame),
                *_dot(frame, past[-1:]),
            ]
        ),
    )


def _grid(frame: Frame, shown: Sequence[int], capacity: int | None) -> Iterator[Markup]:
    for amount in shown:
        kind = " top" if amount == capacity else ""
        yield Markup('<line class="chart-grid{}" x1="0" x2="100%" y1="{y}" y2="{y}"/>').format(
            kind, y=frame.y(amount)
        )


def _now(frame: Frame, now: datetime, name: str) -> Iterator[Markup]:
    x = frame.x(now)
    yield Markup('<line class="chart-mark" x1="{x}" x2="{x}" y1="8%" y2="{}"/>').format(frame.y(0), x=x)
    yield Markup('<text class="chart-name" x="{}" y="6%" text-anchor="middle">{}</text>').format(x, name)


def _past(frame: Frame, past: Sequence[tuple[datetime, int]]) -> Iterator[Markup]:
    if past:
        way = ["M", _point(frame, *past[0])]
        for (before, _), (at, people) in pairwise(past):
            way += ["M" if at - before > GAP else "L", _point(frame, at, people)]
        yield Markup('<path class="chart-line people" d="{}"/>').format("".join(way))


def _expected(
    frame: Frame, last: Sequence[tuple[datetime, int]], expected: Sequence[Expected]
) -> Iterator[Markup]:
    course = [*(Expected(at, people, people, people) for at, people in last), *expected]
    if len(course) > 1:
        ups = [_point(frame, each.at, each.high) for each in course]
        downs = [_point(frame, each.at, each.low) for each in reversed(course)]
        yield Markup('<path class="chart-area expected" d="M{}z"/>').format("L".join([*ups, *downs]))
        middle = "L".join(_point(frame, each.at, each.people) for each in course)
        yield Markup('<path class="chart-line expected" d="M{}"/>').format(middle)


def _dot(frame: Frame, last: Sequence[tuple[datetime, int]]) -> Iterator[Markup]:
    for at, people in last:
        yield Markup('<circle class="chart-dot" cx="{}" cy="{}" r="4"/>').format(frame.x(at), frame.y(people))


def _point(frame: Frame, at: datetime, people: int) -> str:
    return f"{1000 * frame.across(at):.0f} {1000 * (1 - people / frame.top):.0f}"
