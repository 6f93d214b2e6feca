"""How long a channel takes until its last recipient is begun, reckoned from what its contract allows.

Redials and retries are not in it. Where no contract sets a speed there is no estimate.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from hub.capabilities import Capabilities, Unit

ANSWER_S = 15
"""Seconds that a telephone rings before somebody answers, as it is reckoned with."""


class Estimate(NamedTuple):
    """`how` shows the sum to staff, 「日本語 / English」."""

    seconds: float
    how: str


def estimate(has: Capabilities, number: int, *, spoken_s: float = 0, charge: int = 1) -> Estimate | None:
    """Of `number` recipients in the channel's own unit. `spoken_s`: how long one call speaks; `charge`: for how many
    requests a message counts."""
    call_s = ANSWER_S + _up(spoken_s) if spoken_s else 0
    return longest(_bounds(has, number, call_s, charge)) if number else None


def longest(estimates: Iterable[Estimate]) -> Estimate | None:
    return max(estimates, key=lambda each: each.seconds, default=None)


def _bounds(has: Capabilities, number: int, call_s: int, charge: int) -> Iterator[Estimate]:
    """Each by itself takes so long; they hold at the same time."""
    if has.requests_per_s is not None:
        rate = has.requests_per_s
        yield _calls(rate, number, call_s) if call_s else _requests(has, rate, number, charge)
    if has.drain_per_s is not None:
        yield _drained(has.drain_per_s, number)
    if has.lines is not None and call_s:
        yield _lines(has.lines, number, call_s)


def _requests(has: Capabilities, rate: float, number: int, charge: int) -> Estimate:
    if charge > 1:
        return Estimate(
            number * charge / rate,
            f"{number:,}件 × {charge}通分 ÷ 1秒に{rate:g}通 / {number:,} × {charge} parts ÷ {rate:g} a second",
        )
    each = 1 if has.single_requests else has.batch_size
    if each == 1:
        return Estimate(number / rate, f"{number:,} ÷ 1秒に{rate:g} / {number:,} ÷ {rate:g} a second")
    what = "人" if has.unit is Unit.PEOPLE else ""
    return Estimate(
        number / (rate * each),
        f"{number:,}{what} ÷（{each:,}{what}ずつ × 毎秒{rate:g}回） / "
        f"{number:,} ÷ ({each:,} at once × {rate:g} a second)",
    )


def _drained(rate: float, number: int) -> Estimate:
    return Estimate(
        number / rate,
        f"{number:,}人 ÷ 毎秒{rate:g}人（中継サーバーが送り出す速さ） / "
        f"{number:,} ÷ {rate:g} a second, as the smarthost passes on",
    )


def _calls(rate: float, number: int, call_s: int) -> Estimate:
    return Estimate(
        number / rate + call_s,
        f"{number:,}件 ÷ 毎秒{rate:g}件 ＋ 最後の通話{call_s}秒（呼び出し{ANSWER_S}秒を含む） / "
        f"{number:,} ÷ {rate:g} calls a second + the last call's {call_s} s ({ANSWER_S} s of ringing)",
    )


def _lines(lines: int, number: int, call_s: int) -> Estimate:
    return Estimate(
        number * call_s / lines,
        f"{number:,}件 × {call_s}秒（呼び出し{ANSWER_S}秒を含む）÷ {lines}回線 / "
        f"{number:,} calls × {call_s} s ({ANSWER_S} s of ringing) ÷ {lines} lines",
    )


def _up(value: float) -> int:
    return -int(-value // 1)
