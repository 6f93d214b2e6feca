"""A recipient's address as it stands in the envelope."""

import re

ATOM = r"[^\s\x00-\x20\x7f\"(),.:;<>@\[\\\]]+"
DOT_ATOM = re.compile(rf"{ATOM}(?:\.{ATOM})*")
LOCAL_LIMIT, PATH_LIMIT = 64, 254
"""RFC 5321 §4.5.3.1.1 and .3, in octets."""


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
