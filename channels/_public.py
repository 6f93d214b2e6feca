"""Names that somebody else chose, resolved to addresses of the public internet only."""

import ipaddress
import socket

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import DefaultResolver


class NotPublic(OSError):
    """A name leads, even in part, to a private, local or reserved address."""


class PublicResolver(AbstractResolver):
    """The connection goes to what was checked: the name is not asked for a second time."""

    def __init__(self) -> None:
        self._resolver = DefaultResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Raises `NotPublic`, or `OSError` where the name is not known."""
        found = await self._resolver.resolve(host, port, family)
        if not all(is_public(each["host"]) for each in found):
            raise NotPublic(None, "the name leads to an address that is not public")
        return found

    async def close(self) -> None:
        await self._resolver.close()


def is_public(address: str) -> bool:
    """Of the internet (IANA's registries), also as it is meant inside an IPv6 address."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo[1] if parsed.teredo else None)
        if inner is not None and not _is_global(inner):
            return False
        if parsed in _NAT64:
            return _is_global(ipaddress.IPv4Address(int(parsed) & 0xFFFF_FFFF))
        if any(parsed in each for each in _NOWHERE_PUBLIC):
            return False
    return _is_global(parsed)


_NAT64 = ipaddress.ip_network("64:ff9b::/96")
"""RFC 6052 §2.1: the last four bytes are the address meant."""

_NOWHERE_PUBLIC = tuple(
    map(
        ipaddress.IPv6Network,
        (
            "64:ff9b:1::/48",  # NAT64 of a network's own (RFC 8215)
            "::/96",  # IPv4-compatible (RFC 4291 §2.5.5.1)
            "::ffff:0:0:0/96",  # IPv4-translated (RFC 2765 §2.1)
            "fec0::/10",  # site-local (RFC 3879)
        ),
    )
)
"""Given up, or a network's own, and still routed in places; the library calls some of them global."""


def _is_global(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_global and not address.is_multicast
