"""How long a channel takes: from calls, seconds and lines, or from the contract's requests a second."""

import pytest

from hub.capabilities import Capabilities, Unit
from operator_ui.staff.durations import ANSWER_S, estimate, longest
from operator_ui.words import one_language

LINE = Capabilities(kind="line", japanese="LINE", batch_size=500, requests_per_s=200)
MAIL = Capabilities(kind="mail", japanese="メール", batch_size=100)
SLOW_MAIL = Capabilities(kind="mail", japanese="メール", batch_size=100, drain_per_s=80)
WIFI = Capabilities(kind="wifi", japanese="Wi-Fi", unit=Unit.FACILITIES, batch_size=3, requests_per_s=0.5)


def voice(**more: object) -> Capabilities:
    return Capabilities(
        kind="voice", japanese="電話", batch_size=1, single_requests=True, requests_per_s=10.0, **more
    )  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("has", "number", "spoken_s", "seconds"),
    [
        (LINE, 11_902, 0, 11_902 / 100_000),
        (SLOW_MAIL, 9_214, 0, 9_214 / 80),
        (WIFI, 27, 0, 18),
        (voice(), 1_295, 0, 129.5),
        (voice(), 1_295, 41.2, 129.5 + ANSWER_S + 42),
        (voice(lines=40), 1_295, 41.2, 1_295 * (ANSWER_S + 42) / 40),
        (voice(lines=4_000), 1_295, 41.2, 129.5 + ANSWER_S + 42),
    ],
)
def test_the_tightest_limit_of_the_contract_decides(
    has: Capabilities, number: int, spoken_s: float, seconds: float
) -> None:
    found = estimate(has, number, spoken_s=spoken_s)
    assert found is not None
    assert found.seconds == pytest.approx(seconds)


def test_a_message_of_several_parts_takes_as_long_as_so_many() -> None:
    sms = Capabilities(kind="sms", japanese="SMS", batch_size=1, single_requests=True, requests_per_s=10.0)
    found = estimate(sms, 1_200, charge=3)
    assert found is not None
    assert found.seconds == pytest.approx(360)
    assert one_language(found.how, "ja") == "1,200件 × 3通分 ÷ 1秒に10通"


def test_nobody_or_no_contract_is_no_estimate() -> None:
    assert estimate(LINE, 0) is None
    assert estimate(MAIL, 9_214) is None
    assert longest([]) is None


def test_the_sum_is_shown_in_both_languages() -> None:
    every = [
        estimate(has, 27, spoken_s=s)
        for has in (LINE, SLOW_MAIL, WIFI, voice(), voice(lines=1))
        for s in (0, 9)
    ]
    for found in every:
        assert found is not None
        assert "秒" in one_language(found.how, "ja")
        assert one_language(found.how, "en").isascii() or "÷" in one_language(found.how, "en")
        assert one_language(found.how, "ja") != one_language(found.how, "en")
    calls = estimate(voice(lines=40), 1_295, spoken_s=42)
    assert calls is not None
    assert one_language(calls.how, "ja") == "1,295件 × 57秒（呼び出し15秒を含む）÷ 40回線"
