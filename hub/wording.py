"""Words that decide whether an alert may leave: those of a drill, and those that admit a mistake (I6)."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache

from hub.alert import AlertInfo, Area, Mode, Order
from hub.errors import Refused
from hub.language import Language
from hub.slots import Form

STAND_ALONE = (Form.HEADLINE, Form.DESCRIPTION, Form.SHORT, Form.SPEECH)
"""The texts that may reach somebody without the others."""


def check(infos: Sequence[AlertInfo], *, mode: Mode, correction: bool) -> None:
    """What an operator's texts say fits the alert's mode and kind.

    The renderer frames drills; so in a live alert no text may speak of one, and a correction says
    that there was a mistake, in each text that may stand alone.

    Raises:
        Refused: names the text, `$.infos[0].headline`.
    """
    for i, info in enumerate(infos):
        if mode is Mode.LIVE:
            _refuse_drill_words(info, f"$.infos[{i}]")
        if correction:
            _require_mistake_words(info, f"$.infos[{i}]")


def check_order(order: Order, area: Area, *, mode: Mode) -> None:
    """The words of the order fit the alert's mode: they stand in the texts and on the page beside them.

    Raises:
        Refused: a live alert speaks of a drill; names the field, `$.order.issuer`.
    """
    if mode is not Mode.LIVE:
        return
    words = {
        "$.order.issuer": order.issuer,
        "$.order.grounds": order.grounds,
        "$.area": area.description,
    }
    for place, text in words.items():
        for language in (Language.JA, Language.EN):  # written by the city's staff
            _refuse_drill_word(text, language, place)


@lru_cache(maxsize=512)
def drill_word(text: str, language: Language) -> str | None:
    """The first word of a drill in `text`, if there is one. An alert's texts are asked about for each variant."""
    folded = _folded(text)
    found = _EVERYWHERE.search(folded) or _DRILL[language].search(folded)
    return found[0] if found else None


def admits_mistake(text: str, language: Language) -> bool:
    """Whether `text` says that something was wrong: 誤り."""
    return bool(_MISTAKE[language].search(_folded(text)))


def _refuse_drill_words(info: AlertInfo, place: str) -> None:
    for form in Form:
        _refuse_drill_word(getattr(info, form), info.language, f"{place}.{form}")


def _refuse_drill_word(text: str, language: Language, place: str) -> None:
    if word := drill_word(text, language):
        raise Refused(
            f"{place}: a live alert says «{word}», the word of a drill. Write it without. / "
            f"本番の文面に「{word}」があります。訓練と読める言葉を消してください"
        )


def _require_mistake_words(info: AlertInfo, place: str) -> None:
    for form in STAND_ALONE:
        if not admits_mistake(getattr(info, form), info.language):
            raise Refused(
                f"{place}.{form}: a correction must say that there was a mistake. / "
                "訂正の文面には「誤り」と書いてください"
            )


def _folded(text: str) -> str:
    """Full-width letters, capitals, decomposed accents, unseen characters and gaps do not hide a word."""
    hidden = dict.fromkeys(ord(character) for character in set(text) if _is_hidden(character))
    return _GAP.sub("", unicodedata.normalize("NFKC", text.translate(hidden)).casefold())


@lru_cache(maxsize=4_096)
def _is_hidden(character: str) -> bool:
    return unicodedata.category(character) == "Cf" or bool(_UNSEEN.match(character))


_UNSEEN = re.compile("[\u034f\u115f\u1160\u3164\uffa0\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""Fillers and variation selectors: the letter before looks the same, or nearly so."""

_CJK = "[\u3005\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]"
_GAP = re.compile(rf"(?<={_CJK})\s+(?={_CJK})")
"""Between two characters of a script that writes no spaces. Korean does: 자연 습지 is no 연습."""


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(unicodedata.normalize("NFKC", pattern))


_EVERYWHERE = _words(r"訓練|くんれん|(?<![a-z])drills?(?![a-z])|演练|演練|훈\s*련|diễn tập|अभ्यास|ड्रिल")
_DRILL: Mapping[Language, re.Pattern[str]] = {
    Language.JA: _words(r"ドリル"),
    Language.JA_EASY: _words(r"ドリル|れんしゅう|練習"),
    Language.EN: _words(r"\bexercises?\b|\brehearsals?\b"),
    Language.ZH_HANS: _words(r"演习|训练"),
    Language.ZH_HANT: _words(r"演習|訓練"),
    Language.KO: _words(r"연습"),
    Language.VI: _words(r"tập dượt|thực tập"),
    Language.NE: _words(r"पूर्वाभ्यास"),
}
"""In Japanese 演習 stays out: it is part of place names (演習場)."""

_MISTAKE: Mapping[Language, re.Pattern[str]] = {
    Language.JA: _words(r"誤り|誤って"),
    Language.JA_EASY: _words(r"間違|まちが|誤"),
    Language.EN: _words(r"\bmistakes?\b|\berrors?\b|\bwrong\b|\bincorrect\b"),
    Language.ZH_HANS: _words(r"错误|有误"),
    Language.ZH_HANT: _words(r"錯誤|有誤"),
    Language.KO: _words(r"잘못|오류|착오"),
    Language.VI: _words(r"\bsai\b|nhầm|\blỗi\b"),
    Language.NE: _words(r"गलत|गल्ती|त्रुटि"),
}
