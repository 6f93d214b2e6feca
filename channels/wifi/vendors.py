"""A controller of the right vendor for each stanza."""

from collections.abc import Mapping

from channels.wifi import settings
from channels.wifi.controller import Controller
from channels.wifi.meraki import Meraki
from channels.wifi.openwrt import Openwrt
from channels.wifi.unifi import Unifi
from hub.outbound import Outbound

Stanza = settings.Meraki | settings.Unifi | settings.Openwrt


def controllers(stanzas: Mapping[str, Stanza], outbound: Outbound) -> dict[str, Controller]:
    """Raises `Refused` or `BadSettings` where one cannot work in this hub."""
    return {name: _controller(stanza, outbound, name) for name, stanza in stanzas.items()}


def _controller(stanza: Stanza, outbound: Outbound, name: str) -> Controller:
    setting = f"[channels.wifi.controllers.{name}]"
    match stanza:
        case settings.Meraki():
            return Meraki(stanza, outbound, setting=setting)
        case settings.Unifi():
            return Unifi(stanza, outbound, setting=setting)
        case settings.Openwrt():
            return Openwrt(stanza, outbound, setting=setting)
