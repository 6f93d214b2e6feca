"""How gateways count. The connector for X has the exact rules; here nothing may count less."""

import pytest

from channels._x_weight import weight
from hub.measure import MEASURES, characters, utf16, weighted


@pytest.mark.parametrize(
    ("text", "as_characters", "as_utf16", "as_weighted"),
    [
        ("", 0, 0, 0),
        ("Level 4", 7, 7, 7),
        ("昭島市", 3, 3, 6),
        ("【訓練】", 4, 4, 8),
        ("피난", 2, 2, 4),
        ("sơ tán", 6, 6, 6),
        ("Tất cả", 6, 6, 8),
        ("निर्देशन", 8, 8, 8),
        ("𠮷野", 2, 3, 4),
        ("見る https://hub.example/a/2026-0147/ja", 37, 37, 28),
    ],
)
def test_each_gateway_counts_in_its_own_way(
    text: str, as_characters: int, as_utf16: int, as_weighted: int
) -> None:
    assert (characters(text), utf16(text), weighted(text)) == (as_characters, as_utf16, as_weighted)


@pytest.mark.parametrize(
    "text",
    [
        "避難指示 https://hub.example/a/1 と city.example.jp/x へ",
        "Go now. Do not wait.Leave",
        "👨‍👩‍👧‍👦 逃げて 🇯🇵",
        "e\u0301vacuation",
        "test.com",
    ],
)
def test_nothing_counts_less_than_x_does(text: str) -> None:
    assert weighted(text) >= weight(text)


def test_measures_are_found_by_the_name_a_channel_uses() -> None:
    assert set(MEASURES) == {"characters", "utf16", "weighted"}
