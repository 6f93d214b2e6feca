"""The hourly report to the headquarters (定時報告): who is where, as it is known at one moment.

Its totals are the sums of the lines that stand above them. A site whose number is not known stands apart, with
what was last known of it, and counts into no total (I13).
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from shelters.board import Board, Row
from shelters.record import Report
from shelters.shelter import INHABITED
from shelters.site import SiteCode
from shelters.support import Support


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One site. `households`, `need_support` and `support`: as staff said last since it opened; None, or absent,
    where they did not. `needs`: what their newest report lacks; `reported_at`: the time of that report."""

    row: Row
    opened_at: datetime | None = None
    households: int | None = None
    need_support: int | None = None
    support: dict[Support, int] = {}
    needs: tuple[str, ...] = ()
    reported_at: datetime | None = None

    def number(self, name: str) -> int | None:
        """Of the column `name`: `people`, `households`, `need_support` or a kind of support."""
        if name == "people":
            return self.row.people
        if name in Columns.OF_STAFF:
            number: int | None = getattr(self, name)
            return number
        return self.support.get(Support(name))


class Columns:
    """The names of the numbers, in their order."""

    OF_STAFF = ("households", "need_support")
    ALL = ("people", *OF_STAFF, *Support)


class Hourly(msgspec.Struct, frozen=True, kw_only=True):
    """`known`: the fullest first. `unknown`: people may be inside, how many nobody can say."""

    at: datetime
    known: tuple[Line, ...]
    unknown: tuple[Line, ...]

    def total(self, name: str) -> int | None:
        """The sum of what the known lines say; None when none of them says anything: that is no zero."""
        said = [number for line in self.known if (number := line.number(name)) is not None]
        return sum(said) if said else None

    def unsaid(self, name: str) -> int:
        """How many of the known lines say nothing of it."""
        return sum(line.number(name) is None for line in self.known)


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """Since when a site receives, and what staff reported since it began to open, first to last."""

    at: datetime | None
    reports: Sequence[Report]


def hourly(board: Board, opened: dict[SiteCode, Opened]) -> Hourly:
    lines = [_line(row, opened.get(row.site.code)) for row in board.rows if row.step.stage in INHABITED]
    known = [line for line in lines if line.row.people is not None]
    return Hourly(
        at=board.at,
        known=tuple(sorted(known, key=lambda line: -(line.row.people or 0))),
        unknown=tuple(line for line in lines if line.row.people is None),
    )


def _line(row: Row, opened: Opened | None) -> Line:
    line = Line(row=row, opened_at=opened.at if opened else None)
    for report in opened.reports if opened else ():
        line = msgspec.structs.replace(
            line,
            households=line.households if report.households is None else report.households,
            need_support=line.need_support if report.need_support is None else report.need_support,
            support=line.support | report.support,
            needs=report.needs,
            reported_at=report.at,
        )
    return line
