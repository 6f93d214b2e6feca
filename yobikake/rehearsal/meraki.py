"""A Cisco Meraki Dashboard API to rehearse with: public buildings with one SSID each.

Paths and fields: https://developer.cisco.com/meraki/api-v1/update-network-wireless-ssid/
Rate limit: https://developer.cisco.com/meraki/api-v1/rate-limit/
"""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec
from aiohttp import web

from hub import typed
from hub.clock import Clock, utc_now
from yobikake.rehearsal.faults import Faults
from yobikake.rehearsal.http import HttpGateway, Refusal
from yobikake.rehearsal.inbox import Inbox

API = "/api/v1"
EVERYDAY: Mapping[str, Any] = {
    "name": "City-Free-Wi-Fi",
    "enabled": True,
    "splashPage": "Click-through splash page",
    "ssidAdminAccessible": False,
    "authMode": "open",
    "ipAssignmentMode": "NAT mode",
    "adminSplashUrl": "",
    "splashTimeout": "1440 minutes",
    "walledGardenEnabled": False,
    "minBitrate": 11,
    "bandSelection": "Dual band operation",
    "perClientBandwidthLimitUp": 0,
    "perClientBandwidthLimitDown": 0,
    "visible": True,
    "availableOnAllAps": True,
    "availabilityTags": [],
    "perSsidBandwidthLimitUp": 0,
    "perSsidBandwidthLimitDown": 0,
    "mandatoryDhcpEnabled": False,
}


