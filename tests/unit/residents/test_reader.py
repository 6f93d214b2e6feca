"""Which language a browser gets, and readings over characters."""

import pytest

from hub.language import Language
from operator_ui.residents.reader import Reader, best
from tests.unit.residents.portal_setup import NOW


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", Language.JA),
        ("ja,en-US;q=0.7,en;q=0.3", Language.JA),
        ("vi-VN,vi;q=0.9,en;q=0.8", Language.VI),
        ("zh-TW,zh;q=0.9", Language.ZH_HANT),
        ("zh-Hant-HK", Language.ZH_HANT),
        ("zh-CN", Language.ZH_HANS),
        ("zh", Language.ZH_HANS),
        ("fr-FR,en;q=0.5", Language.EN),
        ("fr", Language.JA),
        ("*", Language.JA),
    ],
)
def test_the_first_wish_that_can_be_met(header: str, language: Language) -> None:
    assert best(header) is language


def test_readings_become_ruby_in_easy_japanese_only() -> None:
    text = "洪水（こうずい）の<場所>"
    easy = Reader(Language.JA_EASY, NOW).text(text)
    assert easy == "<ruby>洪水<rp>（</rp><rt>こうずい</rt><rp>）</rp></ruby>の&lt;場所&gt;"
    assert Reader(Language.JA, NOW).text(text) == "洪水（こうずい）の&lt;場所&gt;"


def test_a_time_of_another_day_says_the_day() -> None:
    from datetime import timedelta

    reader = Reader(Language.JA, NOW)
    assert reader.time(NOW) == "21時49分"
    assert reader.time(NOW - timedelta(days=1)) == "9月11日(金) 21時49分"
