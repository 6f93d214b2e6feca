"""A UniFi Network console to rehearse with: one site, a Wi-Fi broadcast for each building.

Paths, fields and types: the API description of UniFi Network 10.5 (`/integration/v1/sites/…/wifi/broadcasts/…`).
"""

from collections.abc import Iterable, Mapping
from datetime import UTC
from http import HTTPStatus
from typing import Any
from uuid import UUID, uuid5

import msgspec
from aiohttp import web

from hub import typed
from hub.clock import Clock, utc_now
from yobikake.rehearsal.faults import Faults
from yobikake.rehearsal.http import HttpGateway, Refusal
from yobikake.rehearsal.inbox import Inbox

API = "/proxy/network/integration"
SITE = UUID("88f7af54-98f8-306a-a1c7-c9349722b1f6")
EVERYDAY: Mapping[str, Any] = {
    "type": "STANDARD",
    "name": "City-Free-Wi-Fi",
    "enabled": True,
    "network": {"type": "NATIVE"},
    "securityConfiguration": {"type": "OPEN"},
    "hotspotConfiguration": {"type": "CAPTIVE_PORTAL"},
    "multicastToUnicastConversionEnabled": True,
    "clientIsolationEnabled": True,
    "hideName": False,
    "uapsdEnabled": False,
    "channel2gLockedTo6": False,
    "dtimPeriod2gLockedTo3": False,
    "broadcastingFrequenciesGHz": [2.4, 5],
    "mloEnabled": False,
    "bandSteeringEnabled": True,
    "arpProxyEnabled": False,
    "bssTransitionEnabled": True,
    "advertiseDeviceName": False,
}
REQUIRED: Mapping[str, type] = {
    "type": str,
    "name": str,
    "enabled": bool,
    "securityConfiguration": dict,
    "multicastToUnicastConversionEnabled": bool,
    "clientIsolationEnabled": bool,
    "hideName": bool,
    "uapsdEnabled": bool,
    "channel2gLockedTo6": bool,
    "dtimPeriod2gLockedTo3": bool,
    "broadcastingFrequenciesGHz": list,
    "arpProxyEnabled": bool,
    "bssTransitionEnabled": bool,
    "advertiseDeviceName": bool,
}
KEYED = frozenset({"WPA2_PERSONAL", "WPA3_PERSONAL", "WPA2_WPA3_PERSONAL"})


def broadcast_id(building: str) -> str:
    """Of a building's broadcast."""
    return str(uuid5(SITE, building))


class UnifiGateway(HttpGateway):
    """Each of the `buildings` has a broadcast as `EVERYDAY` until it is changed. An update replaces the whole of it.

    An arrival is a change that was carried out: its address the building, its subject the broadcast's new
    name, its text the change. `faults.permanent` makes broadcasts that are not there (404);
    `faults.temporary` takes a broadcast's first change and does not carry it out.
    """

    channel = "wifi"

    def __init__(
        self,
        inbox: Inbox,
        *,
        api_key: str,
        buildings: Iterable[str],
        faults: Faults | None = None,
        clock: Clock = utc_now,
        port: int = 0,
    ) -> None:
        super().__init__(inbox, faults=faults, clock=clock, port=port)
        self.buildings = {broadcast_id(building): building for building in buildings}
        self._api_key = api_key
        self._broadcasts: dict[str, dict[str, Any]] = {}
        self._put_off: set[str] = set()

    @property
    def base_url(self) -> str:
        """To give the connector."""
        return self.url + API

    def broadcast(self, building: str) -> dict[str, Any]:
        """As it is now; may be changed, as staff may in the console."""
        return self._broadcasts.setdefault(broadcast_id(building), dict(EVERYDAY))

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        broadcast = f"{API}/v1/sites/{{site}}/wifi/broadcasts/{{broadcast}}"
        return (web.get(broadcast, self._read), web.put(broadcast, self._update))

    def error(self, status: int, request: web.Request) -> web.Response:
        """As the console's own reference has it, under Error Handling (Integrations, in UniFi Network)."""
        said = {
            "statusCode": status,
            "statusName": HTTPStatus(status).name,
            "message": self.words(status, request),
            "timestamp": self._clock().astimezone(UTC).isoformat(),
            "requestPath": request.path,
            "requestId": str(uuid5(SITE, str(len(self.requests)))),
        }
        return _json(said, status=status, headers={"Retry-After": self.wait_s(1)} if status == 429 else None)

    async def _read(self, request: web.Request) -> web.Response:
        return self._inaccessible(request) or self._shown(request, self._addressed(request))

    async def _update(self, request: web.Request) -> web.Response:
        refused = self._inaccessible(request)
        if refused:
            return refused
        try:
            wanted = typed.from_json(await request.read(), dict[str, Any])
        except msgspec.DecodeError:
            return self.error(400, request)
        return self.error(400, request) if _wrong(wanted) else self._carry_out(request, wanted)

    def _carry_out(self, request: web.Request, wanted: dict[str, Any]) -> web.Response:
        broadcast = request.match_info["broadcast"]
        building = self.buildings[broadcast]
        if self.faults.hits(self.faults.temporary, "temporary", building) and broadcast not in self._put_off:
            self._put_off.add(broadcast)
            return self._shown(request, wanted)
        present = self._addressed(request)
        present.clear()
        present.update(wanted)
        text = msgspec.json.encode(_without_keys(wanted)).decode()
        self.arrive(address=building, subject=wanted["name"], text=text, key=str(len(self.requests)))
        return self._shown(request, present)

    def _addressed(self, request: web.Request) -> dict[str, Any]:
        return self.broadcast(self.buildings[request.match_info["broadcast"]])

    def _inaccessible(self, request: web.Request) -> web.Response | None:
        if request.headers.get("X-API-KEY", "") != self._api_key:
            return self.refusal(Refusal.CREDENTIALS, request)
        building = self.buildings.get(request.match_info["broadcast"])
        there = building is not None and request.match_info["site"] == str(SITE)
        if not there or self.faults.hits(self.faults.permanent, "permanent", building or ""):
            return self.error(404, request)
        return None

    def _shown(self, request: web.Request, broadcast: Mapping[str, Any]) -> web.Response:
        metadata = {"id": request.match_info["broadcast"], "metadata": {"origin": "USER_DEFINED"}}
        return _json({**metadata, **broadcast})


def _wrong(wanted: Mapping[str, Any]) -> bool:
    """As the description has it: what must be there, and of which type."""
    if not all(isinstance(wanted.get(field), kind) for field, kind in REQUIRED.items()):
        return True
    security = wanted["securityConfiguration"]
    keyless = security.get("type") in KEYED and not (
        security.get("passphrase") or security.get("presharedKeys")
    )
    return not 1 <= len(wanted["name"].encode()) <= 32 or keyless


def _without_keys(wanted: Mapping[str, Any]) -> dict[str, Any]:
    return {**wanted, "securityConfiguration": {"type": wanted["securityConfiguration"].get("type")}}


def _json(body: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(
        status=status, body=msgspec.json.encode(body), content_type="application/json", headers=headers
    )
