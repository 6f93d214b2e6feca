"""Bars, as an SVG that stands by itself: text is text, and its colours follow the reader's."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import log10

WIDTH, ROW, TOP = 760, 30, 58
LABELS, VALUES = 210, 190
"""What is left of the bars and right of the longest."""

STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600; font-size: 15px }
.quiet { fill: #59636e; font-size: 12px }
.theirs { fill: #9aa4ae }
.ours { fill: #0a6ebd }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .quiet { fill: #9aa6b2 }
  .theirs { fill: #6b7683 }
  .ours { fill: #4aa3e8 }
}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """`note` stands behind the value: a ratio, or extremes."""

    label: str
    value: float
    note: str = ""
    ours: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """At least one bar. `logarithmic`: a step is ten times as much, which the subtitle says."""

    name: str
    title: str
    unit: str
    bars: Sequence[Bar]
    logarithmic: bool = False

    def svg(self) -> str:
        height = TOP + ROW * len(self.bars) + 8
        subtitle = self.unit + (", logarithmic" if self.logarithmic else "")
        said = "; ".join(f"{bar.label}: {bar.value:,.4g} {bar.note}".strip() for bar in self.bars)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
            f'width="{WIDTH}" height="{height}" role="img">\n'
            f"<title>{escape(self.title)}</title>\n<desc>{escape(said)}</desc>\n<style>{STYLE}</style>\n"
            f'<text class="title" x="0" y="18">{escape(self.title)}</text>\n'
            f'<text class="quiet" x="0" y="38">{escape(subtitle)}</text>\n'
            + "".join(self._bar(number, bar) for number, bar in enumerate(self.bars))
            + "</svg>\n"
        )

    def _bar(self, number: int, bar: Bar) -> str:
        y, length = TOP + ROW * number, self._length(bar.value)
        value = f"{bar.value:,.0f}" if bar.value >= 100 else f"{bar.value:,.3g}"
        note = f' <tspan class="quiet">{escape(bar.note)}</tspan>' if bar.note else ""
        return (
            f'<text x="{LABELS - 10}" y="{y + 15}" text-anchor="end">{escape(bar.label)}</text>\n'
            f'<rect class="{"ours" if bar.ours else "theirs"}" x="{LABELS}" y="{y}" '
            f'width="{length:.1f}" height="20" rx="2"/>\n'
            f'<text x="{LABELS + length + 8:.1f}" y="{y + 15}">{value}{note}</text>\n'
        )

    def _length(self, value: float) -> float:
        most = max(bar.value for bar in self.bars)
        room = WIDTH - LABELS - VALUES
        if most <= 0 or value <= 0:
            return 1.0
        if not self.logarithmic:
            return max(1.0, room * value / most)
        least = min(bar.value for bar in self.bars if bar.value > 0) / 2
        return max(1.0, room * log10(value / least) / log10(most / least))
