"""An OpenWrt device to rehearse with: rpcd's sessions and `uci`, netifd's `network`, over uhttpd's JSON-RPC.

Protocol and codes: https://openwrt.org/docs/techref/ubus#access_to_ubus_over_http
"""

import secrets
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from typing import Any

import msgspec
from aiohttp import web

from hub import typed
from hub.clock import Clock, utc_now
from yobikake.rehearsal.faults import Faults
from yobikake.rehearsal.http import HttpGateway, Refusal
from yobikake.rehearsal.inbox import Inbox

API = "/ubus"
NOBODY = "0" * 32
EVERYDAY: Mapping[str, Any] = {
    ".anonymous": False,
    ".type": "wifi-iface",
    "device": "radio0",
    "network": "guest",
    "mode": "ap",
    "ssid": "City-Free-Wi-Fi",
    "encryption": "none",
    "isolate": "1",
}
OK, INVALID_ARGUMENT, METHOD_NOT_FOUND, NOT_FOUND, PERMISSION_DENIED = 0, 2, 3, 4, 6

Said = tuple[int, dict[str, Any]]


class OpenwrtGateway(HttpGateway):
    """Each of the `sections` is a `wifi-iface` as `EVERYDAY` until it is changed.

    What is set is staged in the session that set it, and read back in it; `commit` makes it the device's, `network
    reload` brings it on the air. An arrival is a section that came on the air otherwise than it was: its address the
    section, its subject the name, its text the change.

    `faults.permanent` makes sections that are not there; `faults.temporary` leaves a section off the air at the first
    reload after a change. `forget_sessions` is what a reboot does.
    """

    channel = "wifi"

    def __init__(
        self,
        inbox: Inbox,
        *,
        username: str,
        password: str,
        sections: Iterable[str],
        faults: Faults | None = None,
        clock: Clock = utc_now,
        port: int = 0,
    ) -> None:
        super().__init__(inbox, faults=faults, clock=clock, port=port)
        self.config: dict[str, dict[str, Any]] = {name: dict(EVERYDAY) for name in sections}
        """What is committed; may be changed, as staff may on the device, and comes on the air with `reload`."""
        self._login = {"username": username, "password": password}
        self.sessions: dict[str, dict[str, dict[str, Any]]] = {}
        """By session, the sections as they look with what is staged in it."""
        self._air = deepcopy(self.config)
        self._put_off: set[str] = set()

    @property
    def base_url(self) -> str:
        """To give the connector."""
        return self.url + API

    def on_air(self, section: str) -> str | None:
        """The name that is on the air for it."""
        options = self._air.get(section)
        return None if options is None or options.get("disabled") == "1" else options["ssid"]

    def reload(self) -> None:
        for section, options in self.config.items():
            before = self._air.get(section)
            if before == options:
                continue
            if self.faults.hits(self.faults.temporary, "temporary", section) and section not in self._put_off:
                self._put_off.add(section)
                continue
            self._air[section] = dict(options)
            text = msgspec.json.encode({name: options[name] for name in options if name != "key"}).decode()
            self.arrive(address=section, subject=options["ssid"], text=text, key=str(len(self.requests)))

    def forget_sessions(self) -> None:
        self.sessions.clear()

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        return (web.post(API, self._call),)

    def error(self, status: int, request: web.Request) -> web.Response:
        """uhttpd's own page, or that of a proxy in front: ubus itself answers with 200 (https://openwrt.org/docs/techref/ubus)."""
        return web.Response(status=status, text=self.words(status, request))

    def refusal(self, refusal: Refusal, request: web.Request) -> web.Response:
        denied = refusal is Refusal.CREDENTIALS
        return _error(-32002, "Access denied") if denied else super().refusal(refusal, request)

    def asks(self, method: str, body: bytes) -> bool:
        try:
            return typed.from_json(body, Call).params[1:3] == ("uci", "set")
        except msgspec.DecodeError:
            return False

    async def _call(self, request: web.Request) -> web.Response:
        try:
            call = typed.from_json(await request.read(), Call)
        except msgspec.ValidationError:
            return _error(-32600, "Invalid request")
        except msgspec.DecodeError:
            return _error(-32700, "Parse error")
        session, path, method, what = call.params
        if session != NOBODY and session not in self.sessions:
            return _error(-32002, "Access denied")
        if session == NOBODY and (path, method) != ("session", "login"):
            return _error(-32002, "Access denied")
        known = self._methods().get((path, method))
        return _result(known(session, what) if known else (METHOD_NOT_FOUND, {}), call.id)

    def _methods(self) -> Mapping[tuple[str, str], Callable[[str, dict[str, Any]], Said]]:
        return {
            ("session", "login"): self._log_in,
            ("uci", "get"): self._get,
            ("uci", "set"): self._set,
            ("uci", "delete"): self._delete,
            ("uci", "commit"): self._commit,
            ("network", "reload"): self._reload,
            ("network.wireless", "status"): self._status,
        }

    def _log_in(self, _session: str, what: dict[str, Any]) -> Said:
        if what != self._login:
            return PERMISSION_DENIED, {}
        session = secrets.token_hex(16)
        self.sessions[session] = {}
        return OK, {"ubus_rpc_session": session, "timeout": 300, "expires": 300}

    def _section(self, session: str, what: dict[str, Any]) -> dict[str, Any] | None:
        name = str(what.get("section"))
        if what.get("config") != "wireless" or name not in self.config:
            return None
        if self.faults.hits(self.faults.permanent, "permanent", name):
            return None
        staged = self.sessions[session]
        return staged[name] if name in staged else self.config[name]

    def _get(self, session: str, what: dict[str, Any]) -> Said:
        section = self._section(session, what)
        if section is None:
            return NOT_FOUND, {}
        return OK, {"values": {**section, ".name": what["section"]}}

    def _set(self, session: str, what: dict[str, Any]) -> Said:
        section, values = self._section(session, what), what.get("values")
        if section is None:
            return NOT_FOUND, {}
        if not isinstance(values, dict) or not all(isinstance(each, str | list) for each in values.values()):
            return INVALID_ARGUMENT, {}
        self.sessions[session][what["section"]] = {**section, **values}
        return OK, {}

    def _delete(self, session: str, what: dict[str, Any]) -> Said:
        section = self._section(session, what)
        if section is None:
            return NOT_FOUND, {}
        gone = what.get("options", ())
        self.sessions[session][what["section"]] = {
            name: section[name] for name in section if name not in gone
        }
        return OK, {}

    def _commit(self, session: str, _what: dict[str, Any]) -> Said:
        self.config |= self.sessions[session]
        self.sessions[session] = {}
        return OK, {}

    def _reload(self, _session: str, _what: dict[str, Any]) -> Said:
        self.reload()
        return OK, {}

    def _status(self, _session: str, _what: dict[str, Any]) -> Said:
        shown = [
            {
                "section": section,
                "ifname": f"phy0-ap{number}",
                "config": {"mode": "ap", "ssid": options["ssid"], "network": [options["network"]]},
            }
            for number, (section, options) in enumerate(self._air.items())
            if options.get("disabled") != "1"
        ]
        radio = {"up": True, "pending": False, "autostart": True, "disabled": False, "interfaces": shown}
        return OK, {"radio0": radio}


class Call(msgspec.Struct, frozen=True):
    """A request, as far as uhttpd takes it."""

    jsonrpc: str
    id: int
    method: str
    params: tuple[str, str, str, dict[str, Any]]


def _result(said: Said, number: int) -> web.Response:
    code, value = said
    result: list[Any] = [code, value] if value else [code]
    return _json({"jsonrpc": "2.0", "id": number, "result": result})


def _error(code: int, message: str) -> web.Response:
    return _json({"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": message}})


def _json(body: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(body), content_type="application/json")
