"""An evening as an SVG that stands by itself: how full each shelter was over time, under several policies."""

from collections.abc import Mapping, Sequence
from html import escape

from yobikake.evaluation.routing import EVERY_MIN, Outcome
from yobikake.evaluation.town import Evening

LABELS, PANEL, GAP, ROW, TOP = 190, 250, 24, 34, 76
_HIGH = 24
"""Of a row, what stands for the whole capacity."""

STYLE = """
text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600; font-size: 15px }
.quiet { fill: #59636e; font-size: 11px }
.head { font-weight: 600 }
.people { fill: #9ec5ea; stroke: #0a6ebd; stroke-width: 1 }
.full .people { fill: #f2b5a7; stroke: #b3341c }
.full .end { fill: #b3341c; font-weight: 600 }
.most { stroke: #8c959f; stroke-dasharray: 2 3 }
.base { stroke: #d0d7de }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .quiet { fill: #9aa6b2 }
  .people { fill: #1d4f7c; stroke: #4aa3e8 }
  .full .people { fill: #6b2a1c; stroke: #ff8f73 }
  .full .end { fill: #ff8f73 }
  .most { stroke: #6e7781 }
  .base { stroke: #3d444d }
}
"""


def drawn(evening: Evening, outcomes: Mapping[str, Outcome], *, title: str) -> str:
    """A row a shelter, a panel a policy, at least one. The dashed line is the capacity; red: somebody was turned away."""
    width = LABELS + len(outcomes) * (PANEL + GAP)
    height = TOP + ROW * len(evening.sites) + 26
    order = sorted(range(len(evening.sites)), key=lambda i: -(evening.sites[i].capacity or 0))
    said = "; ".join(f"{name}: {_away(outcome)}" for name, outcome in outcomes.items())
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img">\n<title>{escape(title)}</title>\n<desc>{escape(said)}</desc>\n'
        f'<style>{STYLE}</style>\n<text class="title" x="0" y="18">{escape(title)}</text>\n'
        f'<text class="quiet" x="0" y="36">people inside by shelter, hours after the order; dashed: capacity; '
        f"red: somebody was turned away</text>\n"
        + "".join(_label(evening, site, row) for row, site in enumerate(order))
        + "".join(
            _panel(evening, order, name, outcome, LABELS + panel * (PANEL + GAP))
            for panel, (name, outcome) in enumerate(outcomes.items())
        )
        + "</svg>\n"
    )


def _away(outcome: Outcome) -> str:
    return f"{100 * outcome.turned_away:.0f} % turned away, {outcome.walking_min:.0f} min on foot"


def _label(evening: Evening, site: int, row: int) -> str:
    y = TOP + ROW * row + _HIGH
    return f'<text x="0" y="{y - 4}">{escape(evening.sites[site].name.ja)}</text>\n'


def _panel(evening: Evening, order: Sequence[int], name: str, outcome: Outcome, x: int) -> str:
    rows = "".join(
        _row(outcome.inside[site], evening.sites[site].capacity or 1, outcome.full[site], x, TOP + ROW * row)
        for row, site in enumerate(order)
    )
    bottom = TOP + ROW * len(order) + 14
    hours = (len(outcome.inside[0]) - 1) * EVERY_MIN // 60
    times = "".join(
        f'<text class="quiet" x="{x + (PANEL - 44) * hour / hours:.0f}" y="{bottom}" '
        f'text-anchor="middle">{hour} h</text>\n'
        for hour in range(0, hours + 1, 2)
    )
    return (
        f'<text class="head" x="{x}" y="58">{escape(name)}</text>\n'
        f'<text class="quiet" x="{x}" y="72">{escape(_away(outcome))}</text>\n{rows}{times}'
    )


def _row(people: Sequence[int], most: int, full: bool, x: int, y: int) -> str:
    wide, base = PANEL - 44, y + _HIGH
    points = [
        f"{x + wide * i / (len(people) - 1):.1f} {base - _HIGH * min(1.0, number / most):.1f}"
        for i, number in enumerate(people)
    ]
    edge = "L".join(points)
    kind = ' class="full"' if full else ""
    return (
        f"<g{kind}>"
        f'<line class="base" x1="{x}" x2="{x + wide}" y1="{base}" y2="{base}"/>'
        f'<path class="people" d="M{x} {base}L{edge}V{base}z"/>'
        f'<line class="most" x1="{x}" x2="{x + wide}" y1="{y}" y2="{y}"/>'
        f'<text class="quiet end" x="{x + wide + 4}" y="{base - 2}">{people[-1]}/{most}</text></g>\n'
    )
