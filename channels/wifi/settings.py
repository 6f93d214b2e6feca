"""`[channels.wifi]`: the controllers by name, and which facility is where on which of them."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from channels._settings import Ref, TimeoutS, Url
from channels.wifi.controller import DISASTER, Slot
from hub.outbound import Outbound

_UUID = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
_AS_UUID = "as the controller shows it: 88f7af54-98f8-… / コントローラーに出る 88f7af54-98f8-… の形で"
_SAFE_URL = re.compile(r"https://[^\s?#]+|http://(127\.[0-9.]+|localhost|\[::1\])(:\d+)?(/[^\s?#]*)?")


class _Stanza(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="vendor"):
    """What every controller has. `place`: the fields of a facility that say where on it its SSID is."""

    place: ClassVar[tuple[str, str] | tuple[str]]

    base_url: Url
    requests_per_s: Annotated[float, Meta(gt=0)] = 5.0
    timeout_s: TimeoutS = 20.0

    def __post_init__(self) -> None:
        if not _SAFE_URL.fullmatch(self.base_url):
            raise ValueError(
                "base_url is written like https://…: keys travel to it / base_url は https:// で書いてください"
            )


class Meraki(_Stanza, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="meraki"):
    """One organisation of Cisco Meraki's. The contract allows 10 requests a second."""

    place: ClassVar[tuple[str, str]] = ("network_id", "ssid_number")

    api_key_file: Path
    base_url: Url = "https://api.meraki.com/api/v1"
    requests_per_s: Annotated[float, Meta(gt=0)] = 10.0


class _Own(_Stanza, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A device of the city's own. It is asked directly, unless `through_proxy`. `ca_file`: who signed its
    certificate, or the certificate itself (PEM), instead of `[proxy] ca_file`."""

    ca_file: Path | None = None
    through_proxy: bool = False

    def way(self, outbound: Outbound) -> Outbound:
        """To this device."""
        return replace(
            outbound,
            proxy=outbound.proxy if self.through_proxy else None,
            ca_file=self.ca_file or outbound.ca_file,
        )


class Unifi(_Own, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="unifi"):
    """One console of UniFi Network. `base_url` ends with `/integration`."""

    place: ClassVar[tuple[str, str]] = ("site_id", "broadcast_id")

    api_key_file: Path


class Openwrt(_Own, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="openwrt"):
    """One device. `base_url` ends with `/ubus`."""

    place: ClassVar[tuple[str]] = ("section",)

    username: Annotated[str, Meta(min_length=1)] = "yobikake"
    password_file: Path
    requests_per_s: Annotated[float, Meta(gt=0)] = 10.0
    timeout_s: TimeoutS = 10.0


class Facility(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A building with public Wi-Fi. `site`: the code of the shelter it is, where it is one. `psk_file`: its key, where
    it has one and its controller does not show it."""

    ref: Ref
    name: str
    controller: str
    site: str = ""
    psk_file: Path | None = None
    network_id: (
        Annotated[
            str,
            Meta(
                pattern=r"^[A-Za-z0-9_-]+$",
                description="as N_1234…, from the dashboard / ダッシュボードのとおり N_1234… の形で",
            ),
        ]
        | None
    ) = None
    ssid_number: Annotated[int, Meta(ge=0, le=14)] | None = None
    site_id: Annotated[str, Meta(pattern=_UUID, description=_AS_UUID)] | None = None
    broadcast_id: Annotated[str, Meta(pattern=_UUID, description=_AS_UUID)] | None = None
    section: (
        Annotated[
            str, Meta(pattern=r"^[A-Za-z0-9_]{1,60}$", description="in letters, digits and _ / 英数字と _ で")
        ]
        | None
    ) = None

    @property
    def slot(self) -> Slot:
        said = (self.network_id, self.ssid_number, self.site_id, self.broadcast_id, self.section)
        return Slot(self.controller, "/".join(str(each) for each in said if each is not None))


_PLACES = ("network_id", "ssid_number", "site_id", "broadcast_id", "section")


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Drills show `drill_ssid_name` at `drill_facilities`, and nothing anywhere else.

    `ask_after_h`: after so many hours staff are asked whether it is still needed.
    """

    saved_dir: Path
    controllers: dict[
        Annotated[
            str,
            Meta(
                pattern=r"^[a-z0-9][a-z0-9-]{0,30}$",
                description="in small letters, digits and hyphens / 英小文字・数字・ハイフンで",
            ),
        ],
        Meraki | Unifi | Openwrt,
    ]
    facilities: tuple[Facility, ...]
    ssid_name: str = DISASTER
    drill_ssid_name: str = "kunren-wifi"
    drill_facilities: tuple[str, ...] = ()
    ask_after_h: Annotated[float, Meta(gt=0, le=168)] = 6.0

    def __post_init__(self) -> None:
        refs = {facility.ref for facility in self.facilities}
        slots = {facility.slot for facility in self.facilities}
        if min(len(refs), len(slots)) < len(self.facilities):
            raise ValueError("two facilities have the same ref or SSID / ref か SSID が重複しています")
        if unknown := set(self.drill_facilities) - refs:
            raise ValueError(
                f"drill_facilities: {min(unknown)!r} is none of the facilities / 訓練の施設が一覧にありません"
            )
        for facility in self.facilities:
            _check_place(facility, self.controllers)
        self._check_names()

    def _check_names(self) -> None:
        for field, name in (("ssid_name", self.ssid_name), ("drill_ssid_name", self.drill_ssid_name)):
            if not 1 <= len(name.encode()) <= 32:
                raise ValueError(f"{field} has 1 to 32 bytes / {field} は1〜32バイトにしてください")
        if self.drill_ssid_name.startswith("00000") or self.drill_ssid_name == self.ssid_name:
            raise ValueError(
                "drill_ssid_name never looks like the disaster's / "
                "drill_ssid_name は00000で始めず、災害用と違う名前にしてください"
            )


def _check_place(facility: Facility, controllers: Mapping[str, Meraki | Unifi | Openwrt]) -> None:
    stanza = controllers.get(facility.controller)
    if stanza is None:
        raise ValueError(
            f"facility {facility.ref}: there is no controller {facility.controller!r} / "
            f"施設 {facility.ref} の controller が controllers にありません"
        )
    said = {field for field in _PLACES if getattr(facility, field) is not None}
    if said != set(stanza.place):
        needed = ", ".join(stanza.place)
        raise ValueError(
            f"facility {facility.ref}: on this controller it is {needed} that say where its SSID is, and nothing "
            f"else / 施設 {facility.ref} には {needed} だけを書いてください"
        )
