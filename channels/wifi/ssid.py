"""What an SSID's configuration is in a disaster, and whether what it was before can be put back.

Fields: https://developer.cisco.com/meraki/api-v1/update-network-wireless-ssid/
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

Ssid = Mapping[str, Any]
"""Meraki's fields of one SSID, as it sends them; those we do not change we never read."""

DISASTER = "00000JAPAN"
"""災害用統一SSID: open and without registration, and never on the air but in a disaster
(無線LANビジネス推進連絡会のガイドライン)."""

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


class Slot(NamedTuple):
    """Where an SSID is set: a network has fifteen, numbered from 0."""

    network_id: str
    number: int


def opened(name: str) -> Ssid:
    """The fields of an SSID that anyone may join, without a key and without a page in between."""
    return {"name": name, "enabled": True, "authMode": "open", "splashPage": "None", "visible": True}


def holds(present: Ssid, wanted: Ssid) -> bool:
    """Whether the SSID is as wanted. A key cannot be compared: Meraki need not show it."""
    return all(present.get(field) == value for field, value in wanted.items() if field != "psk")


def on_air(present: Ssid) -> bool:
    """Whether 00000JAPAN is there to be joined, whoever opened it."""
    return present.get("name") == DISASTER and present.get("enabled") is True


def kept(present: Ssid, *, psk: str | None) -> Ssid | None:
    """What must be kept so that `previous` can put it back; None if we do not know all it takes."""
    if present.get("splashPage") in _SECRET_SPLASHES:
        return None
    if present.get("authMode") == "psk":
        key = present.get("psk") or psk
        return {**present, "psk": key} if key else None
    return present if present.get("authMode") in ("open", "open-enhanced") else None


def previous(saved: Ssid) -> Ssid:
    """The fields that put back what was `kept`."""
    fields = (*_CHANGED, *_KEY) if saved.get("authMode") == "psk" else _CHANGED
    return {field: saved[field] for field in fields if field in saved}
