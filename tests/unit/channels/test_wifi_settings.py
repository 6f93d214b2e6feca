"""Settings of the Wi-Fi that could do harm, and the controller they name."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from channels.wifi import Wifi
from channels.wifi.controller import Slot
from channels.wifi.settings import Facility, Settings
from hub import settings
from hub.clock import utc_now
from hub.errors import BadSettings
from hub.outbound import Deployment, Outbound

UUIDS = ("88f7af54-98f8-306a-a1c7-c9349722b1f6", "5b1f6f0e-6c49-5d5e-9a57-0d6a3f9f1e11")
CONTROLLERS: dict[str, Any] = {
    "cloud": {"vendor": "meraki", "api_key_file": "k"},
    "halls": {
        "vendor": "unifi",
        "api_key_file": "k",
        "base_url": "https://192.0.2.1/proxy/network/integration",
    },
    "east": {"vendor": "openwrt", "password_file": "k", "base_url": "https://192.0.2.2/ubus"},
}
HALL = {"ref": "hall", "name": "会館", "controller": "cloud", "network_id": "N_1", "ssid_number": 0}
UNIFI = {
    "ref": "b",
    "name": "b",
    "controller": "halls",
    "site_id": UUIDS[0],
    "broadcast_id": UUIDS[1],
}
OPENWRT = {"ref": "c", "name": "c", "controller": "east", "section": "disaster"}
RIGHT: dict[str, Any] = {"saved_dir": "s", "controllers": CONTROLLERS, "facilities": [HALL, UNIFI, OPENWRT]}


def made(**wrong: Any) -> Settings:
    return settings.convert(RIGHT | wrong, Settings, where="[channels.wifi]")


def test_facilities_of_three_vendors_stand_side_by_side() -> None:
    assert [facility.slot for facility in made().facilities] == [
        Slot("cloud", "N_1/0"),
        Slot("halls", f"{UUIDS[0]}/{UUIDS[1]}"),
        Slot("east", "disaster"),
    ]
    assert made().ssid_name == "00000JAPAN"


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"drill_ssid_name": "00000JAPAN"}, "drill_ssid_name"),
        ({"drill_ssid_name": "00000japan-kunren"}, "drill_ssid_name"),
        ({"drill_ssid_name": "く" * 11}, "drill_ssid_name"),
        ({"ssid_name": "AKI", "drill_ssid_name": "AKI"}, "drill_ssid_name"),
        ({"ssid_name": ""}, "ssid_name"),
        ({"drill_facilities": ["hall", "nowhere"]}, "nowhere"),
        ({"facilities": [HALL, HALL | {"ssid_number": 1}]}, "same ref"),
        ({"facilities": [HALL, HALL | {"ref": "b"}]}, "SSID"),
        ({"facilities": [HALL | {"controller": "none"}]}, "none"),
        ({"facilities": [HALL | {"section": "w"}]}, "network_id, ssid_number"),
        ({"facilities": [UNIFI | {"controller": "east"}]}, "section"),
        ({"facilities": [UNIFI | {"site_id": "default"}]}, "site_id"),
        ({"facilities": [OPENWRT | {"section": "@wifi-iface[0]"}]}, "section"),
        ({"controllers": {"x": {"vendor": "acme"}}}, "vendor"),
        (
            {"controllers": CONTROLLERS | {"east": CONTROLLERS["east"] | {"base_url": "http://192.0.2.2"}}},
            "https",
        ),
    ],
)
def test_settings_that_could_do_harm_are_refused(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(BadSettings, match=named):
        made(**wrong)


def test_a_key_goes_to_this_machine_alone_in_clear() -> None:
    local = CONTROLLERS["east"] | {"base_url": "http://127.0.0.1:8080/ubus"}
    assert made(controllers=CONTROLLERS | {"east": local}).controllers["east"].base_url.startswith("http:")


def test_a_facility_knows_its_shelter() -> None:
    facility = msgspec.convert(HALL | {"site": "E1320700001", "psk_file": Path("p")}, Facility)
    assert facility.site == "E1320700001"


def test_the_rate_is_what_the_controllers_bear_one_after_the_other(tmp_path: Path) -> None:
    """Five requests at 10/s, three at 5/s, eight at 10/s: 1.9 s for three facilities."""
    (tmp_path / "k").write_text("kagi")
    named = {
        name: {key: str(tmp_path / "k") if key.endswith("_file") else value for key, value in each.items()}
        for name, each in CONTROLLERS.items()
    }
    outbound = Outbound(deployment=Deployment.PRODUCTION)
    wifi = Wifi(made(controllers=named), outbound=outbound, clock=utc_now)
    assert wifi.capabilities.requests_per_s == pytest.approx(3 / 1.9)
    assert wifi.capabilities.request_deadline.total_seconds() == 5 * 20, (
        "one facility, with every request as slow as may be"
    )
