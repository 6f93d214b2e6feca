"""What Meraki's fields of an SSID mean, and whether what it was can be put back (`controller.Words`).

Fields: https://developer.cisco.com/meraki/api-v1/update-network-wireless-ssid/
"""

import msgspec

from channels.wifi.controller import Ssid


class Fields(msgspec.Struct, frozen=True, rename="camel"):
    """What is understood of an SSID. The rest is kept as it came."""

    name: str = ""
    enabled: bool = False
    visible: bool = True
    auth_mode: str = ""
    splash_page: str | None = None
    psk: str | None = None
    encryption_mode: str | None = None
    wpa_encryption_mode: str | None = None


class Hours(msgspec.Struct, frozen=True):
    """The outage schedule, during which an SSID that is enabled is silent."""

    enabled: bool = False


HOURS = "schedules"

_CHANGED = ("name", "enabled", "authMode", "splashPage", "visible")

_KEY = ("psk", "encryptionMode", "wpaEncryptionMode")

_SECRET_SPLASHES = frozenset(
    {
        "Cisco ISE",
        "Password-protected with Active Directory",
        "Password-protected with LDAP",
        "Password-protected with custom RADIUS",
    }
)
"""Splash pages whose passwords Meraki keeps to itself: once gone, we could not set them again."""


def opened(present: Ssid, name: str) -> Ssid:
    fields = {"name": name, "enabled": True, "authMode": "open", "splashPage": "None", "visible": True}
    return {**fields, HOURS: {"enabled": False}} if _silenced(present) else fields


def holds(present: Ssid, wanted: Ssid) -> bool:
    """Of its hours only whether they are in force: Meraki may tell them in other units than it was given."""
    fields = {field: value for field, value in wanted.items() if field not in ("psk", HOURS)}
    same = all(present.get(field) == value for field, value in fields.items())
    return same and (HOURS not in wanted or _silenced(present) == _silenced(wanted))


def name(present: Ssid) -> str:
    return str(present.get("name", ""))


def on_air(present: Ssid) -> bool:
    return present.get("enabled") is True


def kept(present: Ssid, *, psk: str | None) -> Ssid | None:
    if present.get("splashPage") in _SECRET_SPLASHES:
        return None
    if present.get("authMode") == "psk":
        key = present.get("psk") or psk
        return {**present, "psk": key} if key else None
    return present if present.get("authMode") in ("open", "open-enhanced") else None


def previous(saved: Ssid, _present: Ssid) -> Ssid:
    fields = (*_CHANGED, *_KEY) if saved.get("authMode") == "psk" else _CHANGED
    hours = (HOURS,) if _silenced(saved) else ()
    return {field: saved[field] for field in (*fields, *hours) if field in saved}


def _silenced(ssid: Ssid) -> bool:
    return bool(ssid.get(HOURS, {}).get("enabled"))
