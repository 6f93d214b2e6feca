"""The drill framing: 【訓練】 around every text of a drill, put there by the renderer alone (I6)."""

from collections.abc import Mapping
from typing import NamedTuple

from hub.channel import Span, Spans
from hub.language import Language
from hub.slots import DRILL


class Framing(NamedTuple):
    mark: str
    """In front of a headline, a short text, and the body's first and last line."""
    sentence: str
    """The body's first and last line; the first and last thing a voice says."""


def frame(spans: Spans, form: str, language: Language) -> Spans:
    """`spans` framed as the form asks ("headline", "short", "body", "speech"). Never empty afterwards."""
    mark, sentence = FRAMINGS[language]
    if form == "body":
        line = mark + sentence
        return (Span(f"{line}\n", DRILL), *spans, Span(f"\n{line}", DRILL))
    if form == "speech":
        gap = "" if language in _UNSPACED else " "
        return (Span(sentence + gap, DRILL), *spans, Span(gap + sentence, DRILL))
    return (Span(mark, DRILL), *spans)


_UNSPACED = frozenset({Language.JA, Language.JA_EASY, Language.ZH_HANS, Language.ZH_HANT})

FRAMINGS: Mapping[Language, Framing] = {
    Language.JA: Framing("【訓練】", "これは訓練です。"),
    Language.JA_EASY: Framing("【訓練】", "これは くんれんです。ほんとうでは ありません。"),
    Language.EN: Framing("【訓練】[DRILL] ", "This is a drill."),
    Language.ZH_HANS: Framing("【訓練】[演练]", "这是演练。"),
    Language.ZH_HANT: Framing("【訓練】[演練]", "這是演練。"),
    Language.KO: Framing("【訓練】[훈련] ", "이것은 훈련입니다."),
    Language.VI: Framing("【訓練】[DIỄN TẬP] ", "Đây là cuộc diễn tập."),
    Language.NE: Framing("【訓練】[अभ्यास] ", "यो अभ्यास मात्र हो।"),
}
"""Every mark begins with 【訓練】, so that one look tells a drill in any language."""
