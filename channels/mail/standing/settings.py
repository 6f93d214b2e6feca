"""What a city writes under `[channels.mail.dns]`."""

from ipaddress import ip_address
from typing import Annotated

import msgspec
from msgspec import Meta

Address = Annotated[
    str,
    Meta(
        pattern=r"^[0-9a-fA-F:.]+$",
        description="as an IP address: 192.0.2.1 / 192.0.2.1 のようなIPアドレスで",
    ),
]
Selector = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$",
        description="as in front of ._domainkey in the DNS / DNSの ._domainkey の前にある名前で",
    ),
]


class Dns(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Only `yobikake check mail` reads it; nothing that is sent depends on it."""

    dkim_selector: Selector | None = None
    """By which the smarthost names its key: the `s=` of its DKIM-Signature."""
    sends_from: tuple[Address, ...] = ()
    """Addresses from which the smarthost passes mail on to the carriers. Without it those of `host`, unless they are
    of a private network."""
    name_server: str | None = None
    """An address, with `:port` or without; without it those of this machine. Inside a city's network it may know
    another truth than the world does: then write one outside."""

    def __post_init__(self) -> None:
        for each in self.sends_from:
            try:
                ip_address(each)
            except ValueError:
                raise ValueError(f"sends_from: {each!r} is no address / IPアドレスではありません") from None
