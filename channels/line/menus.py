"""The account's rich menus: ours is put up, and those of others are left as they are.

https://developers.line.biz/en/reference/messaging-api/#rich-menu
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import aiohttp
import msgspec

from channels._secret import read_secret
from channels._session import GatewaySession, why
from channels.line.menu import NAMED, Menu
from channels.line.menu_picture import Picture
from channels.line.settings import Settings
from hub import typed
from hub.errors import Conflict, CredentialsFailure, PermanentFailure, TemporaryFailure
from hub.outbound import Outbound


class Found(msgspec.Struct, frozen=True):
    """A menu of the account."""

    richMenuId: str  # noqa: N815 - LINE's own names
    name: str = ""
    chatBarText: str = ""  # noqa: N815

    @property
    def ours(self) -> bool:
        return self.name.startswith(NAMED)


class _List(msgspec.Struct, frozen=True):
    richmenus: list[Found]


class _Id(msgspec.Struct, frozen=True):
    richMenuId: str  # noqa: N815


class State(NamedTuple):
    """`shown`: the id of the menu that everybody sees who has none of their own; None: none by the Messaging API."""

    menus: Sequence[Found]
    shown: str | None


class Installed(NamedTuple):
    id: str
    created: bool
    removed: int
    """Earlier menus of ours."""


class Menus:
    """One account's. Open it first. Every method raises a `DeliveryFailure` for what LINE or the network does."""

    def __init__(self, settings: Settings, *, outbound: Outbound) -> None:
        """Raises `Refused` or `BadSettings` where these settings cannot work in this hub."""
        self._token = read_secret(settings.access_token_file, setting="[channels.line] access_token_file")
        self._base, self._data = (each.rstrip("/") for each in (settings.base_url, settings.data_url))
        self._sessions = {
            base: GatewaySession(
                outbound=outbound,
                base_url=base,
                setting=f"[channels.line] {setting}",
                timeout_s=settings.timeout_s,
                connections=1,
            )
            for base, setting in ((self._data, "data_url"), (self._base, "base_url"))
        }

    async def open(self) -> None:
        for session in self._sessions.values():
            await session.open()

    async def close(self) -> None:
        for session in self._sessions.values():
            await session.close()

    async def state(self) -> State:
        """Reads only."""
        listed = typed.from_json(await self._asked("GET", "/v2/bot/richmenu/list"), _List)
        shown = await self._asked("GET", "/v2/bot/user/all/richmenu", missing=True)
        return State(listed.richmenus, typed.from_json(shown, _Id).richMenuId if shown else None)

    async def install(self, menu: Menu, picture: Picture, *, replace: bool = False) -> Installed:
        """Everybody sees this menu when it returns. Doing it again changes nothing; cut off, it is taken up.

        Menus of others stay. Where one of them is shown, it is put aside only if `replace`.

        Raises:
            Conflict: another's menu is shown.
        """
        definition = menu.definition(picture.data)
        before = await self.state()
        other = next(
            (each for each in before.menus if each.richMenuId == before.shown and not each.ours), None
        )
        if other is not None and not replace:
            raise Conflict(
                f"the account shows another menu ({other.richMenuId}): merge with it (docs/line.md), or say --replace / "
                "別のリッチメニューが表示中です。docs/line.md のとおり組み合わせるか、--replace を付けてください"
            )
        same = [each for each in before.menus if each.name == definition["name"]]
        id_ = same[0].richMenuId if same else await self._create(definition)
        if before.shown != id_:
            await self._draw(id_, picture)
            await self._asked("POST", f"/v2/bot/user/all/richmenu/{id_}")
        earlier = [each for each in before.menus if each.ours and each.richMenuId != id_]
        for each in earlier:
            await self._asked("DELETE", f"/v2/bot/richmenu/{each.richMenuId}", missing=True)
        return Installed(id_, not same, len(earlier))

    async def _create(self, definition: dict[str, Any]) -> str:
        answer = await self._asked("POST", "/v2/bot/richmenu", data=msgspec.json.encode(definition))
        return typed.from_json(answer, _Id).richMenuId

    async def _draw(self, id_: str, picture: Picture) -> None:
        """A menu gets its picture once."""
        path = f"/v2/bot/richmenu/{id_}/content"
        if not await self._asked("GET", path, base=self._data, missing=True):
            await self._asked(
                "POST", path, base=self._data, data=picture.data, content_type=picture.content_type
            )

    async def _asked(
        self,
        method: str,
        path: str,
        *,
        base: str = "",
        data: bytes | None = None,
        content_type: str = "application/json",
        missing: bool = False,
    ) -> bytes:
        """`missing`: 404 is no error, and gives nothing."""
        base = base or self._base
        headers = {"Authorization": f"Bearer {self._token}"}
        if data is not None:
            headers["Content-Type"] = content_type
        try:
            session = self._sessions[base]
            async with session.request(method, base + path, headers=headers, data=data) as answer:
                if answer.status == 404 and missing:
                    return b""
                if answer.status != 200:
                    raise _failure(answer.status)
                return await answer.read()
        except (aiohttp.ClientError, TimeoutError) as e:
            raise TemporaryFailure(why(e), AWAY) from e


AWAY = (
    "LINE does not answer: see whether this machine reaches base_url and data_url of [channels.line] (a proxy: "
    "[proxy] url), and try again / LINEが応答しません。この機械から [channels.line] の base_url と data_url につながるか"
    "（プロキシがあれば [proxy] url）を確かめ、もう一度実行してください"
)


def _failure(status: int) -> Exception:
    """https://developers.line.biz/en/reference/messaging-api/#status-codes"""
    if status in (401, 403):
        return CredentialsFailure(str(status), "LINE refuses the access token / アクセストークンが使えません")
    if status == 429 or status >= 500:
        return TemporaryFailure(
            str(status), "LINE cannot do it now: try again / LINEが混んでいます。やり直してください"
        )
    return PermanentFailure(str(status), f"LINE refuses the menu ({status}) / LINEがメニューを受け付けません")
