"""What UniFi's fields of a Wi-Fi broadcast mean, and whether what it was can be put back (`controller.Words`).

Fields: the API description of UniFi Network 10.5, «Wifi broadcast details» and «Wifi broadcast create or update».
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from channels.wifi.controller import Ssid


class _Key(msgspec.Struct, frozen=True):
    passphrase: str | None = None


class _Security(msgspec.Struct, frozen=True, rename="camel"):
    type: str = ""
    passphrase: str | None = None
    preshared_keys: list[_Key] | None = None
    encryption: str | None = None


class Fields(msgspec.Struct, frozen=True, rename="camel"):
    """What is understood of a broadcast. The rest is kept as it came."""

    name: str = ""
    enabled: bool = False
    hide_name: bool = False
    security_configuration: _Security | None = None


_READ_ONLY = frozenset({"id", "metadata"})
"""In what is read, and not in what is written."""

_HINDRANCES = ("hotspotConfiguration", "clientFilteringPolicy", "blackoutScheduleConfiguration")
"""A page in between, a list of devices, hours without Wi-Fi: an open broadcast has none of them."""

_CHANGED = ("name", "enabled", "hideName", "securityConfiguration", *_HINDRANCES)

_SECRETS = frozenset({"passphrase", "presharedKeys"})

_PERSONAL = frozenset({"WPA2_PERSONAL", "WPA3_PERSONAL", "WPA2_WPA3_PERSONAL"})


def opened(present: Ssid, name: str) -> Ssid:
    rest = {field: value for field, value in _writable(present).items() if field not in _HINDRANCES}
    return {
        **rest,
        "name": name,
        "enabled": True,
        "hideName": False,
        "securityConfiguration": {"type": "OPEN"},
    }


def holds(present: Ssid, wanted: Ssid) -> bool:
    """What was not asked for may be there as the console takes it for granted, but keep nobody out."""
    asked = [field for field in _CHANGED if field in wanted]
    unasked = [field for field in _HINDRANCES if field not in wanted]
    return (
        all(_same(present.get(field), wanted[field]) for field in asked)
        and not any(_hinders(field, present.get(field)) for field in unasked)
        and not _closer(present.get("securityConfiguration"), wanted.get("securityConfiguration"))
    )


def name(present: Ssid) -> str:
    return str(present.get("name", ""))


def on_air(present: Ssid) -> bool:
    return present.get("enabled") is True


def kept(present: Ssid, *, psk: str | None) -> Ssid | None:
    """Of an enterprise network nothing is kept: its members' own network is not to be opened by a wrong id."""
    security = present.get("securityConfiguration")
    if not isinstance(security, dict):
        return None
    if security.get("type") == "OPEN":
        # with a filter of devices by RADIUS it is somebody's own network, too
        return None if security.get("radiusConfiguration") else present
    if security.get("type") not in _PERSONAL:
        return None
    if security.get("passphrase") or _all_shown(security.get("presharedKeys")):
        return present
    return {**present, "securityConfiguration": {**security, "passphrase": psk}} if psk else None


def previous(saved: Ssid, present: Ssid) -> Ssid:
    rest = {field: value for field, value in _writable(present).items() if field not in _CHANGED}
    return rest | {field: saved[field] for field in _CHANGED if field in saved}


def _writable(present: Ssid) -> dict[str, Any]:
    return {field: value for field, value in present.items() if field not in _READ_ONLY}


def _hinders(field: str, value: object) -> bool:
    """A list of devices hinders unless it blocks nobody."""
    if field == "clientFilteringPolicy" and isinstance(value, Mapping):
        return value.get("action") == "ALLOW" or bool(value.get("macAddressFilter"))
    return bool(value)


def _closer(present: object, wanted: object) -> bool:
    """Whether security that was to be open asks more of a device than that: a known address, or to encrypt without a
    way for those that cannot."""
    if not isinstance(present, Mapping) or not isinstance(wanted, Mapping) or wanted.get("type") != "OPEN":
        return False
    encrypts = present.get("encryption") == "ENHANCED_OPEN" and "encryption" not in wanted
    return encrypts or (bool(present.get("radiusConfiguration")) and "radiusConfiguration" not in wanted)


def _same(present: object, wanted: object) -> bool:
    """Of a group of fields those that were asked for: a console may add what it takes for granted."""
    if isinstance(wanted, Mapping):
        return isinstance(present, Mapping) and all(
            _same(present.get(field), value) for field, value in wanted.items() if field not in _SECRETS
        )
    return present == wanted


def _all_shown(keys: object) -> bool:
    return isinstance(keys, list) and bool(keys) and all(each.get("passphrase") for each in keys)
