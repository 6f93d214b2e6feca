"""The rich menus of a simulated LINE account: made, drawn, shown to everybody, taken away.

https://developers.line.biz/en/reference/messaging-api/#rich-menu
"""

from collections.abc import Iterable, Iterator
from typing import Any
from uuid import uuid4

import msgspec
from aiohttp import web

from hub import typed
from yobikake.rehearsal.line_answers import authorised, error, invalid, json_answer, unauthorised
from yobikake.rehearsal.line_messages import Fault

MOST_AREAS = 20
MOST_BYTES = 1024 * 1024
CHAT_BAR_LIMIT = 14
POSTBACK_LIMIT = 300
WIDTHS = range(800, 2501)
LEAST_HEIGHT = 250
LEAST_RATIO = 1.45


class _Bounds(msgspec.Struct, frozen=True):
    x: int
    y: int
    width: int
    height: int


class _Area(msgspec.Struct, frozen=True):
    bounds: _Bounds
    action: dict[str, Any]


class _Size(msgspec.Struct, frozen=True):
    width: int
    height: int


class RichMenu(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """As it is asked for."""

    size: _Size
    selected: bool
    name: str
    chatBarText: str  # noqa: N815 - LINE's own name
    areas: list[_Area]

    def faults(self) -> Iterator[Fault]:
        size = self.size
        if size.width not in WIDTHS or size.height < LEAST_HEIGHT or size.width / size.height < LEAST_RATIO:
            yield Fault(message="invalid size", property="size")
        if not 1 <= len(self.chatBarText) <= CHAT_BAR_LIMIT:
            yield Fault(message=f"Length must be between 1 and {CHAT_BAR_LIMIT}", property="chatBarText")
        if not 1 <= len(self.name) <= 300:
            yield Fault(message="Length must be between 1 and 300", property="name")
        if len(self.areas) > MOST_AREAS:
            yield Fault(message=f"Size must be between 0 and {MOST_AREAS}", property="areas")
        for number, area in enumerate(self.areas):
            yield from self._area(area, f"areas[{number}]")

    def _area(self, area: _Area, place: str) -> Iterator[Fault]:
        right, bottom = area.bounds.x + area.bounds.width, area.bounds.y + area.bounds.height
        inside = (
            0 <= area.bounds.x < right <= self.size.width and 0 <= area.bounds.y < bottom <= self.size.height
        )
        if not inside:
            yield Fault(message="out of bounds", property=f"{place}.bounds")
        if area.action.get("type") not in ("postback", "message", "uri", "datetimepicker", "richmenuswitch"):
            yield Fault(message="invalid action", property=f"{place}.action.type")
        if len(area.action.get("data", "")) > POSTBACK_LIMIT:
            yield Fault(
                message=f"Length must be between 0 and {POSTBACK_LIMIT}", property=f"{place}.action.data"
            )


class MenuShelf:
    """What the account has. `shown`: the id of its default menu."""

    def __init__(self) -> None:
        self.menus: dict[str, RichMenu] = {}
        self.pictures: dict[str, bytes] = {}
        self.shown: str | None = None

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        menu = "/v2/bot/richmenu/{id}"
        return (
            web.post("/v2/bot/richmenu", self._create),
            web.get("/v2/bot/richmenu/list", self._list),
            web.get(menu, self._one),
            web.delete(menu, self._delete),
            web.get(f"{menu}/content", self._picture),
            web.post(f"{menu}/content", self._draw),
            web.get("/v2/bot/user/all/richmenu", self._default),
            web.post("/v2/bot/user/all/richmenu/{id}", self._show),
        )

    async def _create(self, request: web.Request) -> web.Response:
        if not authorised(request):
            return unauthorised()
        try:
            menu = typed.from_json(await request.read(), RichMenu)
        except msgspec.DecodeError:
            return error(400, "The request body could not be parsed as JSON (line: 1, column: 1)")
        if faults := list(menu.faults()):
            return invalid(*faults)
        id_ = f"richmenu-{uuid4().hex}"
        self.menus[id_] = menu
        return json_answer({"richMenuId": id_})

    async def _list(self, request: web.Request) -> web.Response:
        if not authorised(request):
            return unauthorised()
        return json_answer({"richmenus": [self._told(id_) for id_ in self.menus]})

    async def _one(self, request: web.Request) -> web.Response:
        id_ = request.match_info["id"]
        return self._refused(request) or json_answer(self._told(id_))

    async def _delete(self, request: web.Request) -> web.Response:
        if refused := self._refused(request):
            return refused
        id_ = request.match_info["id"]
        del self.menus[id_]
        self.pictures.pop(id_, None)
        self.shown = None if self.shown == id_ else self.shown
        return json_answer({})

    async def _picture(self, request: web.Request) -> web.Response:
        if refused := self._refused(request):
            return refused
        data = self.pictures.get(request.match_info["id"])
        if data is None:
            return error(404, "Not found")
        return web.Response(body=data, content_type="image/png")

    async def _draw(self, request: web.Request) -> web.Response:
        if refused := self._refused(request):
            return refused
        id_, data = request.match_info["id"], await request.read()
        if id_ in self.pictures:
            return error(400, "An image has already been uploaded to the richmenu")
        if request.content_type not in ("image/png", "image/jpeg"):
            return error(415, "Unsupported Media Type")
        if not 0 < len(data) <= MOST_BYTES:
            return error(413, "Request Entity Too Large")
        self.pictures[id_] = data
        return json_answer({})

    async def _default(self, request: web.Request) -> web.Response:
        if not authorised(request):
            return unauthorised()
        return json_answer({"richMenuId": self.shown}) if self.shown else error(404, "no default richmenu")

    async def _show(self, request: web.Request) -> web.Response:
        if refused := self._refused(request):
            return refused
        id_ = request.match_info["id"]
        if id_ not in self.pictures:
            return error(400, "must upload richmenu image before applying it to user")
        self.shown = id_
        return json_answer({})

    def _refused(self, request: web.Request) -> web.Response | None:
        if not authorised(request):
            return unauthorised()
        return None if request.match_info["id"] in self.menus else error(404, "richmenu not found")

    def _told(self, id_: str) -> dict[str, Any]:
        told: dict[str, Any] = msgspec.to_builtins(self.menus[id_])
        return told | {"richMenuId": id_}
