"""A rehearsal gateway of each vendor, and the connector pointed at it, behind one face for the tests."""

import json
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

from channels.wifi import Facility, Settings, Wifi
from channels.wifi import settings as stanzas
from channels.wifi.controller import DISASTER
from channels.wifi.vendors import Stanza
from hub.channel import Channel
from hub.delivery import Outcome
from hub.outbound import Outbound
from hub.recipient import Recipient, RecipientId
from hub.testing.answers import CUT_ANSWER, NO_ANSWER
from hub.testing.channel_harness import Feature, Where
from hub.testing.channel_suite import REHEARSAL
from hub.testing.parcels import NOW
from tests.contract.gateways import OfHttp
from yobikake.rehearsal import meraki, openwrt, unifi
from yobikake.rehearsal.inbox import Inbox

KEY = "not-a-key-of-anybody"
PSK = "himitsu-no-kagi"
REFS = [f"hall{number:02}" for number in range(1, 31)]
DRILLS_AT = REFS[0]
INSIDE = "a device of the city's own is asked directly, unless its stanza says otherwise"
WRITTEN_AGAIN: Mapping[str, Outcome] = {
    "400": Outcome.PERMANENT,
    "401": Outcome.CREDENTIALS,
    "403": Outcome.CREDENTIALS,
    "404": Outcome.PERMANENT,  # of one facility
    "413": Outcome.PERMANENT,
    "429": Outcome.THROTTLE,
    **dict.fromkeys(("500", "502", "503", "504", NO_ANSWER, CUT_ANSWER), Outcome.TEMPORARY),
}
"""What is not certain is written again, which changes nothing."""


class WifiHarness(OfHttp):
    kind = "wifi"
    lacks: ClassVar[Mapping[Feature, str]] = {
        Feature.AMBIGUITY: "what is not certain is written again, which changes nothing",
        Feature.REPEATS: "a facility that is open already is not written to",
    }
    path: ClassVar[str]
    """Behind the gateway's address."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key_file = folder / "key"
        self.key_file.write_text(KEY + "\n")
        self.psk_file = folder / "hall.psk"
        self.psk_file.write_text(PSK + "\n")
        self.facilities = tuple(self.facility(ref) for ref in REFS)

    @classmethod
    def in_folder(cls, folder: Path) -> Self:
        return cls(folder)

    @abstractmethod
    def stanza(self, base_url: str) -> Stanza: ...

    @abstractmethod
    def facility(self, ref: str, **more: Any) -> Facility:
        """Its place has the facility's own name, so that what the gateway saw can be told apart."""

    @abstractmethod
    def ssid(self, ref: str) -> dict[str, Any]:
        """As it is now, in the vendor's own fields; may be changed, as staff may."""

    @abstractmethod
    def shown(self, ref: str) -> str:
        """The name under which anyone may join it now; empty: it is not open to everyone, or off."""

    @abstractmethod
    def rename(self, ref: str, name: str) -> None: ...

    @abstractmethod
    def lock(self, ref: str, *, key: str = PSK) -> None:
        """Staff gave it a key, which the vendor does not show."""

    @abstractmethod
    def of_members(self, ref: str) -> None:
        """It is an enterprise network."""

    @abstractmethod
    def remove(self, ref: str) -> None: ...

    @abstractmethod
    def is_send(self, method: str, body: bytes) -> bool: ...

    @property
    def secrets(self) -> Sequence[str]:
        return [KEY, PSK]

    def channel(self, outbound: Outbound, where: Where = Where.GATEWAY) -> Channel:
        return self.wifi(outbound, where)

    def wifi(self, outbound: Outbound = REHEARSAL, where: Where = Where.GATEWAY) -> Wifi:
        nowhere, remote = "http://127.0.0.1:9", "https://gateway.example"
        base = {Where.NOWHERE: nowhere, Where.REMOTE: remote}.get(where, self.gateway.url)
        settings = Settings(
            saved_dir=self.folder / "saved",
            controllers={"main": self.stanza(base + self.path)},
            facilities=self.facilities,
            drill_facilities=(DRILLS_AT,),
        )
        return Wifi(settings, outbound=outbound, clock=lambda: NOW)

    def recipients(self, number: int) -> Sequence[Recipient]:
        return [Recipient(id=RecipientId(n), address=REFS[n]) for n in range(number)]

    def sends(self) -> int:
        return len(self.bodies())

    def bodies(self) -> Sequence[bytes]:
        return [each.body for each in self.gateway.requests if self.is_send(each.method, each.body)]

    def arrivals(self) -> Sequence[str]:
        inbox = self.gateway.inbox
        return [each.address for place in inbox.addresses("wifi") for each in inbox.of("wifi", place)]


def named(ref: str) -> str:
    return f"第{ref.removeprefix('hall')}会館"


