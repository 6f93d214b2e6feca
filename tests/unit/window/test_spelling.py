"""Names as they are heard, in other scripts; the Hangul of places as 외래어 표기법 has it."""

import re

import pytest

from operator_ui.window.han import plain
from operator_ui.window.spelling import devanagari, hangul, latin, syllables


@pytest.mark.parametrize(
    ("kana", "written"),
    [
        ("とうきょう", "도쿄"),
        ("おおさか", "오사카"),
        ("きゅうしゅう", "규슈"),
        ("さっぽろ", "삿포로"),
        ("とっとり", "돗토리"),
        ("ぐんま", "군마"),
        ("つしま", "쓰시마"),
        ("ちば", "지바"),
        ("かがわ", "가가와"),
        ("にいがた", "니가타|니이가타"),
        ("はいじまちょう", "하이지마초|하이지마쵸"),
        ("なかがみ", "나카가미"),
        ("しんじゅく", "신주쿠"),
    ],
)
def test_hangul_by_the_standard_and_by_ear(kana: str, written: str) -> None:
    accepted = [each for each in written.split("|") if re.fullmatch(hangul(kana), each)]
    assert accepted
    assert not re.fullmatch(hangul(kana), "다치카와")


@pytest.mark.parametrize(
    ("kana", "written"),
    [
        ("しょうわちょう", ["showacho", "shouwachou", "syowatyo", "shohwachoh"]),
        ("おおがみ", ["ogami", "oogami", "ohgami"]),
        ("しんばし", ["shimbashi", "shinbashi", "sinbasi"]),
        ("つつじがおか", ["tsutsujigaoka", "tutuzigaoka"]),
        ("ほっかいどう", ["hokkaido", "hokkaidou"]),
        ("たけの・うち", ["takenouchi"]),
    ],
)
def test_latin_letters_in_the_usual_systems(kana: str, written: list[str]) -> None:
    assert [each for each in written if not re.fullmatch(latin(kana), each)] == []
    assert not re.fullmatch(latin(kana), "tachikawa")
    assert re.fullmatch(latin("もくせいのもり", parted=True), "mokusei no mori")


@pytest.mark.parametrize(
    ("kana", "written"),
    [
        ("はいじま", ["हाइजिमा", "हाईजीमा"]),
        ("しょうわ", ["शोवा", "स्योवा", "शोउवा"]),
        ("たちかわ", ["ताचिकावा", "तचिकावा"]),
        ("しんじゅく", ["सिन्जुकु", "शिंजुकु"]),
        ("ごうち", ["गोची", "गोउची"]),
    ],
)
def test_devanagari_as_nepali_writes_the_sounds(kana: str, written: list[str]) -> None:
    assert [each for each in written if not re.fullmatch(devanagari(kana), each)] == []
    assert not re.fullmatch(devanagari(kana), "नेपाल")


def test_what_is_not_kana_has_no_spelling_and_long_vowels_do_not_cross_what_is_kept_apart() -> None:
    assert syllables("拝島") == ()
    assert [each.long for each in syllables("たけの・うち")] == [False] * 5
    assert [each.long for each in syllables("ごうち")] == [True, False]


@pytest.mark.parametrize(
    "forms",
    [
        ("拝島", "拜岛", "拜島"),
        ("緑ヶ丘", "绿が丘", "綠ガ丘"),
        ("東中神駅", "东中神驿"),
        ("サクラ", "さくら"),
    ],
)
def test_han_characters_and_kana_have_one_form(forms: tuple[str, ...]) -> None:
    assert len({plain(form) for form in forms}) == 1
    assert all(len(plain(form)) == len(form) for form in forms)
