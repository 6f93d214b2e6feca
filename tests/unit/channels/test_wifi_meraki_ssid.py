"""What of Meraki can be put back, and what with."""

from typing import Any

import pytest

from channels.wifi.meraki_ssid import holds, kept, opened, previous

EVERYDAY: dict[str, Any] = {
    "number": 0,
    "name": "City-Free-Wi-Fi",
    "enabled": True,
    "authMode": "open",
    "splashPage": "Click-through splash page",
    "visible": True,
    "minBitrate": 11,
}


def test_only_what_we_changed_is_put_back() -> None:
    saved = kept(EVERYDAY, psk=None)
    assert saved is not None
    assert previous(saved, EVERYDAY) == {
        "name": "City-Free-Wi-Fi",
        "enabled": True,
        "authMode": "open",
        "splashPage": "Click-through splash page",
        "visible": True,
    }


def test_hours_without_wifi_are_touched_only_where_they_are_in_force() -> None:
    off, on = {"schedules": {"enabled": False}}, {"schedules": {"enabled": True, "ranges": []}}
    assert "schedules" not in opened(EVERYDAY, "x")
    assert opened(EVERYDAY | off, "x") == opened(EVERYDAY, "x")
    assert opened(EVERYDAY | on, "x") == opened(EVERYDAY, "x") | off
    assert previous(EVERYDAY | on, EVERYDAY) == previous(EVERYDAY, EVERYDAY) | on
    assert previous(EVERYDAY | off, EVERYDAY) == previous(EVERYDAY, EVERYDAY)


@pytest.mark.parametrize(
    "unknown",
    [
        {"authMode": "psk"},
        {"authMode": "8021x-radius"},
        {"authMode": "open-with-radius"},
        {"splashPage": "Password-protected with custom RADIUS"},
    ],
)
def test_what_needs_a_password_we_do_not_have_cannot_be_kept(unknown: dict[str, str]) -> None:
    assert kept(EVERYDAY | unknown, psk=None) is None


def test_a_key_is_kept_with_it() -> None:
    saved = kept(EVERYDAY | {"authMode": "psk", "wpaEncryptionMode": "WPA2 only"}, psk="kagi")
    assert saved is not None
    assert previous(saved, EVERYDAY)["psk"] == "kagi"
    assert previous(saved, EVERYDAY)["wpaEncryptionMode"] == "WPA2 only"


def test_a_key_that_is_not_shown_does_not_count_as_a_difference() -> None:
    wanted = opened({}, "x") | {"authMode": "psk", "psk": "kagi"}
    assert holds({**opened({}, "x"), "authMode": "psk"}, wanted)
    assert not holds(opened({}, "x"), wanted)


@pytest.mark.parametrize("field", ["name", "enabled", "authMode", "splashPage", "visible"])
def test_every_field_counts(field: str) -> None:
    assert not holds({**opened({}, "00000JAPAN"), field: "other"}, opened({}, "00000JAPAN"))
