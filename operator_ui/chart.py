"""Amounts against time, as SVG: lines over a shared axis, with moments marked on them.

Letters keep their size whatever the width, for only the lines are stretched; colours and strokes are the style
sheet's. A picture says nothing to a screen reader but its title: a table stands beside it.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from math import ceil, floor, log10
from typing import NamedTuple

from markupsafe import Markup

from hub.clock import JST
from operator_ui import moments

_LEAST = timedelta(seconds=10)
"""No axis is shorter: what took a second stands at its beginning."""
_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800)


class Shape(NamedTuple):
    """`above`: of the height, in per cent, the band that names the marks; `height`: the plot. `intervals`: at most so
    many on the axis of time. `edge`: so near to an end, in parts of the width, a time no longer stands in the middle
    of its moment."""

    above: float
    height: float
    intervals: float
    edge: float


LARGE, SMALL = Shape(22.5, 64.0, 4, 0.08), Shape(8.0, 66.0, 2.8, 0.2)


class Line(NamedTuple):
    """`kind` is the class of its strokes. The amounts never fall."""

    kind: str
    points: Sequence[tuple[datetime, int]]


class Mark(NamedTuple):
    """A moment of the first line, and what it is called."""

    at: datetime
    name: str


def chart(
    lines: Sequence[Line],
    *,
    start: datetime,
    end: datetime,
    top: int,
    marks: Sequence[Mark] = (),
    title: str,
) -> Markup:
    """`top`: the most that there can be, drawn as a line of its own. Each line begins with 0 at `start` and goes on
    to `end` as it ended. Without a name, marks are points alone, and the band above is not there."""
    named = any(mark.name for mark in marks)
    shape = LARGE if named else SMALL
    frame = Frame(start, max(end, start + _LEAST), max(top, 1), shape, ticked=named)
    return Markup('<div class="chart{}" role="img" aria-label="{}">{}{}</div>').format(
        "" if named else " small",
        title,
        amounts(frame, (0, *frame.ticks, frame.top)),
        _plot(frame, lines, marks),
    )


class Frame:
    """Where a moment and an amount stand. `ticked`: with round amounts below the top."""

    def __init__(self, start: datetime, end: datetime, top: int, shape: Shape, *, ticked: bool) -> None:
        self.start, self.end, self.top, self.shape = start, end, top, shape
        self.ticks = _ticks(top) if ticked else []

    def across(self, at: datetime) -> float:
        """0 to 1."""
        return min(1.0, max(0.0, (at - self.start) / (self.end - self.start)))

    def x(self, at: datetime) -> str:
        return f"{100 * self.across(at):.2f}%"

    def y(self, amount: float) -> str:
        return f"{self.shape.above + self.shape.height * (1 - amount / self.top):.2f}%"


def amounts(frame: Frame, shown: Sequence[int]) -> Markup:
    """The axis of amounts, beside the plot."""
    return Markup('<svg class="chart-amounts" aria-hidden="true">{}</svg>').format(
        Markup().join(
            Markup('<text x="100%" y="{}" dy=".35em" text-anchor="end">{}</text>').format(
                frame.y(amount), moments.number(amount)
            )
            for amount in shown
        )
    )


def _plot(frame: Frame, lines: Sequence[Line], marks: Sequence[Mark]) -> Markup:
    return Markup('<svg class="chart-plot" aria-hidden="true">{}</svg>').format(
        Markup().join(
            [
                *_grid(frame),
                Markup(
                    '<svg x="0" y="{}%" width="100%" height="{}%" viewBox="0 0 1000 1000" preserveAspectRatio="none">'
                ).format(frame.shape.above, frame.shape.height),
                *(_line(frame, line) for line in lines),
                Markup("</svg>"),
                *times(frame),
                *_marks(frame, lines, marks),
            ]
        )
    )


def _grid(frame: Frame) -> Iterator[Markup]:
    for amount, kind in (*((tick, "") for tick in (0, *frame.ticks)), (frame.top, " top")):
        yield Markup('<line class="chart-grid{}" x1="0" x2="100%" y1="{y}" y2="{y}"/>').format(
            kind, y=frame.y(amount)
        )


def _line(frame: Frame, line: Line) -> Markup:
    """The area under it and its edge; both stretch with the plot, their strokes do not."""
    reached = 0
    way = ["M0 1000"]
    for at, amount in line.points:
        reached = min(amount, frame.top)
        way.append(f"L{1000 * frame.across(at):.0f} {1000 * (1 - reached / frame.top):.0f}")
    way.append("H1000")
    edge = "".join(way)
    return Markup(
        '<path class="chart-area {0}" d="{1}V1000z"/><path class="chart-line {0}" d="{1}"/>'
    ).format(line.kind, edge)


def times(frame: Frame) -> Iterator[Markup]:
    step, edge = _time_step(frame.end - frame.start, frame.shape.intervals), frame.shape.edge
    for at in _moments(frame, step):
        across = frame.across(at)
        anchor = "start" if across < edge else "end" if across > 1 - edge else "middle"
        yield Markup('<text x="{}" y="98%" text-anchor="{}">{}</text>').format(
            frame.x(at), anchor, moments.clock(at, seconds=step < timedelta(minutes=1))
        )


def _marks(frame: Frame, lines: Sequence[Line], marks: Sequence[Mark]) -> Iterator[Markup]:
    """Each name in a row of its own, so that none covers another however near their moments are."""
    for row, mark in enumerate(marks):
        x, y = frame.x(mark.at), frame.y(_amount(lines[0], mark.at, frame.top))
        if mark.name:
            side = ("start", ".4em") if frame.across(mark.at) < 0.5 else ("end", "-.4em")
            yield Markup('<line class="chart-mark" x1="{x}" x2="{x}" y1="{}%" y2="{}"/>').format(
                7.4 * row + 1, y, x=x
            )
            yield Markup('<text class="chart-name" x="{}" y="{}%" dx="{}" text-anchor="{}">{}</text>').format(
                x, 7.4 * row + 6.2, side[1], side[0], mark.name
            )
        yield Markup('<circle class="chart-dot" cx="{}" cy="{}" r="4"/>').format(x, y)


def _amount(line: Line, at: datetime, top: int) -> int:
    """What the line shows at that moment: straight between two points, as it is drawn."""
    before, reached = at, 0
    for moment, amount in line.points:
        if moment >= at:
            share = (at - before) / (moment - before) if moment > before and before < at else 1.0
            return min(top, reached + round(share * (amount - reached)))
        before, reached = moment, amount
    return min(top, reached)


def _ticks(top: int) -> list[int]:
    """Round amounts below the top, at most three, none so near to it that they would touch."""
    rough = top / 4
    power = 10 ** max(0, floor(log10(rough))) if rough >= 1 else 1
    step = next(power * each for each in (1, 2, 2.5, 5, 10) if power * each >= rough)
    return [
        int(step * each)
        for each in range(1, 5)
        if step * each == int(step * each) and step * each <= 0.88 * top
    ]


def _time_step(span: timedelta, intervals: float) -> timedelta:
    rough = span.total_seconds() / intervals
    return timedelta(seconds=next((each for each in _STEPS_S if each >= rough), _STEPS_S[-1]))


def _moments(frame: Frame, step: timedelta) -> Iterator[datetime]:
    """Round ones in Japanese time, within the frame."""
    midnight = frame.start.astimezone(JST).replace(hour=0, minute=0, second=0, microsecond=0)
    at = midnight + step * ceil((frame.start - midnight) / step)
    while at <= frame.end:
        yield at
        at += step
