import pytest

from hub.language import Language
from operator_ui.window.language import detect, folded

LATIN = {Language.VI: {"noi", "so", "tan", "o", "dau"}, Language.NE: {"kaha", "cha", "thau"}}


@pytest.mark.parametrize(
    ("text", "wish", "language"),
    [
        ("避難所はどこですか", None, Language.JA),
        ("避難所はどこですか", Language.EN, Language.JA),
        ("避難所はどこですか", Language.JA_EASY, Language.JA_EASY),
        ("どこに にげますか", None, Language.JA_EASY),
        ("避難所", None, Language.JA),
        ("避難所", Language.ZH_HANT, Language.ZH_HANT),
        ("避难所", None, Language.ZH_HANS),
        ("避难所", Language.JA, Language.ZH_HANS),
        ("避難所在哪裡", None, Language.ZH_HANT),
        ("避難所在哪裡", Language.ZH_HANS, Language.ZH_HANT),
        ("대피소 어디", Language.JA, Language.KO),
        ("आश्रय", None, Language.NE),
        ("where", Language.JA, Language.EN),
        ("nơi sơ tán", Language.EN, Language.VI),
        ("noi so tan o dau", None, Language.VI),
        ("shelter", Language.VI, Language.EN),
        ("surakshit thau kaha cha", None, Language.NE),
        ("thau", Language.NE, Language.NE),
        ("thau", None, Language.EN),
        ("123", Language.KO, Language.KO),
        ("", None, Language.JA),
    ],
)
def test_the_script_says_the_language_and_the_wish_decides_where_it_may(
    text: str, wish: Language | None, language: Language
) -> None:
    assert detect(text, wish, LATIN) is language


def test_vietnamese_is_the_same_with_and_without_accents() -> None:
    assert folded("Đường sơ tán") == "duong so tan"
    assert folded("ペット") == "ペット"
    assert folded("대피소") == "대피소"
