"""Letters and lines: which font a character is in, how wide a text is, and where it breaks.

The page brings its fonts along (`faces`). What has none here is in one that the reader has to have (`standard`).
"""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from channels._poster import faces, standard
from channels._poster.faces import Face
from hub.language import Language

_NOT_FIRST = frozenset(
    "、。，．,.：:；;！!？?）)］]｝}〕〉》」』】ー々ゝ・％%〜ぁぃぅぇぉっゃゅょァィゥェォッャュョ-–"
)
_NOT_LAST = frozenset("（([［｛{〔〈《「『【＋")
"""JIS X 4051, in short: what begins no line, and what ends none."""
_WORD = r"!-~À-ɏ\u0300-\u036fḀ-ỿ\u0900-\u097f\u200c\u200d가-힣"
_HAN, _KANA = "々一-鿿", "ぁ-ヿ"
_FAR = r"\d+\.\d km[)）]?"
_ENDING = rf"ください[。！]|(?:\d*[{_HAN}]{{1,2}})?(?![てで]ください)[ぁ-ん]{{1,5}}[。！？]"
_PIECE = re.compile(
    rf"\d{{1,2}}時\d{{1,2}}分|{_FAR}|[{_HAN}]+（[{_KANA}]+）|{_ENDING}|[ァ-ヺー]{{2,10}}|[{_WORD}]+ *|.", re.S
)
"""A time, a distance, a word with its reading or with spaces around it, the last word of a sentence, which would look lost
on a line of its own, a word in katakana; or one character of a script without spaces."""
_PIECE_AMONG_SPACES = re.compile(rf"{_FAR}|[{_WORD}{_HAN}{_KANA}]+ *|.", re.S)
"""In a language whose words have spaces around them, a name in Japanese is a word as well."""
_PHRASE = re.compile(r"[^\u3000]*\u3000|[^\u3000]+")
_PHRASE_JA = re.compile(
    r"（[^（）]*）\u3000?|[^ぁ-んー\u3000（]*[ぁ-んー]+[、。・：！？」』）]*\u3000?|[^ぁ-んー\u3000（]+\u3000?|.",
    re.S,
)
"""An ideographic space ends one; in Japanese a bracket is one, and a word with what is written in hiragana behind it."""
_WITHOUT_SPACES = (Language.JA, Language.JA_EASY, Language.ZH_HANS, Language.ZH_HANT)
_MARK = r"\u0300-\u036f\u0900-\u0903\u093a-\u094f\u0951-\u0957\u0962\u0963\u200c\u200d"
_LETTER = re.compile(rf"(?:[\u0915-\u0939\u0958-\u095f]\u093c?\u094d[\u200c\u200d]?)*.[{_MARK}]*", re.S)
"""What no line may break within, be it wider than a line: a character with its marks, joined letters with all of them."""


class Run(NamedTuple):
    """Characters that are in one font."""

    font: Face | standard.Font
    text: str


def runs(text: str, language: Language) -> list[Run]:
    brought = faces.of(language)
    found: list[Run] = []
    for face, stretch in groupby(text, key=lambda c: next((each for each in brought if each.has(c)), None)):
        letters = "".join(stretch)
        if face is not None:
            found.append(Run(face, letters))
        else:
            found += [Run(font, part) for font, part in standard.stretches(letters, language)]
    return found


def width_pt(text: str, size_pt: float, language: Language) -> float:
    return sum(run.font.width(run.text) for run in runs(text, language)) * size_pt


def wrapped(text: str, size_pt: float, width: float, language: Language) -> Iterator[str]:
    """Lines that are no wider, but for a word that is. Of an empty text one empty line."""
    line, so_far = "", 0.0
    for piece in _pieces(text, size_pt, width, language):
        if line and so_far + width_pt(piece.rstrip(), size_pt, language) > width:
            yield line.rstrip()
            line, so_far, piece = "", 0.0, piece.lstrip()  # noqa: PLW2901 - it begins the next line
        line += piece
        so_far += width_pt(piece, size_pt, language)
    yield line.rstrip()


def phrased(text: str, size_pt: float, width: float, language: Language) -> Sequence[str]:
    """Lines that end where a phrase does. None at all where a phrase is wider than a line."""
    lines = [""]
    for phrase in (_PHRASE_JA if language is Language.JA else _PHRASE).findall(text):
        if width_pt(phrase.rstrip(), size_pt, language) > width:
            return ()
        if width_pt(f"{lines[-1]}{phrase}".rstrip(), size_pt, language) > width:
            lines.append("")
        lines[-1] += phrase
    return [line.rstrip() for line in lines]


def _pieces(text: str, size_pt: float, width: float, language: Language) -> Iterator[str]:
    """What no line may break within: a word, a character with what must stay beside it."""
    pattern = _PIECE if language in _WITHOUT_SPACES else _PIECE_AMONG_SPACES
    kept = ""
    for piece in pattern.findall(text):
        whole = width_pt(piece, size_pt, language) <= width
        for part in [piece] if whole else _LETTER.findall(piece):  # an address, wider than the page
            if kept and part[0] not in _NOT_FIRST and kept[-1] not in _NOT_LAST:
                yield kept
                kept = ""
            kept += part
    if kept:
        yield kept
