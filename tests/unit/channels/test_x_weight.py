"""Weighted counting, by examples that X documents.

`CONFORMANCE` are cases of twitter-text's own suite for configuration v3: Copyright Twitter, Inc. and contributors,
Apache-2.0, https://github.com/twitter/twitter-text, conformance/validate.yml (weights) and conformance/extract.yml (what
is a URL; the weight follows: 23 for each, 1 or 2 for every other character).
"""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.x.weight import units, weight

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"
ENGLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"

POEM = (
    "故人西辞黄鹤楼，烟花三月下扬州。孤帆远影碧空尽，唯见长江天际流。朱雀桥边野草花，乌衣巷口夕阳斜。"
    "旧时王谢堂前燕，飞入寻常百姓家。朝辞白帝彩云间，千里江陵一日还。两岸猿声啼不住，轻舟已过万重山。"
    "泪湿罗巾梦不成，夜深前殿按歌声。红颜未老恩先断，斜倚薰笼坐到明。独在异乡为异客，每逢佳节倍思亲。"
    "遥知兄弟登高处，遍插茱萸少一人。"
)
KANA = "あいうえおかきくけこ"

CONFORMANCE = {
    # validate.yml: whole posts
    "Hi http://test.co": 26,
    "http://test.co": 23,
    "test.com": 23,
    "https://test.com": 23,
    "This is a test.": 15,
    "Test https://test.com test https://test.com test.com test": 86,
    "https://www.twitter.com/aloha " * 10: 240,
    "285 chars-" + "xxxxxxxxxx-" * 25: 285,
    "285 chars- http://www.twitter.com/jack " + "xxxxxxxxxx-" * 24: 299,
    "xxxxxxxxxx-" * 24 + " http://www.twitter.com/jack ": 289,
    "282 chars-" + "xxxxxxxxxx-" * 24 + "xxxxxA\u0301x": 281,
    # scripts and combining marks
    POEM: 320,
    f"the{POEM}": 323,
    "저찀쯿쿿": 8,
    "A\u0301B": 2,
    "A\ufb2c": 4,
    "ABC\u202a\uffffABC\ufffe": 12,
    "ZWJ: क्ष -> क्\u200dष; ZWNJ: क्ष -> क्\u200cष": 35,
    "This is a tweet with general punctuation characters: "
    "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b "
    "\u2010 \u2011 \u2012 \u2013 \u2014 \u2015 \u2016  \u2017 \u2018 \u2019 \u201a \u201b \u201c \u201d "
    "\u201e \u201f \u2032 \u2033 \u2034 \u2035 \u2036 \u2037": 110,
    # emoji
    "\U0001f637" * 160: 320,
    "\U0001f637\U0001f47e\U0001f621\U0001f525\U0001f4a9": 10,
    f"H\U0001f431\u263a{FAMILY}": 7,
    "\U0001f64b\U0001f3fd\U0001f468\u200d\U0001f3a4": 4,
    FAMILY * 140: 280,
    f"Unicode 10.0 emoji: \U0001f92a; \U0001f9d5; \U0001f9d5\U0001f3fe; {ENGLAND}": 34,
    "Unicode 9.0 emoji: \U0001f920; \U0001f483; \U0001f483\U0001f3fe": 29,
    # hosts in another script, and labels that are too long as they travel
    "randomurlrandomurlrandomurlrandomurlrandomurlrandomurlrandomurls.com": 68,
    f"{KANA * 12} http://{KANA * 5}あいう.com": 358,
    f"{KANA * 12} http://{KANA * 5}あい.com": 264,
    "\u2066\u202ahttp://foobar.پاکستان/\u202c\u2069": 31,
    "http://☃.net/": 23,
    "text http://✪df.ws/ejp": 28,
    # extract.yml: what is a URL
    "text http://google.com/#search?q=iphone%20-filter%3Alinks": 28,
    "text http://somehost.com:3000": 28,
    "text http://xo.com/~matthew+%ff-,.;x": 28,
    "text http://xo.com/,.;x": 28,
    "text http://en.wikipedia.org/wiki/Primer_(film)": 28,
    "text http://chilp.it/?77e8fd": 28,
    "text http://msdn.microsoft.com/ja-jp/library/system.net.httpwebrequest(v=VS.100).aspx": 28,
    "(http://twitter.com": 24,
    "text http://word-and-a-number-8-ftw.domain.com/": 28,
    "text http://foo.com?#foo text": 33,
    "Go to http://example.com/a+ or http://example.com/a-": 56,
    "Go to http://twitter.com/Русские_слова": 29,
    "test http://sub_domain-dash.twitter.com": 28,
    "test http://a.b.cd": 28,
    "これは日本語です。example.com/path/index.html中国語example.com/path한국": 74,
    "http://twitter.com/これは日本語です。example.com中国語http://t.co/abcde한국twitter.comテスト"
    "example2.comテストhttp://twitter.com/abcde": 178,
    # and what is none
    "text http://domain-dash_2314352345_dfasd.foo-cow_4352.com": 57,
    "text http://-dash_2314352345_dfasd.foo-cow_4352.com": 51,
    "text http://no-tld": 18,
    "text http://tld-too-short.x": 27,
    "text http://domain.com-that-you-should-have-put-a-space-after": 67,
    "test http://-leadingdash.twitter.com": 36,
    "test http://trailingdash-.twitter.com": 37,
    "test http://_leadingunderscore.twitter.com": 42,
    "test http://trailingunderscore_.twitter.com": 43,
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
