"""The way out: which gateways this hub may talk to, through which proxy, trusting which authority.

A hub is a rehearsal or in production for its whole life (`deployment`, fixed in its database).
A rehearsal hub talks to loopback addresses only; a production hub refuses a gateway that says it
is a rehearsal one. So a demo can reach nobody, and a real alert cannot vanish into a simulator (I6).
"""

import ipaddress
import ssl
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from hub.errors import BadSettings, Refused

REHEARSAL_HEADER = "Yobikake-Rehearsal"
"""HTTP response header by which a simulated gateway says what it is."""

REHEARSAL_BANNER = "yobikake-rehearsal"
"""The same in an SMTP greeting (RFC 5321 §4.2: the text after the domain)."""


class Deployment(StrEnum):
    """What a hub's database was made for. Never changes."""

    REHEARSAL = "rehearsal"
    PRODUCTION = "production"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbound:
    """Given to every connector. `proxy` is the 自治体情報セキュリティクラウド's, `ca_file` its private CA. `direct`: hosts,
    domains (`.example.lg.jp`) and networks on the city's side of it."""

    deployment: Deployment
    proxy: str | None = None
    direct: tuple[str, ...] = ()
    ca_file: Path | None = None

    def allow(self, host_or_url: str, *, setting: str) -> None:
        """Call with each gateway address before it is used; `setting` names where it was written.

        Raises:
            Refused: this is a rehearsal hub and the address is not loopback.
        """
        host = (urlsplit(host_or_url).hostname if "://" in host_or_url else host_or_url) or ""
        if self.deployment is Deployment.REHEARSAL and not _is_loopback(host):
            raise Refused(
                f"{setting}: a rehearsal hub talks to loopback addresses only, not to {host!r}. "
                "Use 127.0.0.1, or make a production hub with `yobikake init --production`. / "
                "訓練用のハブは 127.0.0.1 以外の事業者につなぎません。"
            )

    def conceal(self, url: str, *, setting: str) -> None:
        """Call with each address that keys or residents' data travel to.

        Raises:
            BadSettings: they would travel in clear, out of this machine, from a hub in production.
        """
        clear = urlsplit(url).scheme == "http" and not _is_loopback(urlsplit(url).hostname or "")
        if clear and self.deployment is Deployment.PRODUCTION:
            raise BadSettings(
                setting,
                f"begins with https:// in production: keys and residents' data would go in clear to {urlsplit(url).hostname} / "
                "本番では https:// にしてください（鍵や住民の情報が暗号化されずに流れます）",
            )

    def proxy_to(self, url: str) -> str | None:
        """Through which proxy it is asked; None: directly. A name is compared as it is written, and not looked up."""
        host = (urlsplit(url).hostname or "").rstrip(".")
        return None if any(_is_in(host, inside.lower()) for inside in self.direct) else self.proxy

    def recognise(self, marker: str | None, *, setting: str) -> None:
        """Call with what a gateway says of itself: `REHEARSAL_HEADER`'s value or the SMTP greeting.

        Raises:
            Refused: this is a production hub and the gateway is a rehearsal one.
        """
        if self.deployment is Deployment.PRODUCTION and marker and _says_rehearsal(marker):
            raise Refused(
                f"{setting}: this gateway is a rehearsal gateway, and this hub is in production. "
                "Nothing was sent. Correct the address. / "
                "本番のハブですが、つなぎ先が訓練用の事業者です。何も送っていません。"
            )

    def tls(self) -> ssl.SSLContext:
        """Verifies against the system's authorities, and against `ca_file` where one is set. The same one for whoever
        asks: nobody changes it.

        Raises:
            BadSettings: `ca_file` cannot be read as PEM.
        """
        return _context(self.ca_file)


@lru_cache(maxsize=8)
def _context(ca_file: Path | None) -> ssl.SSLContext:
    """To read the authorities takes a hundredth of a second and half a megabyte, and a hub has a session for each system
    that it tells of alerts."""
    context = ssl.create_default_context()
    if ca_file is not None:
        try:
            context.load_verify_locations(ca_file)
        except (OSError, ssl.SSLError) as e:
            raise BadSettings("[proxy] ca_file", f"{ca_file} cannot be read as PEM: {e}") from e
    return context


def _is_in(host: str, inside: str) -> bool:
    if inside.startswith("."):
        return host.endswith(inside)
    if host == inside:
        return True
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(inside, strict=False)
    except ValueError:  # one of them is a name
        return False


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _says_rehearsal(marker: str) -> bool:
    return marker == "1" or REHEARSAL_BANNER in marker.lower()
