"""OpenWrt by ubus over HTTPS: a session, `uci` get/set/commit, `network` reload, and what the answers mean.

JSON-RPC and its codes: https://openwrt.org/docs/techref/ubus#access_to_ubus_over_http
`uci`: https://openwrt.org/docs/guide-developer/ubus/uci · `session`: …/ubus/session · `network`: …/ubus/network
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta

from channels._secret import read_secret
from channels.wifi import openwrt_section, settings
from channels.wifi.controller import UNREADABLE, Gate, NotDone, Ssid, Words
from channels.wifi.wire import Answer, Wire, of_class
from hub import typed
from hub.delivery import Outcome
from hub.outbound import Outbound

NOBODY = "0" * 32
"""The session of whoever has none: it may log in."""
CONFIG = "wireless"


class Openwrt:
    """One device. A place is the name of a `wifi-iface` section in its `/etc/config/wireless`.

    What is set is staged in our session, which reads it as if it were so, and goes with it unless it is committed. So
    a session in which a change was not finished is not used again, and what netifd says is on the air is read with
    each section: neither the staged nor the committed text opens a Wi-Fi.

    Raises (at construction):
        Refused, BadSettings: these settings cannot work in this hub.
    """

    requests: ClassVar[int] = 8
    concurrency: ClassVar[int] = 1
    words: Words = openwrt_section

    def __init__(self, own: settings.Openwrt, outbound: Outbound, *, setting: str) -> None:
        self._login = {
            "username": own.username,
            "password": read_secret(own.password_file, setting=f"{setting} password_file"),
        }
        self._session = ""
        self._alone = asyncio.Lock()
        self._wire = Wire(
            outbound=own.way(outbound),
            base_url=own.base_url,
            setting=f"{setting} base_url",
            requests_per_s=own.requests_per_s,
            timeout_s=own.timeout_s,
            connections=self.concurrency,
        )

    async def open(self) -> None:
        await self._wire.open()

    async def close(self) -> None:
        """Its session runs out by itself."""
        await self._wire.close()
        self._session = ""

    async def read(self, place: str, gate: Gate) -> Ssid:
        async with self._alone:
            found = await self._call(gate, "uci", "get", {"config": CONFIG, "section": place})
            radios = await self._call(gate, "network.wireless", "status", {})
        section = found.get("values")
        if not isinstance(section, dict) or section.get(".type") != "wifi-iface":
            raise NotDone(Outcome.PERMANENT, "no wifi-iface")
        try:
            typed.convert(section, openwrt_section.Fields)
        except msgspec.ValidationError:
            raise NotDone(Outcome.TEMPORARY, UNREADABLE) from None
        return {**section, openwrt_section.ON_AIR: openwrt_section.on_the_air(radios, place)}

    async def write(self, place: str, wanted: Ssid, gate: Gate) -> None:
        values, gone = openwrt_section.changes(wanted)
        section = {"config": CONFIG, "section": place}
        async with self._alone:
            try:
                await self._call(gate, "uci", "set", {**section, "values": values})
                if gone:
                    await self._call(gate, "uci", "delete", {**section, "options": gone})
                await self._call(gate, "uci", "commit", {"config": CONFIG})
                await self._call(gate, "network", "reload", {})
            except BaseException:
                self._session = ""
                raise

    async def _call(self, gate: Gate, path: str, method: str, what: Ssid) -> dict[str, Any]:
        """In our session. Where it has run out, in a new one: nothing is staged in it, so `write` fails and is repeated."""
        known = self._session or await self._log_in(gate)
        try:
            return await self._ask(gate, known, path, method, what)
        except _Denied:
            self._session = ""
            if (path, method) in _STAGED:
                raise NotDone(Outcome.TEMPORARY, "session") from None
        try:
            return await self._ask(gate, await self._log_in(gate), path, method, what)
        except _Denied as e:
            self._session = ""
            raise NotDone(Outcome.CREDENTIALS, e.reason) from None

    async def _log_in(self, gate: Gate) -> str:
        try:
            said = await self._ask(gate, NOBODY, "session", "login", self._login)
        except _Denied as e:
            raise NotDone(Outcome.CREDENTIALS, e.reason) from None
        session = said.get("ubus_rpc_session")
        if not isinstance(session, str) or not session:
            raise NotDone(Outcome.TEMPORARY, UNREADABLE)
        self._session = session
        return session

    async def _ask(self, gate: Gate, session: str, path: str, method: str, what: Ssid) -> dict[str, Any]:
        call = {"jsonrpc": "2.0", "id": 1, "method": "call", "params": [session, path, method, what]}
        return _understood(await self._wire.ask("POST", "", gate, headers={}, body=msgspec.json.encode(call)))


_STAGED = frozenset({("uci", "delete"), ("uci", "commit"), ("network", "reload")})
"""Which mean nothing in another session than the one that set something."""


class _Denied(NotDone):
    """This session may not do that, or is none any more."""

    def __init__(self, reason: str) -> None:
        super().__init__(Outcome.CREDENTIALS, reason)


class _Error(msgspec.Struct, frozen=True):
    code: int


class _Reply(msgspec.Struct, frozen=True):
    """`result`: ubus's own code, and what the method said."""

    result: Annotated[list[Any], Meta(min_length=1)] | None = None
    error: _Error | None = None