class MerakiHarness(WifiHarness):
    provider = "meraki"
    answers = WRITTEN_AGAIN | {"409": Outcome.PERMANENT}
    path = meraki.API

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.gateway = self.dashboard = meraki.MerakiGateway(
            Inbox(), api_key=KEY, networks=REFS, clock=lambda: NOW
        )

    def stanza(self, base_url: str) -> Stanza:
        return stanzas.Meraki(api_key_file=self.key_file, base_url=base_url, requests_per_s=10_000)

    def facility(self, ref: str, **more: Any) -> Facility:
        return Facility(
            ref=ref, name=named(ref), controller="main", network_id=ref, **({"ssid_number": 0} | more)
        )

    def ssid(self, ref: str) -> dict[str, Any]:
        return self.dashboard.ssid(ref)

    def shown(self, ref: str) -> str:
        ssid = self.ssid(ref)
        free = ssid["authMode"] == "open" and ssid["splashPage"] == "None" and ssid["visible"]
        on_air = ssid["enabled"] and not self.dashboard.hours(ref)["enabled"]
        return str(ssid["name"]) if free and on_air else ""

    def rename(self, ref: str, name: str) -> None:
        self.ssid(ref)["name"] = name

    def lock(self, ref: str, *, key: str = PSK) -> None:
        self.ssid(ref).update(
            authMode="psk", psk=key, encryptionMode="wpa", wpaEncryptionMode="WPA2 only", splashPage="None"
        )

    def of_members(self, ref: str) -> None:
        self.ssid(ref)["authMode"] = "8021x-radius"

    def remove(self, ref: str) -> None:
        self.dashboard.networks -= {ref}

    def is_send(self, method: str, body: bytes) -> bool:
        return method == "PUT"


class UnifiHarness(WifiHarness):
    provider = "unifi"
    lacks: ClassVar[Mapping[Feature, str]] = {**WifiHarness.lacks, Feature.PROXY: INSIDE}
    answers = WRITTEN_AGAIN | {"409": Outcome.TEMPORARY}  # somebody changed it in the console meanwhile
    path = unifi.API

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.gateway = self.console = unifi.UnifiGateway(
            Inbox(), api_key=KEY, buildings=REFS, clock=lambda: NOW
        )

    def stanza(self, base_url: str) -> Stanza:
        return stanzas.Unifi(api_key_file=self.key_file, base_url=base_url, requests_per_s=10_000)

    def facility(self, ref: str, **more: Any) -> Facility:
        own = {"site_id": str(unifi.SITE), "broadcast_id": unifi.broadcast_id(ref)}
        return Facility(ref=ref, name=named(ref), controller="main", **(own | more))

    def ssid(self, ref: str) -> dict[str, Any]:
        return self.console.broadcast(ref)

    def shown(self, ref: str) -> str:
        ssid = self.ssid(ref)
        free = ssid["securityConfiguration"] == {"type": "OPEN"} and "hotspotConfiguration" not in ssid
        return str(ssid["name"]) if free and ssid["enabled"] and not ssid["hideName"] else ""

    def rename(self, ref: str, name: str) -> None:
        self.ssid(ref)["name"] = name

    def lock(self, ref: str, *, key: str = PSK) -> None:
        self.ssid(ref)["securityConfiguration"] = {"type": "WPA2_PERSONAL", "fastRoamingEnabled": False}

    def of_members(self, ref: str) -> None:
        self.ssid(ref)["securityConfiguration"] = {
            "type": "WPA2_ENTERPRISE",
            "coaEnabled": False,
            "radiusConfiguration": {
                "profileId": str(unifi.SITE),
                "nasId": {"type": "DERIVED", "source": "BSSID"},
            },
        }

    def remove(self, ref: str) -> None:
        del self.console.buildings[unifi.broadcast_id(ref)]

    def is_send(self, method: str, body: bytes) -> bool:
        return method == "PUT"


class OpenwrtHarness(WifiHarness):
    provider = "openwrt"
    answers = WRITTEN_AGAIN | {"404": Outcome.CREDENTIALS, "409": Outcome.PERMANENT}
    lacks: ClassVar[Mapping[Feature, str]] = {
        **WifiHarness.lacks,
        Feature.PROXY: INSIDE,
        Feature.RETRY_AFTER: "a device of one's own has no rate, and a proxy in front need not say when",
    }
    path = openwrt.API

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.gateway = self.device = openwrt.OpenwrtGateway(
            Inbox(), username="yobikake", password=KEY, sections=REFS, clock=lambda: NOW
        )

    @property
    def secrets(self) -> Sequence[str]:
        return [KEY, PSK, *self.device.sessions]

    def stanza(self, base_url: str) -> Stanza:
        return stanzas.Openwrt(password_file=self.key_file, base_url=base_url, requests_per_s=10_000)

    def facility(self, ref: str, **more: Any) -> Facility:
        own = {"section": ref}
        return Facility(ref=ref, name=named(ref), controller="main", **(own | more))

    def ssid(self, ref: str) -> dict[str, Any]:
        return self.device.config[ref]

    def shown(self, ref: str) -> str:
        free = self.ssid(ref)["encryption"] == "none" and self.ssid(ref).get("hidden", "0") == "0"
        return (self.device.on_air(ref) or "") if free else ""

    def rename(self, ref: str, name: str) -> None:
        self.ssid(ref)["ssid"] = name
        self.device.reload()

    def lock(self, ref: str, *, key: str = PSK) -> None:
        """A right to read keys may be missing: then the option is not shown."""
        self.ssid(ref)["encryption"] = "psk2"
        self.device.reload()

    def of_members(self, ref: str) -> None:
        self.ssid(ref)["encryption"] = "wpa2"

    def remove(self, ref: str) -> None:
        del self.device.config[ref]

    def is_send(self, method: str, body: bytes) -> bool:
        return self.calls(body)[1:3] == ["uci", "set"]

    @staticmethod
    def calls(body: bytes) -> list[Any]:
        params = json.loads(body)["params"]
        return list(params)


VENDORS: Mapping[str, type[WifiHarness]] = {
    "meraki": MerakiHarness,
    "unifi": UnifiHarness,
    "openwrt": OpenwrtHarness,
}

__all__ = ["DISASTER", "DRILLS_AT", "KEY", "PSK", "REFS", "VENDORS", "WifiHarness", "named"]
