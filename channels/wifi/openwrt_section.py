"""What a `wifi-iface` section of OpenWrt means, and whether what it was can be put back (`controller.Words`).

Options: https://openwrt.org/docs/guide-user/network/wifi/basic#wi-fi_interfaces
"""

from typing import Any

import msgspec

from channels.wifi.controller import Ssid
from hub import typed


class Fields(msgspec.Struct, frozen=True):
    """What is understood of a section: uci has texts and lists of texts. The rest is kept as it came."""

    ssid: str = ""
    disabled: str = ""
    encryption: str = ""
    hidden: str = ""
    key: str = ""
    macfilter: str = ""
    maclist: str | list[str] = ""


class _Config(msgspec.Struct, frozen=True):
    ssid: str = ""


class _Interface(msgspec.Struct, frozen=True):
    section: str = ""
    ifname: str = ""
    config: _Config = _Config()


class _Radio(msgspec.Struct, frozen=True):
    up: bool = False
    interfaces: list[_Interface] = []


ON_AIR = ".on_air"
"""Beside the section's own options: the name that netifd has on the air for it, None where it has none."""

_CHANGED = ("ssid", "disabled", "encryption", "hidden", "key", "macfilter", "maclist")

_OPEN = {"disabled": "0", "encryption": "none", "hidden": "0"}

_KEYED = ("psk", "sae")
"""With what an encryption begins that takes one key for all."""


def opened(_present: Ssid, name: str) -> Ssid:
    return {"ssid": name, **_OPEN}


def holds(present: Ssid, wanted: Ssid) -> bool:
    """The options as wanted, and the name on the air, or nothing where it is to be off."""
    set_so = all(_plain(present, field) == _plain(wanted, field) for field in _CHANGED if field != "key")
    on_air = None if _plain(wanted, "disabled") in _TRUE else wanted.get("ssid")
    return set_so and present.get(ON_AIR) == on_air


def name(present: Ssid) -> str:
    return str(present.get("ssid", ""))


def on_air(present: Ssid) -> bool:
    return present.get(ON_AIR) is not None


def kept(present: Ssid, *, psk: str | None) -> Ssid | None:
    """Of an enterprise network nothing is kept: its members' own network is not to be opened by a wrong name."""
    options = {field: present[field] for field in _CHANGED if field in present}
    encryption = str(present.get("encryption", "none"))
    if encryption in ("none", "owe"):
        return options
    if not encryption.startswith(_KEYED):
        return None
    key = present.get("key") or psk
    return {**options, "key": key} if key else None


def previous(saved: Ssid, _present: Ssid) -> Ssid:
    return {field: saved[field] for field in _CHANGED if field in saved}


def changes(wanted: Ssid) -> tuple[dict[str, Any], list[str]]:
    """For `uci set` and `uci delete`: what to write, and which of the options we change are not to be there."""
    return dict(wanted), [field for field in _CHANGED if field not in wanted]


def on_the_air(radios: Ssid, section: str) -> str | None:
    """From `network.wireless status`: the name under which a radio that is up carries the section. Of a radio that
    cannot be understood it is not known that it carries anything."""
    for radio in map(_radio, radios.values()):
        for each in radio.interfaces if radio.up else ():
            if each.section == section and each.ifname:
                return each.config.ssid
    return None


def _radio(said: object) -> _Radio:
    try:
        return typed.convert(said, _Radio)
    except msgspec.ValidationError:
        return _Radio()


def _plain(options: Ssid, field: str) -> object:
    """An option that is not there means what OpenWrt takes for granted."""
    return options.get(field) or _DEFAULTS.get(field)


_TRUE = frozenset({"1", "on", "true", "yes", "enabled"})
"""What uci takes for yes."""

_DEFAULTS = {"disabled": "0", "hidden": "0", "encryption": "none", "macfilter": "disable"}
