"""The menu under the chat: what the city's `line_menu.toml` says, laid out as LINE's rich menu.

    https://developers.line.biz/en/reference/messaging-api/#rich-menu-object

It is a menu of its own, or takes a place in the menu of a chatbot, whose other areas keep their actions.
"""

import hashlib
from enum import StrEnum
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta

from channels.line.webhook import OURS
from hub import codec, typed
from hub import folder as files
from hub.errors import BadInput, BadSettings
from hub.folder import Folder

FILE = "line_menu.toml"
NAMED = "yobikake "
"""In front of the name of every menu of ours, which no resident sees. All others are somebody else's."""

MOST_AREAS = 20
WIDTH, TALL, LOW = 2500, 1686, 843
"""Pixels of a menu of its own."""


class Touch(StrEnum):
    """What touching an area does."""

    SITES = "sites"
    ALERTS = "alerts"
    REGISTER = "register"
    PAGE = "page"
    """Opens the residents' page."""
    TELEPHONE = "telephone"
    """Dials the city's number."""


class Area(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`label`: what stands on it, and what a screen reader says; `below`: smaller, in another language."""

    label: Annotated[str, Meta(min_length=1, max_length=12)]
    below: Annotated[str, Meta(max_length=24)] = ""
    touch: Touch


class Bounds(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Pixels of the menu's picture."""

    x: Annotated[int, Meta(ge=0)]
    y: Annotated[int, Meta(ge=0)]
    width: Annotated[int, Meta(ge=1)]
    height: Annotated[int, Meta(ge=1)]

    def meets(self, other: "Bounds") -> bool:
        """They have a pixel in common."""
        across = self.x < other.x + other.width and other.x < self.x + self.width
        return across and self.y < other.y + other.height and other.y < self.y + self.height


class Beside(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`definition`: a file with the chatbot's menu as LINE gives it; `image`: its picture; `place`: where ours go."""

    definition: str
    image: str
    place: Bounds


class MenuFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`line_menu.toml`. `chat_bar`: what opens it. `low`: half as high."""

    chat_bar: Annotated[str, Meta(min_length=1, max_length=14)]
    low: bool = False
    columns: Annotated[int, Meta(ge=1, le=5)] = 3
    areas: Annotated[tuple[Area, ...], Meta(min_length=1, max_length=MOST_AREAS)]
    beside: Beside | None = None


class Tile(NamedTuple):
    area: Area
    bounds: Bounds


class Menu(msgspec.Struct, frozen=True, kw_only=True):
    """`theirs`: of a chatbot's menu, every area but ours, as it was. `ground`: its picture, or none."""

    width: int
    height: int
    chat_bar: str
    selected: bool
    tiles: tuple[Tile, ...]
    actions: tuple[dict[str, Any], ...]
    theirs: tuple[dict[str, Any], ...] = ()
    ground: bytes | None = None

    def definition(self, picture: bytes) -> dict[str, Any]:
        """As it is created. Its name tells whether it is the one that was installed: same areas, same picture."""
        areas = [
            {"bounds": msgspec.to_builtins(tile.bounds), "action": action}
            for tile, action in zip(self.tiles, self.actions, strict=True)
        ]
        made = {
            "size": {"width": self.width, "height": self.height},
            "selected": self.selected,
            "chatBarText": self.chat_bar,
            "areas": [*self.theirs, *areas],
        }
        digest = hashlib.sha256(codec.encode(made) + picture).hexdigest()
        return made | {"name": f"{NAMED}{digest[:24]}"}


def load(folder: Folder, *, url: str, telephone: str) -> Menu:
    """`url`: of the residents' pages. `telephone`: the city's.

    Raises:
        BadSettings: names the file and the place in it, and what to do.
    """
    file = files.toml(folder, FILE, MenuFile)
    actions = tuple(_action(area, url=url, telephone=telephone) for area in file.areas)
    if file.beside is not None:
        return _beside(file, file.beside, folder, actions)
    place = Bounds(x=0, y=0, width=WIDTH, height=LOW if file.low else TALL)
    return Menu(
        width=place.width,
        height=place.height,
        chat_bar=file.chat_bar,
        selected=True,
        tiles=_laid(file, place),
        actions=actions,
    )


def _action(area: Area, *, url: str, telephone: str) -> dict[str, Any]:
    """https://developers.line.biz/en/reference/messaging-api/#action-objects"""
    match area.touch:
        case Touch.PAGE:
            return {"type": "uri", "label": area.label, "uri": f"{url}/"}
        case Touch.TELEPHONE:
            return {"type": "uri", "label": area.label, "uri": f"tel:{telephone.replace('-', '')}"}
    return {
        "type": "postback",
        "label": area.label,
        "data": f"{OURS}{area.touch}",
        "displayText": area.label,
    }


def _laid(file: MenuFile, place: Bounds) -> tuple[Tile, ...]:
    """In rows, from the left; the areas of a row share its width, so that no gap is left."""
    rows = [file.areas[at : at + file.columns] for at in range(0, len(file.areas), file.columns)]
    tiles = []
    for number, row in enumerate(rows):
        top, bottom = (place.height * each // len(rows) for each in (number, number + 1))
        for column, area in enumerate(row):
            left, right = (place.width * each // len(row) for each in (column, column + 1))
            bounds = Bounds(x=place.x + left, y=place.y + top, width=right - left, height=bottom - top)
            tiles.append(Tile(area, bounds))
    return tuple(tiles)


class _Size(msgspec.Struct, frozen=True):
    width: Annotated[int, Meta(ge=1)]
    height: Annotated[int, Meta(ge=1)]


class _Theirs(msgspec.Struct, frozen=True):
    """A chatbot's menu as `GET /v2/bot/richmenu/{richMenuId}` gives it; its name and id are not taken over."""

    size: _Size
    chatBarText: Annotated[str, Meta(min_length=1, max_length=14)]  # noqa: N815 - LINE's own name
    areas: list[dict[str, Any]] = []
    selected: bool = False


class _Bounded(msgspec.Struct, frozen=True):
    bounds: Bounds


def _beside(file: MenuFile, beside: Beside, folder: Folder, actions: tuple[dict[str, Any], ...]) -> Menu:
    name, place = beside.definition, beside.place
    try:
        theirs = codec.decode(_Theirs, files.text(folder, name), what=name)
        bounds = [typed.convert(area, _Bounded).bounds for area in theirs.areas]
    except (BadInput, msgspec.ValidationError) as e:
        raise BadSettings(
            name, "is no rich menu as LINE gives it / LINEのリッチメニューの形式ではありません"
        ) from e
    if place.x + place.width > theirs.size.width or place.y + place.height > theirs.size.height:
        raise BadSettings(f"{FILE} $.beside.place", "is not inside that menu / メニューの外に出ています")
    if met := [number for number, each in enumerate(bounds) if each.meets(place)]:
        raise BadSettings(
            f"{FILE} $.beside.place",
            f"lies over $.areas[{met[0]}] of {name}: make room for it there / {name}の領域と重なっています。場所を空けてください",
        )
    if len(theirs.areas) + len(file.areas) > MOST_AREAS:
        raise BadSettings(
            f"{FILE} $.areas", f"are more than {MOST_AREAS} with those of {name} / 領域が多すぎます"
        )
    return Menu(
        width=theirs.size.width,
        height=theirs.size.height,
        chat_bar=theirs.chatBarText,
        selected=theirs.selected,
        tiles=_laid(file, place),
        actions=actions,
        theirs=tuple(theirs.areas),
        ground=_picture(folder, beside.image),
    )


def _picture(folder: Folder, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except OSError as e:
        raise BadSettings(f"{FILE} $.beside.image", f"{name} cannot be read / 画像を読めません") from e
