"""Weighted counting, by examples that X documents.

Those marked as conformance are cases of twitter-text's own suite for configuration v3
(https://github.com/twitter/twitter-text, conformance/validate.yml).
"""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels._x_weight import units, weight

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"
ENGLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"

CONFORMANCE = {
    "Hi http://test.co": 26,
    "http://test.co": 23,
    "test.com": 23,
    "Test https://test.com test https://test.com test.com test": 86,
    "https://www.twitter.com/aloha " * 10: 240,
    "285 chars-" + "xxxxxxxxxx-" * 25: 285,
    "285 chars- http://www.twitter.com/jack " + "xxxxxxxxxx-" * 24: 299,
    "故人西辞黄鹤楼，烟花三月下扬州。": 32,
    "the故人西辞黄鹤楼，烟花三月下扬州。": 35,
    "\U0001f637" * 160: 320,
    "A\u0301B": 2,
    "A\ufb2c": 4,
    "\U0001f637\U0001f47e\U0001f621\U0001f525\U0001f4a9": 10,
    f"H\U0001f431\u263a{FAMILY}": 7,
    "\U0001f64b\U0001f3fd\U0001f468\u200d\U0001f3a4": 4,
    FAMILY * 140: 280,
    f"Unicode 10.0 emoji: \U0001f92a; \U0001f9d5; \U0001f9d5\U0001f3fe; {ENGLAND}": 34,
    "Unicode 9.0 emoji: \U0001f920; \U0001f483; \U0001f483\U0001f3fe": 29,
    "randomurlrandomurlrandomurlrandomurlrandomurlrandomurlrandomurls.com": 68,
    "ZWJ: क्ष -> क्\u200dष; ZWNJ: क्ष -> क्\u200cष": 35,
    "ABC\u202a\uffffABC\ufffe": 12,
}


@pytest.mark.parametrize(("text", "expected"), CONFORMANCE.items())
def test_conformance(text: str, expected: int) -> None:
    assert weight(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 0),
        ("昭島市", 6),
        ("ｶﾞ", 4),
        ("대피하세요", 10),
        ("Sơ tán", 6),
        ("सुरक्षित", 8),
        ("（）「」", 8),
        ("‘’“”–—", 6),
        ("1\ufe0f\u20e3", 2),
        ("\U0001f1ef\U0001f1f5", 2),
        ("\u2600\ufe0f", 2),
        ("\xa9", 1),
        ("\xa9\ufe0f", 2),
        ("詳しくはhttps://hub.example/a/1へ", 33),
        ("https://hub.example/a/1。", 25),
        ("https://hub.example/a/1.", 24),
        ("No. 2026-0147", 13),
        ("3.5m", 4),
        ("http://127.0.0.1:8080/a", 23),
        ("http://localhost:80/", 20),
    ],
)
def test_what_alerts_hold(text: str, expected: int) -> None:
    assert weight(text) == expected


def test_140_kanji_or_280_letters_fill_a_post() -> None:
    assert weight("避" * 140) == weight("a" * 280) == 280


@given(st.text())
def test_the_units_are_the_text_in_nfc(text: str) -> None:
    assert "".join(unit.text for unit in units(text)) == unicodedata.normalize("NFC", text)
