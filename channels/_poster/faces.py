"""The fonts that a page brings along: which file has a language's letters, and how HarfBuzz sets them.

Noto Sans CJK has all of them but Nepali's, each country's in its own form; Noto Sans Devanagari has those.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from channels import _fonts
from hub.language import Language

if TYPE_CHECKING:
    import uharfbuzz

FOLDERS = (
    Path("/usr/share/fonts/truetype/noto"),  # Debian, Ubuntu
    Path("/usr/share/fonts/google-noto"),  # RHEL, Fedora
    Path("/usr/share/fonts/noto"),  # Arch
    Path("/usr/local/share/fonts"),  # laid there by hand
    Path("~/.local/share/fonts").expanduser(),
)
"""Of Noto Sans; of Noto Sans CJK `_fonts.PLACES`."""

CJK = "fonts-noto-cjk (Debian, Ubuntu), google-noto-sans-cjk-ttc-fonts (RHEL, Fedora)"
DEVANAGARI = "fonts-noto-core (Debian, Ubuntu), google-noto-sans-devanagari-fonts (RHEL, Fedora)"

HAN, VIETNAMESE, NEPALI = "避", "ệ", "न"
"""A letter by which a font is known to have its script."""
_VIETNAMESE_LETTERS = re.compile(
    r"[ -~\u00a0-\u024f\u0300-\u036f\u1e00-\u1eff\u2010-\u2015\u2018-\u201f\u2022\u2026\u20ab]"
)
_DEVANAGARI_LETTERS = re.compile(r"[\u0900-\u097f\u200c\u200d]")


class Glyph(NamedTuple):
    """One of a text, as it is set; lengths in thousandths of the letters' size."""

    number: int
    """In its font."""
    text: str
    """What it stands for; where several stand for something together, the first has it and the others nothing."""
    width: float
    """Its own, as the page says it of the font."""
    advance: float
    """From where it stands to the next one."""
    right: float
    up: float
    """From where it stands to where it is drawn."""


@dataclass(frozen=True, slots=True)
class Face:
    """One face of a font file. `letters` None: it is for everything, and what it lacks is a box."""

    path: Path
    index: int
    language: Language
    letters: re.Pattern[str] | None = None

    def has(self, character: str) -> bool:
        return self.letters is None or self.letters.match(character) is not None

    def width(self, text: str) -> float:
        """In units of the letters' size."""
        return sum(glyph.advance for glyph in self.glyphs(text)) / 1000

    def glyphs(self, text: str) -> Sequence[Glyph]:
        """Joined and reordered, as the script and the language want it. May be called from any thread."""
        return _glyphs(self, text)


@cache
def of(language: Language) -> Sequence[Face]:
    """In whose order a character is looked for. As the files are when this is asked first."""
    devanagari = _noto("NotoSansDevanagari-Bold.ttf", language, _DEVANAGARI_LETTERS)
    cjk = [Face(path, _fonts.FACES.get(language, 0), language) for path in _fonts.PLACES]
    vietnamese = _noto("NotoSans-Bold.ttf", language, _VIETNAMESE_LETTERS)
    last = _first(cjk, HAN) or (_first(vietnamese, VIETNAMESE) if language is Language.VI else ())
    return (*_first(devanagari, NEPALI), *last)


def drawn(character: str, language: Language) -> bool:
    """Whether a page in that language brings it along."""
    return any(face.has(character) and _there(face, character) for face in of(language))


def supported(language: Language) -> bool:
    """Whether there are letters for it, here: in two languages a page has to bring them along."""
    letter = {Language.VI: VIETNAMESE, Language.NE: NEPALI}.get(language)
    return letter is None or drawn(letter, language)


def advice() -> str:
    """What to install so that every page brings all its letters along; empty where it does."""
    needed = ((CJK, HAN, Language.JA), (DEVANAGARI, NEPALI, Language.NE))
    return "; ".join(package for package, letter, language in needed if not drawn(letter, language))


class Warned(NamedTuple):
    japanese: str
    english: str

    def __str__(self) -> str:
        return f"{self.japanese} / {self.english}"


def warning() -> Warned | None:
    """What comes of it meanwhile; None where nothing is missing."""
    japanese, english = list[str](), list[str]()
    if not drawn(HAN, Language.JA):
        japanese.append("文字の形がPDFに入らず、同じフォントのない機械やゲートウェイでは白紙になります")
        english.append(
            "PDFs only name their fonts, and a machine or gateway without them prints an empty page"
        )
    if lacking := [each for each in Language if not supported(each)]:
        japanese.append(
            f"{'・'.join(each.autonym for each in lacking)}は、FAXが英語になり、貼り紙は作れません"
        )
        english.append(f"no poster in {', '.join(lacking)}, and English instead by fax")
    if not english:
        return None
    return Warned(
        f"フォントがありません。{'。'.join(japanese)}。{advice()} を入れて再起動してください",
        f"fonts are missing: {'; '.join(english)}. Install {advice()} and restart",
    )


def _noto(file: str, language: Language, letters: re.Pattern[str]) -> Sequence[Face]:
    return [Face(folder / file, 0, language, letters) for folder in FOLDERS]


def _first(faces: Sequence[Face], letter: str) -> Sequence[Face]:
    return [face for face in faces if face.path.is_file() and _there(face, letter)][:1]


def _there(face: Face, character: str) -> bool:
    return opened(face.path, face.index).get_nominal_glyph(ord(character)) is not None


@lru_cache(maxsize=4_096)
def _glyphs(face: Face, text: str) -> Sequence[Glyph]:
    import uharfbuzz  # noqa: PLC0415 - for who makes a page

    font = opened(face.path, face.index)
    buffer = uharfbuzz.Buffer()
    buffer.add_str(text)
    buffer.guess_segment_properties()
    buffer.language = face.language.value  # guessed, it would be this machine's
    uharfbuzz.shape(font, buffer)
    infos, positions = buffer.glyph_infos or (), buffer.glyph_positions or ()
    starts = [*sorted({info.cluster for info in infos}), len(text)]
    texts = {start: text[start:end] for start, end in pairwise(starts)}
    scale = 1000 / font.face.upem
    return tuple(
        Glyph(
            number=info.codepoint,
            text=texts.pop(info.cluster, ""),
            width=font.get_glyph_h_advance(info.codepoint) * scale,
            advance=position.x_advance * scale,
            right=position.x_offset * scale,
            up=position.y_offset * scale,
        )
        for info, position in zip(infos, positions, strict=True)
    )


@cache
def opened(path: Path, index: int) -> "uharfbuzz.Font":
    """The file is mapped, not read: of 20 MB only what is looked at is ever in memory."""
    import uharfbuzz  # noqa: PLC0415

    return uharfbuzz.Font(uharfbuzz.Face(uharfbuzz.Blob.from_file_path(str(path)), index))
