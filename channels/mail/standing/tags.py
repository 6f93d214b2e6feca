"""Records of `tag=value; …`, as DKIM and DMARC write them (RFC 6376 §3.2)."""

from collections.abc import Mapping


def tags(record: str) -> Mapping[str, str] | None:
    """In order; None: it is no such list."""
    found: dict[str, str] = {}
    for each in record.strip().removesuffix(";").split(";"):
        name, equals, value = each.partition("=")
        if not equals or not name.strip() or name.strip() in found:
            return None
        found[name.strip()] = "".join(value.split()) if name.strip() == "p" else value.strip()
    return found
