"""Fonts that a page only names: where none is here to bring along.

Those that every PDF program for Asian languages should bring (Adobe's CID fonts), and Helvetica. Where one is missing, the
page is empty: `faces.advice` says what to install, so that it need not come to that.
"""

from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from itertools import groupby
from typing import Any, NamedTuple

from hub.language import Language


class Font(NamedTuple):
    """`codec`: a character set of what it surely has."""

    name: str
    codec: str

    def width(self, text: str) -> float:
        """In units of the letters' size."""
        return _width(self.name, text)


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
"""Of what is no Latin letter. Names of places stand in Japanese in every language; in Korean all Han characters are
theirs."""

LATIN = Font("Helvetica-Bold", "latin-1")


def stretches(text: str, language: Language) -> Iterator[tuple[Font, str]]:
    """One without Latin letters, a name for example, stays in one font where one has all of it."""
    for latin, stretch in groupby(text, key=_latin):
        letters = "".join(stretch)
        font = LATIN if latin else _whole(letters, language)
        if font is not None:
            yield font, letters
        else:
            for each, run in groupby(letters, key=lambda c: _whole(c, language) or FONTS[language]):
                yield each, "".join(run)


def write(canvas: Any, font: Font, text: str, size_pt: float, at: tuple[float, float]) -> None:
    """One stretch that begins there and stands there."""
    _register()
    canvas.setFont(font.name, size_pt)
    canvas.drawString(*at, text)


def _latin(character: str) -> bool:
    return "\x20" <= character < "\x7f" or "\xa0" <= character <= "\xff"


@lru_cache(maxsize=4_096)
def _whole(text: str, language: Language) -> Font | None:
    """The font that has every character of it; None: neither has."""
    own = FONTS[language]
    for font in (_JAPANESE, own) if language is Language.KO else (own, _JAPANESE):
        try:
            text.encode(font.codec)
        except UnicodeEncodeError:
            continue
        return font
    return None


@lru_cache(maxsize=4_096)
def _width(name: str, text: str) -> float:
    from reportlab.pdfbase import pdfmetrics  # noqa: PLC0415 - a quarter of a second, for who makes a page

    _register()
    return float(pdfmetrics.stringWidth(text, name, 1))


@cache
def _register() -> None:
    """Tells the library of the fonts, once."""
    from reportlab.pdfbase import pdfmetrics  # noqa: PLC0415
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont, defaultUnicodeEncodings  # noqa: PLC0415

    # reportlab 5.1 names the map of simplified Chinese, with which this font shows nothing at all
    defaultUnicodeEncodings["MSung-Light"] = ("cht", "UniCNS-UCS2-H")
    for font in set(FONTS.values()):
        pdfmetrics.registerFont(UnicodeCIDFont(font.name))
