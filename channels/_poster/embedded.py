"""Fonts that a page brings along, a subset of each: where the standard ones lack a language's letters.

Noto Sans, as the system's package has it. HarfBuzz sets the letters: it joins and reorders those of Devanagari.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from hub.language import Language

FOLDERS = (
    Path("/usr/share/fonts/truetype/noto"),  # Debian, Ubuntu
    Path("/usr/share/fonts/google-noto"),  # RHEL, Fedora
    Path("/usr/share/fonts/noto"),  # Arch
    Path("/usr/local/share/fonts"),  # laid there by hand
    Path("~/.local/share/fonts").expanduser(),
)

PACKAGES = "fonts-noto-core (Debian, Ubuntu), google-noto-sans-fonts + google-noto-sans-devanagari-fonts (RHEL, Fedora)"


class Embedded(NamedTuple):
    """`file` is its name in `FOLDERS`, without the ending."""

    file: str
    letters: re.Pattern[str]

    @property
    def path(self) -> Path | None:
        return next((path for folder in FOLDERS if (path := folder / f"{self.file}.ttf").is_file()), None)

    def has(self, character: str) -> bool:
        return self.letters.match(character) is not None


EMBEDDED: Mapping[Language, Embedded] = {
    Language.VI: Embedded(
        "NotoSans-Bold",
        re.compile(
            r"[ -~\u00a0-\u024f\u0300-\u036f\u1e00-\u1eff\u2010-\u2015\u2018-\u201f\u2022\u2026\u20ab]"
        ),
    ),
    Language.NE: Embedded("NotoSansDevanagari-Bold", re.compile(r"[\u0900-\u097f\u200c\u200d]")),
}
"""In Vietnamese of all Latin letters, so that no word is in two fonts; in Nepali of the script alone."""


def brought(font: str) -> bool:
    """Whether it is one of these."""
    return any(font == each.file for each in EMBEDDED.values())


def shaped(font: str, text: str) -> Any:
    """What reportlab draws, and knows the width of, as HarfBuzz set it."""
    from reportlab.pdfbase.ttfonts import shapeStr  # noqa: PLC0415

    register(font)
    return shapeStr(text, font, 1000)


def width(font: str, text: str) -> float:
    """In units of the letters' size."""
    from reportlab.pdfbase import pdfmetrics  # noqa: PLC0415

    set_text = shaped(font, text)
    advances = getattr(set_text, "__shapeData__", None)
    if advances is None:
        return float(pdfmetrics.stringWidth(set_text, font, 1))
    return float(sum(each.x_advance for each in advances)) / 1000


@contextmanager
def said(canvas: Any, text: str) -> Iterator[None]:
    """What is drawn within is read as `text`, when it is copied, searched or spoken (ISO 32000-1 §14.9.4): joined and
    reordered glyphs stand for no characters of their own."""
    octets = b"\xfe\xff" + text.encode("utf-16-be")
    canvas.addLiteral(f"/Span <</ActualText <{octets.hex()}>>> BDC")
    yield
    canvas.addLiteral("EMC")


@cache
def register(font: str) -> None:
    """Tells the library of it, once, with a code for each glyph that is no character. Given while a page is drawn, as
    the library does, those would depend on what was drawn before, and on the other threads."""
    from reportlab.pdfbase import pdfmetrics  # noqa: PLC0415
    from reportlab.pdfbase.ttfonts import TTFont  # noqa: PLC0415

    (path,) = (each.path for each in EMBEDDED.values() if each.file == font)
    loaded = TTFont(font, path)
    glyphs, face = loaded.hbFont(), loaded.face
    for glyph in range(loaded.hbFace.glyph_count):
        if glyph not in face.glyphToChar:
            advance = loaded.pdfScale(glyphs.get_glyph_h_advance(glyph))
            loaded.hbAddPrivate(glyphs.glyph_to_string(glyph), glyph, advance)
    pdfmetrics.registerFont(loaded)
