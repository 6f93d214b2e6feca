"""Where a webhook may lead: to an address in public (SSRF). A name is looked at when it is resolved (`PublicResolver`)."""

import socket
from urllib.parse import urlsplit

from channels._public import is_public


def is_hidden(url: str) -> bool:
    """Whether the URL names an address that is not in public, as a number of whatever form or as `localhost`."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    return (_is_number(host) or ":" in host) and not is_public(host)


def refusal(setting: str) -> str:
    return (
        f"{setting}: the address is not in public (a city's own network, this machine). Nothing was sent. "
        "Write private = true if that is what you want. / 公開されていないアドレスです。意図したものなら "
        "private = true と書いてください"
    )


def _is_number(host: str) -> bool:
    """`2130706433`, `0x7f.1`: what `inet_aton` takes for an address."""
    try:
        socket.inet_aton(host)
    except OSError:
        return False
    return True
