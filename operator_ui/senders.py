"""Who asks, where a proxy of the city's own stands in front and asks for everybody.

`X-Forwarded-For` is a claim of whoever wrote it. It is read from the right, and only as far as the addresses in it
are those of proxies that the settings name: what stands further left anybody may have invented.
"""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from aiohttp import hdrs, web

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class Senders:
    def __init__(self, trusted: Iterable[str] = ()) -> None:
        """`trusted`: addresses or networks of proxies. Raises `ValueError`."""
        self._trusted: Sequence[Network] = [ip_network(each) for each in trusted]

    def one(self, request: web.Request) -> str | None:
        """The address of one reader; None where it may stand for many.

        An address of a private network or of this machine does: there a proxy or a router speaks for everyone.
        """
        found = self._sender(request)
        return str(found) if found is not None and found.is_global else None

    def _sender(self, request: web.Request) -> Address | None:
        sender = _address(request.remote or "")
        forwarded = ",".join(request.headers.getall(hdrs.X_FORWARDED_FOR, ()))
        for claimed in reversed(forwarded.split(",")):
            if sender is None or not self._trusts(sender):
                return sender
            sender = _address(claimed)
        return sender

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)


def _address(text: str) -> Address | None:
    """None for what is none. An IPv4 address in IPv6's clothes is itself, so that nobody counts twice."""
    try:
        found = ip_address(text.strip())
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found


NOBODY = Senders()
"""No proxy is trusted: whoever connects is the sender."""
