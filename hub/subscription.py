"""A browser's push subscription: where its messages go, and the keys that only that browser can open them with.

W3C Push API, "PushSubscription"; RFC 8291 §2. As an address of the register it is one line of three words:

    https://push.example/v2/abc… p256dh auth

Both keys are base64url without padding. Whoever knows the whole line can send to that browser, so it is sealed like
any other address.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from typing import NamedTuple, Self
from urllib.parse import SplitResult, urlsplit

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey

ENDPOINT_LIMIT = 1000
"""Characters. FCM's are some 200 long, Microsoft's up to 600."""
_POINT_BYTES, _AUTH_BYTES = 65, 16
_LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"(?=.{{1,253}}$){_LABEL}(?:\.{_LABEL})*", re.ASCII)
"""RFC 1123 §2.1, and no longer than a name server may be asked for (RFC 1035 §2.3.4)."""
_ENDPOINT = re.compile(r"https?://[\x21-\x7e]+", re.ASCII)


class BadSubscription(Exception):
    """No such subscription. Says which part is wrong, and nothing of what stands there."""


class Subscription(NamedTuple):
    """`p256dh`: the browser's public key, an uncompressed point of P-256. `auth`: the secret it shares with us."""

    endpoint: str
    p256dh: bytes
    auth: bytes

    @classmethod
    def made(cls, endpoint: str, p256dh: str, auth: str) -> Self:
        """Of what a browser says of itself. Raises `BadSubscription`."""
        made = cls(_checked(endpoint), decoded(p256dh), decoded(auth))
        if len(made.p256dh) != _POINT_BYTES or not _on_curve(made.p256dh):
            raise BadSubscription("p256dh is no point of P-256")
        if len(made.auth) != _AUTH_BYTES:
            raise BadSubscription("auth is not 16 bytes")
        return made

    @classmethod
    def read(cls, line: str) -> Self:
        """Of a line that somebody gave. Raises `BadSubscription`."""
        return cls.made(*_words(line))

    @classmethod
    def known(cls, line: str) -> Self:
        """Of an address of the register, which was checked when it came in: to find out again whether its key is a point
        of the curve would cost a fifth of its encryption. Raises `BadSubscription` where it cannot be read at all."""
        endpoint, p256dh, auth = _words(line)
        return cls(endpoint, decoded(p256dh), decoded(auth))

    @property
    def line(self) -> str:
        """As the register keeps it: the same for the same subscription."""
        return f"{self.endpoint} {encoded(self.p256dh)} {encoded(self.auth)}"

    @property
    def origin(self) -> str:
        """Of the push service: scheme, host and port."""
        return _origin(urlsplit(self.endpoint))

    def __repr__(self) -> str:
        return "Subscription(…)"


class Services(NamedTuple):
    """The push services that may be sent to: `https://fcm.googleapis.com`, `https://*.notify.windows.com`.

    Anybody may register an endpoint, so this is what keeps the hub from being sent wherever somebody likes.
    """

    origins: tuple[str, ...]

    @classmethod
    def of(cls, origins: Sequence[str]) -> Self:
        """Raises `ValueError` for what is no origin."""
        for origin in origins:
            parts = urlsplit(origin.replace("*.", "any.", 1))
            if (
                parts.hostname is None
                or _origin(parts) != origin.replace("*.", "any.", 1)
                or "*" in parts.netloc
            ):
                raise ValueError("is no origin: write https://host, or https://*.host")
        return cls(tuple(origins))

    def allow(self, url: str) -> bool:
        """Whether this address is one of theirs."""
        try:
            asked = _origin(urlsplit(url))
        except ValueError:
            return False
        return any(_matches(asked, origin) for origin in self.origins)


def _words(line: str) -> tuple[str, str, str]:
    words = line.split(" ")
    if len(words) != 3:
        raise BadSubscription("is not three words: endpoint, p256dh, auth")
    return words[0], words[1], words[2]


def encoded(raw: bytes) -> str:
    """base64url without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    """Raises `BadSubscription`. Padding may be there, as some browsers' code adds it."""
    bare = text.rstrip("=")
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise BadSubscription("is not base64url") from None


def _checked(endpoint: str) -> str:
    if len(endpoint) > ENDPOINT_LIMIT or not _ENDPOINT.fullmatch(endpoint):
        raise BadSubscription("endpoint is no address")
    try:
        parts = urlsplit(endpoint)
        port = parts.port
    except ValueError:
        raise BadSubscription("endpoint is no address") from None
    if not _origin(parts) or parts.username is not None or parts.fragment or port == 0:
        raise BadSubscription("endpoint is no address")
    return endpoint


def _on_curve(point: bytes) -> bool:
    try:
        EllipticCurvePublicKey.from_encoded_point(SECP256R1(), point)
    except ValueError:
        return False
    return True


def _origin(parts: SplitResult) -> str:
    """Empty for what is none: programs do not agree on where a host with odd characters ends."""
    try:
        port = parts.port
    except ValueError:
        return ""
    if not _HOST.fullmatch(parts.hostname or ""):
        return ""
    default = {"https": 443, "http": 80}.get(parts.scheme)
    return f"{parts.scheme}://{parts.hostname}" + ("" if port in (None, default) else f":{port}")


def _matches(asked: str, origin: str) -> bool:
    if "*." not in origin:
        return asked == origin
    scheme, _, rest = origin.partition("*.")
    return asked.startswith(scheme) and asked.endswith(f".{rest}")