class MerakiGateway(HttpGateway):
    """Networks named in `networks`, every SSID of theirs as `EVERYDAY` until it is changed.

    An arrival is a change that was carried out: its address the network, its subject the SSID's new
    name, its text the change. `faults.permanent` makes networks that this key does not have (404);
    `faults.temporary` takes a network's first change and does not carry it out.
    """

    channel = "wifi"

    def __init__(
        self,
        inbox: Inbox,
        *,
        api_key: str,
        networks: Iterable[str],
        faults: Faults | None = None,
        clock: Clock = utc_now,
        port: int = 0,
    ) -> None:
        super().__init__(inbox, faults=faults, clock=clock, port=port)
        self.networks = frozenset(networks)
        self._api_key = api_key
        self._ssids: dict[tuple[str, int], dict[str, Any]] = {}
        self._hours: dict[tuple[str, int], dict[str, Any]] = {}
        self._put_off: set[str] = set()

    @property
    def base_url(self) -> str:
        """To give the connector."""
        return self.url + API

    def ssid(self, network: str, number: int = 0) -> dict[str, Any]:
        """As it is now; may be changed, as staff may in the dashboard."""
        return self._ssids.setdefault((network, number), {"number": number, **EVERYDAY})

    def hours(self, network: str, number: int = 0) -> dict[str, Any]:
        """The outage schedule, which may be changed like the SSID."""
        return self._hours.setdefault((network, number), {"enabled": False, "ranges": []})

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        ssid = f"{API}/networks/{{network}}/wireless/ssids/{{number:\\d+}}"
        return (
            web.get(f"{API}/organizations", self._organizations),
            web.get(ssid, self._read),
            web.put(ssid, self._update),
            web.get(f"{ssid}/schedules", self._read_hours),
            web.put(f"{ssid}/schedules", self._update_hours),
        )

    def error(self, status: int, request: web.Request) -> web.Response:
        """https://developer.cisco.com/meraki/api-v1/errors/"""
        answer = _errors(status, self.words(status, request))
        if status == 429:
            answer.headers["Retry-After"] = self.wait_s(1)
        return answer

    async def _organizations(self, request: web.Request) -> web.Response:
        organisation = {"id": "1", "name": "よびかけ市（訓練用）", "api": {"enabled": True}}
        return self._unauthorised(request) or _json([organisation])

    async def _read(self, request: web.Request) -> web.Response:
        return self._inaccessible(request) or _json(_shown(self._addressed(request)))

    async def _update(self, request: web.Request) -> web.Response:
        fields = await self._asked(request, Change)
        return fields if isinstance(fields, web.Response) else self._carry_out(request, fields)

    async def _read_hours(self, request: web.Request) -> web.Response:
        return self._inaccessible(request) or _json(self._hours_addressed(request))

    async def _update_hours(self, request: web.Request) -> web.Response:
        fields = await self._asked(request, Hours)
        if isinstance(fields, web.Response):
            return fields
        hours = self._hours_addressed(request)
        hours.update(fields)
        return _json(hours)

    async def _asked(self, request: web.Request, kind: type[msgspec.Struct]) -> dict[str, Any] | web.Response:
        """The fields to change, or the refusal."""
        refused = self._inaccessible(request)
        if refused:
            return refused
        try:
            change = typed.from_json(await request.read(), kind)
        except msgspec.DecodeError as e:
            return _errors(400, str(e))
        return {name: value for name, value in msgspec.to_builtins(change).items() if value is not None}

    def _carry_out(self, request: web.Request, fields: dict[str, Any]) -> web.Response:
        network, ssid = request.match_info["network"], self._addressed(request)
        if fields.get("authMode") == "psk" and not fields.get("psk"):
            return _errors(400, "Psk can't be blank")
        if self.faults.hits(self.faults.temporary, "temporary", network) and network not in self._put_off:
            self._put_off.add(network)
            return _json(_shown(ssid | fields))
        ssid.update(fields)
        text = msgspec.json.encode(fields).decode()
        self.arrive(address=network, subject=ssid["name"], text=text, key=str(len(self.requests)))
        return _json(_shown(ssid))

    def _addressed(self, request: web.Request) -> dict[str, Any]:
        return self.ssid(request.match_info["network"], int(request.match_info["number"]))

    def _hours_addressed(self, request: web.Request) -> dict[str, Any]:
        return self.hours(request.match_info["network"], int(request.match_info["number"]))

    def _inaccessible(self, request: web.Request) -> web.Response | None:
        network = request.match_info["network"]
        missing = network not in self.networks or self.faults.hits(
            self.faults.permanent, "permanent", network
        )
        return self._unauthorised(request) or (_errors(404, "Not found") if missing else None)

    def _unauthorised(self, request: web.Request) -> web.Response | None:
        known = request.headers.get("Authorization", "") == f"Bearer {self._api_key}"
        return None if known else self.refusal(Refusal.CREDENTIALS, request)


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of an update; the fields this gateway takes, under Meraki's own names."""

    name: str | None = None
    enabled: bool | None = None
    authMode: Literal["open", "open-enhanced", "psk"] | None = None  # noqa: N815
    splashPage: Literal["None", "Click-through splash page", "SMS authentication"] | None = None  # noqa: N815
    visible: bool | None = None
    psk: str | None = None
    encryptionMode: Literal["wpa", "wep"] | None = None  # noqa: N815
    wpaEncryptionMode: Literal["WPA2 only", "WPA3 Transition Mode", "WPA3 only"] | None = None  # noqa: N815

    def __post_init__(self) -> None:
        if self.name is not None and not 1 <= len(self.name.encode()) <= 32:
            raise ValueError("SSID name must be between 1 and 32 bytes")


class Hours(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of an update of the schedule: https://developer.cisco.com/meraki/api-v1/update-network-wireless-ssid-schedules/"""

    enabled: bool | None = None
    ranges: list[dict[str, str]] | None = None


def _shown(ssid: Mapping[str, Any]) -> dict[str, Any]:
    """Without the key: whoever reads an SSID does not get it."""
    return {name: value for name, value in ssid.items() if name != "psk"}


def _errors(status: int, message: str) -> web.Response:
    return _json({"errors": [message]}, status=status)


def _json(body: object, *, status: int = 200) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(body), content_type="application/json")
