"""Letters and lines: which font a character is in, how wide a text is, and where it breaks.

The fonts are those that every PDF program for Asian languages brings (Adobe's CID fonts), and Helvetica: nothing is
embedded, a page stays small, and no font file has to be installed. What they lack, Vietnamese's marks over marks and
Nepali's script, whose letters join, the page brings along (`embedded`).
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from itertools import groupby
from typing import NamedTuple

from channels._poster import embedded
from channels._poster.embedded import EMBEDDED
from hub.language import Language


class Font(NamedTuple):
    """`codec`: a character set of what it surely has."""

    name: str
    codec: str


_JAPANESE = Font("HeiseiKakuGo-W5", "cp932")

FONTS: Mapping[Language, Font] = {
    Language.JA: _JAPANESE,
    Language.JA_EASY: _JAPANESE,
    Language.EN: _JAPANESE,
    Language.ZH_HANS: Font("STSong-Light", "gb2312"),
    Language.ZH_HANT: Font("MSung-Light", "big5"),
    Language.KO: Font("HYGothic-Medium", "euc_kr"),
    Language.VI: _JAPANESE,
    Language.NE: _JAPANESE,
}
"""Of what is neither a Latin letter nor in a font that the page brings along. Names of places stand in Japanese in every
language; in Korean all Han characters are theirs."""

LATIN = "Helvetica-Bold"

_NOT_FIRST = frozenset(
    "、。，．,.：:；;！!？?）)］]｝}〕〉》」』】ー々ゝ・％%〜ぁぃぅぇぉっゃゅょァィゥェォッャュョ"
)
_NOT_LAST = frozenset("（([［｛{〔〈《「『【＋")
"""JIS X 4051, in short: what begins no line, and what ends none."""
_PIECE = re.compile(r"\d{1,2}時\d{1,2}分|[!-~À-ɏ\u0300-\u036fḀ-ỿ\u0900-\u097f\u200c\u200d가-힣]+[ ]*|.", re.S)
"""A time, a word, or one character of a script without spaces."""
_MARK = r"\u0300-\u036f\u0900-\u0903\u093a-\u094f\u0951-\u0957\u0962\u0963\u200c\u200d"
_LETTER = re.compile(rf"(?:[\u0915-\u0939\u0958-\u095f]\u093c?\u094d[\u200c\u200d]?)*.[{_MARK}]*", re.S)
"""What no line may break within, be it wider than a line: a character with its marks, joined letters with all of them."""


class Run(NamedTuple):
    """Characters that are in one font."""

    font: str
    text: str


def runs(text: str, language: Language) -> list[Run]:
    """A stretch without Latin letters, a name for example, stays in one font where one has all of it."""
    own = EMBEDDED.get(language)

    def surely(character: str) -> str | None:
        if own is not None and own.has(character):
            return own.file
        return LATIN if _latin(character) else None

    found: list[Run] = []
    for known, stretch in groupby(text, key=surely):
        letters = "".join(stretch)
        font = known or _whole(letters, language)
        found += [Run(font, letters)] if font else _by_letter(letters, language)
    return found


def width_pt(text: str, size_pt: float, language: Language) -> float:
    return sum(_measured(run.font, run.text) for run in runs(text, language)) * size_pt


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


@cache
def register() -> None:
    """Tells the library of the fonts, once."""
    from reportlab.pdfbase import pdfmetrics  # noqa: PLC0415 - a quarter of a second, for who makes a page
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont, defaultUnicodeEncodings  # noqa: PLC0415

    # reportlab 5.1 names the map of simplified Chinese, with which this font shows nothing at all
    defaultUnicodeEncodings["MSung-Light"] = ("cht", "UniCNS-UCS2-H")
    for font in set(FONTS.values()):
        pdfmetrics.registerFont(UnicodeCIDFont(font.name))


def supported(language: Language) -> bool:
    """Whether there are letters for it, here: in two languages a font file has to be."""
    return language not in EMBEDDED or EMBEDDED[language].path is not None


def _pieces(text: str, size_pt: float, width: float, language: Language) -> Iterator[str]:
    """What no line may break within: a word, a character with what must stay beside it."""
    kept = ""
    for piece in _PIECE.findall(text):
        whole = width_pt(piece, size_pt, language) <= width
        for part in [piece] if whole else _LETTER.findall(piece):  # an address, wider than the page
            if kept and part[0] not in _NOT_FIRST and kept[-1] not in _NOT_LAST:
                yield kept
                kept = ""
            kept += part
    if kept:
        yield kept


def _latin(character: str) -> bool:
    return "\x20" <= character < "\x7f" or "\xa0" <= character <= "\xff"


def _by_letter(text: str, language: Language) -> list[Run]:
    def font(character: str) -> str:
        return _whole(character, language) or FONTS[language].name

    return [Run(name, "".join(run)) for name, run in groupby(text, key=font)]


@lru_cache(maxsize=4_096)
def _whole(text: str, language: Language) -> str | None:
    """The font that has every character of it; None: neither has."""
    own = FONTS[language]
    for font in (_JAPANESE, own) if language is Language.KO else (own, _JAPANESE):
        try:
            text.encode(font.codec)
        except UnicodeEncodeError:
            continue
        return font.name
    return None


@lru_cache(maxsize=4_096)
def _measured(font: str, text: str) -> float:
    """In units of the letters' size."""
    if embedded.brought(font):
        return embedded.width(font, text)
    from reportlab.pdfbase import pdfmetrics  # noqa: PLC0415

    register()
    return float(pdfmetrics.stringWidth(text, font, 1))
