"""The Wi-Fi of a rehearsal city: three vendors side by side, as a city's buildings come to have."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from yobikake.rehearsal import unifi
from yobikake.rehearsal.faults import Faults
from yobikake.rehearsal.http import HttpGateway
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.meraki import MerakiGateway
from yobikake.rehearsal.openwrt import OpenwrtGateway
from yobikake.rehearsal.unifi import UnifiGateway

NETWORKS = [f"N_{number:04}" for number in range(1, 22)]
BUILDINGS = [f"U_{number:04}" for number in range(22, 26)]
SECTIONS = [f"W_{number:04}" for number in range(26, 28)]
USER = "yobikake"


class WifiGateways:
    """One of each vendor, with the same key for all of them; 27 buildings together."""

    def __init__(self, inbox: Inbox, *, key_file: Path, faults: Faults) -> None:
        self._key_file = key_file
        key = key_file.read_text()
        self._meraki = MerakiGateway(inbox, api_key=key, networks=NETWORKS, faults=faults)
        self._unifi = UnifiGateway(inbox, api_key=key, buildings=BUILDINGS, faults=faults)
        self._openwrt = OpenwrtGateway(inbox, username=USER, password=key, sections=SECTIONS, faults=faults)

    @property
    def gateways(self) -> Sequence[HttpGateway]:
        return self._meraki, self._unifi, self._openwrt

    def stanza(self, *, saved_dir: Path) -> dict[str, Any]:
        """`[channels.wifi]`, once they listen."""
        key = str(self._key_file)
        places: list[dict[str, Any]] = [
            *({"controller": "meraki", "network_id": each, "ssid_number": 0} for each in NETWORKS),
            *(
                {
                    "controller": "unifi",
                    "site_id": str(unifi.SITE),
                    "broadcast_id": unifi.broadcast_id(each),
                }
                for each in BUILDINGS
            ),
            *({"controller": "openwrt", "section": each} for each in SECTIONS),
        ]
        return {
            "saved_dir": str(saved_dir),
            "drill_facilities": ["facility-01", "facility-22", "facility-26"],
            "controllers": {
                "meraki": {"vendor": "meraki", "api_key_file": key, "base_url": self._meraki.base_url},
                "unifi": {"vendor": "unifi", "api_key_file": key, "base_url": self._unifi.base_url},
                "openwrt": {"vendor": "openwrt", "password_file": key, "base_url": self._openwrt.base_url},
            },
            "facilities": [
                {"ref": f"facility-{number:02}", "name": f"公共施設{number}（架空）", **place}
                for number, place in enumerate(places, start=1)
            ],
        }
