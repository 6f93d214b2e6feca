"""A font that has the letters: the city's own, or one that the system has."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from hub.errors import BadSettings
from hub.language import Language

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

SizedFont = Callable[[int], "FreeTypeFont"]

PLACES = (
    Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Bold.ttc"),  # Debian, Ubuntu: fonts-noto-cjk
    Path("/usr/share/fonts/google-noto-cjk/NotoSansCJK-Bold.ttc"),  # RHEL: google-noto-sans-cjk-ttc-fonts
    Path("/usr/share/fonts/google-noto-sans-cjk-fonts/NotoSansCJK-Bold.ttc"),  # Fedora
    Path("/usr/share/fonts/noto-cjk/NotoSansCJK-Bold.ttc"),  # Arch
    Path("/usr/local/share/fonts/NotoSansCJK-Bold.ttc"),  # laid there by hand
    Path("~/.local/share/fonts/NotoSansCJK-Bold.ttc").expanduser(),
)

FACES: Mapping[Language, int] = {Language.KO: 1, Language.ZH_HANS: 2, Language.ZH_HANT: 3}
"""Of a Noto CJK collection: one character is drawn in each country's own way. 0 is Japan's."""

_NO_CHARACTER = "\U0010ffff"
"""Stands in no font: what is drawn for it is what is drawn for every letter that is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lettering:
    """One face of a font file."""

    path: Path
    face: int

    def sized(self, size: int) -> "FreeTypeFont":
        """`size` in pixels."""
        return _sized(self.path, self.face, size)

    def missing(self, text: str) -> str | None:
        """The first character that would be a box."""
        font = self.sized(16)
        box = bytes(font.getmask(_NO_CHARACTER))
        return next((c for c in text if not c.isspace() and bytes(font.getmask(c)) == box), None)


class Fonts:
    """`chosen` is the setting; without one, the first of `PLACES` that is there."""

    def __init__(self, chosen: Path | None, *, setting: str) -> None:
        """Raises `BadSettings`: the file named is no font; `setting` names its place."""
        self._path = chosen or next((path for path in PLACES if path.is_file()), None)
        if chosen is not None:
            try:
                _sized(chosen, 0, 16)
            except OSError as e:
                raise BadSettings(
                    setting,
                    "is no font file that can be read (.ttf, .otf, .ttc) / フォントファイルとして読めません",
                ) from e

    @property
    def found(self) -> bool:
        return self._path is not None

    def of(self, language: Language) -> Lettering | None:
        if self._path is None:
            return None
        faces = self._path.suffix == ".ttc" and "NotoSansCJK" in self._path.name
        return Lettering(path=self._path, face=FACES.get(language, 0) if faces else 0)


@cache
def _sized(path: Path, face: int, size: int) -> "FreeTypeFont":
    from PIL import ImageFont  # noqa: PLC0415 - loaded only where a picture is drawn

    return ImageFont.truetype(path, size, index=face, layout_engine=ImageFont.Layout.BASIC)
