"""A recipient's address as it stands in the envelope."""

import re
from collections.abc import Sequence

ATOM = r"[^\s\x00-\x20\x7f\"(),.:;<>@\[\\\]]+"
DOT_ATOM = re.compile(rf"{ATOM}(?:\.{ATOM})*")
LOCAL_LIMIT, PATH_LIMIT = 64, 254
"""RFC 5321 §4.5.3.1.1 and .3, in octets."""

_PLAIN = re.compile(r"(?:\w++(?:[.-]\w++)*+@\w++(?:[.-]\w++)*+\n)*+", re.ASCII)
"""Addresses, one a line, that mean the same in every grammar there is: as nearly all of a city's are."""


def path(address: str) -> bytes | None:
    """`<address>`, quoted where it must be (RFC 5321 §4.1.2); None for what can be no mailbox.

    Old addresses of Japanese carriers have dots that no dot-atom may have (`a..b@`, `a.@`): quoted,
    they are valid, and the carriers take them.
    """
    local, at, domain = address.rpartition("@")
    if not at or not local or not DOT_ATOM.fullmatch(domain) or not local.isprintable():
        return None
    if not DOT_ATOM.fullmatch(local):
        local = '"' + re.sub(r'(["\\])', r"\\\1", local) + '"'
    octets = f"{local}@{domain}".encode()
    if len(local.encode()) > LOCAL_LIMIT or len(octets) > PATH_LIMIT:
        return None
    return b"<" + octets + b">"


def plain(addresses: Sequence[str]) -> bool:
    """Whether `path` of each is the address as it stands, between angles, and `xtext` leaves it alone.

    They are looked at together: one by one takes longer than sending them.
    """
    if max(map(len, addresses), default=0) > LOCAL_LIMIT:
        return False
    return _PLAIN.fullmatch("\n".join((*addresses, ""))) is not None


def xtext(octets: bytes) -> bytes:
    """RFC 3461 §4: how an address stands in ORCPT."""
    return re.sub(rb"[^!-*,-<>-~]", lambda found: b"+%02X" % found[0][0], octets)
