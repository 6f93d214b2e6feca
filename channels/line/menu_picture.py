"""The menu's picture: each area a tile with its words in large letters, dark on light, a line around it.

https://developers.line.biz/en/reference/messaging-api/#upload-rich-menu-image-requirements
"""

from io import BytesIO
from typing import TYPE_CHECKING, NamedTuple

from channels._fonts import Fonts, Lettering
from channels.line.menu import FILE, Menu, Tile
from hub.errors import BadSettings
from hub.language import Language

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

MOST_BYTES = 1_000_000
"""1 MB."""

_GROUND, _LINE, _INK, _BELOW, _BAR = "#F4F7FB", "#1A4FA3", "#101418", "#33404F", "#1A4FA3"
_COLOURS = 64
"""Enough for the edges of letters on a plain ground."""


class Picture(NamedTuple):
    data: bytes
    content_type: str


def draw(menu: Menu, fonts: Fonts) -> Picture:
    """The same menu and font give the same picture.

    Raises:
        BadSettings: there is no font with these letters, or a chatbot's picture cannot be used; says what to do.
    """
    from PIL import ImageDraw  # noqa: PLC0415 - loaded only where a picture is drawn

    lettering = fonts.of(Language.JA)
    if lettering is None:
        raise BadSettings(
            "[channels.line] menu_font_file",
            "there is no Japanese font: install fonts-noto-cjk, or name a font file / "
            "日本語フォントがありません。fonts-noto-cjk を入れるか、ファイルを指定してください",
        )
    image = _ground(menu)
    canvas = ImageDraw.Draw(image)
    for tile in menu.tiles:
        _check(tile, lettering)
        _tile(canvas, tile, lettering)
    return _packed(image, plain=menu.ground is None)


def _ground(menu: Menu) -> "Image":
    from PIL import Image as images  # noqa: N813, PLC0415

    if menu.ground is None:
        return images.new("RGB", (menu.width, menu.height), _GROUND)
    try:
        image = images.open(BytesIO(menu.ground))
        image.load()
    except (OSError, ValueError, images.DecompressionBombError) as e:
        raise BadSettings(f"{FILE} $.beside.image", "is no PNG or JPEG / 画像として読めません") from e
    if image.size != (menu.width, menu.height):
        raise BadSettings(
            f"{FILE} $.beside.image",
            f"has {image.size[0]}×{image.size[1]} pixels, its menu {menu.width}×{menu.height} / 画像の大きさが違います",
        )
    return image.convert("RGB")


def _check(tile: Tile, lettering: Lettering) -> None:
    for text in (tile.area.label, tile.area.below):
        if missing := lettering.missing(text):
            raise BadSettings(
                f"{FILE} $.areas",
                f"the font has no {missing!r} of «{text}» / フォントにない文字です",
            )


def _tile(canvas: "ImageDraw", tile: Tile, lettering: Lettering) -> None:
    area, bounds = tile
    left, top = bounds.x, bounds.y
    right, bottom = left + bounds.width - 1, top + bounds.height - 1
    canvas.rectangle((left, top, right, bottom), fill=_GROUND, outline=_LINE, width=6)
    canvas.rectangle((left, top, right, top + max(12, bounds.height // 24)), fill=_BAR)
    middle = left + bounds.width / 2
    size = _largest(area.label, lettering, width=bounds.width * 0.86, height=bounds.height * 0.3)
    lower = area.below and _largest(
        area.below, lettering, width=bounds.width * 0.86, height=bounds.height * 0.12
    )
    label_y = top + bounds.height * (0.46 if area.below else 0.52)
    canvas.text((middle, label_y), area.label, font=lettering.sized(size), fill=_INK, anchor="mm")
    if lower:
        canvas.text(
            (middle, top + bounds.height * 0.74),
            area.below,
            font=lettering.sized(lower),
            fill=_BELOW,
            anchor="mm",
        )


def _largest(text: str, lettering: Lettering, *, width: float, height: float) -> int:
    """The size in pixels at which it fills the width, or the height."""
    size = int(height)
    while size > 12 and lettering.sized(size).getlength(text) > width:
        size -= 4
    return size


def _packed(image: "Image", *, plain: bool) -> Picture:
    if plain:
        packed = BytesIO()
        image.quantize(_COLOURS).save(packed, "PNG")
        if len(packed.getvalue()) <= MOST_BYTES:
            return Picture(packed.getvalue(), "image/png")
    for quality in (90, 80, 65, 50):
        packed = BytesIO()
        image.save(packed, "JPEG", quality=quality)
        if len(packed.getvalue()) <= MOST_BYTES:
            return Picture(packed.getvalue(), "image/jpeg")
    raise BadSettings(f"{FILE} $.beside.image", "does not fit into 1 MB / 1MBに収まりません")
