"""What UniFi's and OpenWrt's fields mean: open to everyone, as it was before, and what cannot be put back."""

from typing import Any

import pytest

from channels.wifi import openwrt_section as openwrt
from channels.wifi import unifi_broadcast as unifi
from yobikake.rehearsal.unifi import EVERYDAY

SHOWN: dict[str, Any] = {"id": "b", "metadata": {"origin": "USER_DEFINED"}, **EVERYDAY}
OPEN = unifi.opened(SHOWN, "00000JAPAN")


def test_a_broadcast_is_sent_back_whole_with_our_fields_changed() -> None:
    assert OPEN.keys() == EVERYDAY.keys() - {"hotspotConfiguration"}
    newer = SHOWN | {"fieldOfANewerVersion": 7}
    assert unifi.opened(newer, "x")["fieldOfANewerVersion"] == 7
    saved = unifi.kept(SHOWN, psk=None)
    assert saved is not None
    changed_meanwhile = {**OPEN, "bandSteeringEnabled": False, "id": "b"}
    assert unifi.previous(saved, changed_meanwhile) == {**EVERYDAY, "bandSteeringEnabled": False}


@pytest.mark.parametrize(
    "added",
    [
        {"hotspotConfiguration": None},
        {"clientFilteringPolicy": {"action": "BLOCK", "macAddressFilter": []}},
        {"blackoutScheduleConfiguration": {}},
        {"securityConfiguration": {"type": "OPEN", "encryption": "ENHANCED_OPEN_WITH_TRANSITION"}},
    ],
)
def test_what_a_console_takes_for_granted_keeps_nobody_out(added: dict[str, Any]) -> None:
    assert unifi.holds({**OPEN, **added}, OPEN)


@pytest.mark.parametrize(
    "hindrance",
    [
        {"hotspotConfiguration": {"type": "CAPTIVE_PORTAL"}},
        {"clientFilteringPolicy": {"action": "ALLOW", "macAddressFilter": []}},
        {"clientFilteringPolicy": {"action": "BLOCK", "macAddressFilter": ["00:00:5e:00:53:01"]}},
        {"blackoutScheduleConfiguration": {"days": [{"day": "SUN", "type": "ALL_DAY"}]}},
        {"securityConfiguration": {"type": "WPA2_PERSONAL"}},
        {"securityConfiguration": {"type": "OPEN", "encryption": "ENHANCED_OPEN"}},
        {"securityConfiguration": {"type": "OPEN", "radiusConfiguration": {"profileId": "p"}}},
        {"enabled": False},
        {"hideName": True},
        {"name": "other"},
    ],
)
def test_what_keeps_somebody_out_is_not_open(hindrance: dict[str, Any]) -> None:
    assert not unifi.holds({**OPEN, **hindrance}, OPEN)


def test_a_key_that_is_shown_is_kept_and_compared_to_nothing() -> None:
    security = {"type": "WPA2_PERSONAL", "passphrase": "himitsu-no-kagi"}
    saved = unifi.kept(SHOWN | {"securityConfiguration": security}, psk=None)
    assert saved is not None
    wanted = unifi.previous(saved, OPEN)
    assert wanted["securityConfiguration"]["passphrase"] == "himitsu-no-kagi"
    hidden = {**wanted, "securityConfiguration": {"type": "WPA2_PERSONAL"}}
    assert unifi.holds(hidden, wanted)


SECTION: dict[str, Any] = {".type": "wifi-iface", "ssid": "City", "encryption": "none", "mode": "ap"}


def on_air(options: dict[str, Any], name: str | None) -> dict[str, Any]:
    return {**SECTION, **options, openwrt.ON_AIR: name}


def test_a_section_is_open_once_a_radio_carries_it() -> None:
    wanted = openwrt.opened(SECTION, "00000JAPAN")
    assert openwrt.holds(on_air({"ssid": "00000JAPAN"}, "00000JAPAN"), wanted)
    assert not openwrt.holds(on_air({"ssid": "00000JAPAN"}, "City"), wanted)
    assert not openwrt.holds(on_air({"ssid": "00000JAPAN"}, None), wanted)
    for hindrance in ({"encryption": "psk2"}, {"hidden": "1"}, {"disabled": "1"}, {"macfilter": "allow"}):
        assert not openwrt.holds(on_air({"ssid": "00000JAPAN", **hindrance}, "00000JAPAN"), wanted)


@pytest.mark.parametrize("yes", ["1", "on", "true", "yes", "enabled"])
def test_what_was_switched_off_is_back_when_nothing_is_on_the_air(yes: str) -> None:
    before = on_air({"disabled": yes}, None)
    saved = openwrt.kept(before, psk=None)
    assert saved is not None
    assert openwrt.holds(before, openwrt.previous(saved, SECTION))
    assert openwrt.changes(openwrt.previous(saved, SECTION))[1] == ["hidden", "key", "macfilter", "maclist"]


@pytest.mark.parametrize(
    ("radios", "name"),
    [
        ({}, None),
        (
            {
                "radio0": {
                    "up": False,
                    "interfaces": [{"section": "w", "ifname": "ap0", "config": {"ssid": "x"}}],
                }
            },
            None,
        ),
        ({"radio0": {"up": True, "interfaces": [{"section": "w", "config": {"ssid": "x"}}]}}, None),
        (
            {
                "radio0": {
                    "up": True,
                    "interfaces": [{"section": "v", "ifname": "ap0", "config": {"ssid": "x"}}],
                }
            },
            None,
        ),
        (
            {
                "radio0": {
                    "up": True,
                    "interfaces": [{"section": "w", "ifname": "ap0", "config": {"ssid": "x"}}],
                }
            },
            "x",
        ),
        ({"radio0": "broken", "radio1": {"up": True, "interfaces": "no list"}}, None),
        ({"radio0": {"up": True, "interfaces": None}, "radio1": {"up": True, "interfaces": 5}}, None),
    ],
)
def test_what_netifd_has_on_the_air(radios: dict[str, Any], name: str | None) -> None:
    assert openwrt.on_the_air(radios, "w") == name
