"""What a name server says: texts, addresses and mail exchangers of a domain."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import dns.asyncresolver
import dns.exception
import dns.name
import dns.resolver
from dns.rdatatype import RdataType

from hub.errors import BadSettings

Address = IPv4Address | IPv6Address

ANSWER_WITHIN_S = 5.0
"""One question, over all the name servers there are."""


class Unanswered(Exception):
    """No name server answered: what was asked is not known, neither that it is there nor that it is missing."""


class Records:
    """Asks `name_server` (an address, with `:port` or without), or those of this machine. Nothing is kept."""

    def __init__(self, name_server: str | None) -> None:
        """Raises `BadSettings` where this machine names none and no other is written."""
        try:
            self._resolver = dns.asyncresolver.Resolver(configure=name_server is None)
        except dns.exception.DNSException as e:
            raise BadSettings(
                "[channels.mail.dns] name_server",
                "this machine knows no name server: write one / DNSサーバーのアドレスを書いてください",
            ) from e
        self._resolver.lifetime = ANSWER_WITHIN_S
        self._named: str | None = None
        if name_server is not None:
            host, port = _parted(name_server)
            self._resolver.nameservers, self._resolver.port = [host], port
            self._named = host

    @property
    def outside(self) -> bool:
        """Not every one of its name servers is on this machine, or what is there may ask others."""
        return self._named is None or not ip_address(self._named).is_loopback

    async def texts(self, name: str) -> list[str]:
        """TXT, each joined from its strings (RFC 7208 §3.3). Empty where there is no such name, or no such record.

        Raises `Unanswered`, as the others do.
        """
        found = await self._ask(name, RdataType.TXT)
        return [b"".join(each.strings).decode("utf-8", "replace") for each in found]

    async def addresses(self, name: str) -> list[Address]:
        """A and AAAA."""
        found = [*await self._ask(name, RdataType.A), *await self._ask(name, RdataType.AAAA)]
        return [ip_address(each.address) for each in found]

    async def exchangers(self, name: str) -> list[str]:
        """MX, without the final dot."""
        found = await self._ask(name, RdataType.MX)
        return [each.exchange.to_text(omit_final_dot=True) for each in found]

    async def _ask(self, name: str, kind: RdataType) -> list:  # type: ignore[type-arg]  # rdata has its type's fields
        try:
            answer = await self._resolver.resolve(name, kind, search=False, raise_on_no_answer=False)
        except (dns.resolver.NXDOMAIN, dns.name.EmptyLabel, dns.name.LabelTooLong, dns.name.NameTooLong):
            return []
        except (dns.exception.DNSException, OSError) as e:
            raise Unanswered(type(e).__name__) from e
        return list(answer)


def _parted(name_server: str) -> tuple[str, int]:
    """`192.0.2.53`, `192.0.2.53:5353`, `2001:db8::53`, `[2001:db8::53]:5353`."""
    host, port = name_server, "53"
    if name_server.startswith("["):
        host, _, port = name_server[1:].partition("]")
        port = port.removeprefix(":") if "]" in name_server else "missing"
    elif name_server.count(":") == 1:
        host, _, port = name_server.partition(":")
    try:
        return str(ip_address(host)), int(port or 53)
    except ValueError:
        raise BadSettings(
            "[channels.mail.dns] name_server",
            "is no address of a name server, as in 192.0.2.53 or 127.0.0.1:5353 / "
            "DNSサーバーの IPアドレスではありません",
        ) from None