HTTP: Mapping[int, Outcome] = {
    401: Outcome.CREDENTIALS,
    403: Outcome.CREDENTIALS,
    404: Outcome.CREDENTIALS,  # uhttpd-mod-ubus is not installed, or base_url is wrong
    429: Outcome.THROTTLE,  # of a proxy in front: ubus has none
}

RPC: Mapping[int, Outcome] = {
    -32700: Outcome.PERMANENT,  # parse error
    -32600: Outcome.PERMANENT,  # invalid request
    -32601: Outcome.PERMANENT,  # method not found
    -32602: Outcome.PERMANENT,  # invalid parameters
    -32603: Outcome.TEMPORARY,  # internal error
    -32000: Outcome.TEMPORARY,  # object not found: rpcd or netifd is starting
    -32003: Outcome.TEMPORARY,  # ubus request timed out
}
DENIED = frozenset({-32001, -32002})
"""Session not found; access denied."""

UBUS: Mapping[int, Outcome] = {
    1: Outcome.PERMANENT,  # invalid command
    2: Outcome.PERMANENT,  # invalid argument
    3: Outcome.PERMANENT,  # method not found
    4: Outcome.PERMANENT,  # no such section: one facility's setting, not everyone's
    5: Outcome.TEMPORARY,  # no data
    7: Outcome.TEMPORARY,  # timeout
    8: Outcome.PERMANENT,  # not supported
    9: Outcome.TEMPORARY,  # unknown error
    10: Outcome.TEMPORARY,  # connection lost
}
PERMISSION_DENIED = 6


def _understood(answer: Answer) -> dict[str, Any]:
    if answer.status != 200:
        outcome = HTTP.get(answer.status) or of_class(answer.status)
        raise NotDone(outcome, str(answer.status), retry_after=answer.retry_after)
    try:
        reply = typed.from_json(answer.body, _Reply)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise NotDone(Outcome.TEMPORARY, UNREADABLE) from None
    if reply.error is not None:
        if reply.error.code in DENIED:
            raise _Denied(f"rpc {reply.error.code}")
        raise NotDone(RPC.get(reply.error.code, Outcome.TEMPORARY), f"rpc {reply.error.code}")
    if reply.result is None:
        raise NotDone(Outcome.TEMPORARY, UNREADABLE)
    return _result(reply.result)


def _result(result: Sequence[Any]) -> dict[str, Any]:
    code, said = result[0], result[1] if len(result) > 1 else {}
    if code == PERMISSION_DENIED:
        raise _Denied(f"ubus {code}")
    if code != 0 or not isinstance(said, dict):
        known = UBUS.get(code, Outcome.TEMPORARY) if isinstance(code, int) else Outcome.TEMPORARY
        raise NotDone(known, f"ubus {code}" if isinstance(code, int) else UNREADABLE)
    return said
