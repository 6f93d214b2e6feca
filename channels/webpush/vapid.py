"""How a push service knows who sends: VAPID (RFC 8292), a token a service, signed with the city's key.

The key lies in a file of one line, its 32 bytes in base64url. Browsers subscribe under its public half, so it lasts
for as long as the subscriptions: with another key every resident would have to subscribe anew.
"""

from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    derive_private_key,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from channels._secret import read_secret
from channels.webpush.encryption import point
from hub.clock import Clock
from hub.errors import BadSettings
from hub.subscription import BadSubscription, decoded, encoded

_VALID_FOR = timedelta(hours=12)
"""RFC 8292 §2: not more than 24 hours."""
_USED_FOR = timedelta(hours=6)
"""The rest is for a service whose clock is not ours."""
_ORIGINS = 100
"""Tokens kept."""
_BYTES = 32


class Vapid:
    """Signs for one key. Its `repr` shows nothing of it."""

    def __init__(self, key: EllipticCurvePrivateKey, *, subject: str, clock: Clock) -> None:
        self._key, self._subject, self._clock = key, subject, clock
        self.public = encoded(point(key))
        """For the browser's `applicationServerKey`."""
        self._headers: dict[str, tuple[datetime, str]] = {}

    def header(self, origin: str) -> str:
        """`Authorization` for this push service (§3). Signed once in six hours, not once a message."""
        now = self._clock()
        made_at, header = self._headers.get(origin, (None, ""))
        if made_at is None or not timedelta(0) <= now - made_at < _USED_FOR:
            if len(self._headers) >= _ORIGINS:
                self._headers.clear()
            header = self._signed(origin, now)
            self._headers[origin] = now, header
        return header

    def _signed(self, origin: str, now: datetime) -> str:
        claims = {"aud": origin, "exp": int((now + _VALID_FOR).timestamp()), "sub": self._subject}
        parts = [msgspec.json.encode(part) for part in ({"typ": "JWT", "alg": "ES256"}, claims)]
        signed = ".".join(encoded(part) for part in parts)
        r, s = decode_dss_signature(self._key.sign(signed.encode(), ECDSA(SHA256())))
        signature = r.to_bytes(_BYTES, "big") + s.to_bytes(_BYTES, "big")  # RFC 7518 §3.4
        return f"vapid t={signed}.{encoded(signature)}, k={self.public}"


def load(path: Path, *, setting: str) -> EllipticCurvePrivateKey:
    """Raises `BadSettings` when there is no such file, or no key in it."""
    try:
        raw = decoded(read_secret(path, setting=setting))
        if len(raw) != _BYTES:
            raise ValueError
        return derive_private_key(int.from_bytes(raw, "big"), SECP256R1())
    except (BadSubscription, ValueError):  # not chained: it may hold the key
        raise BadSettings(
            setting,
            f"{path} holds no key for web push; `yobikake webpush keys` makes one / "
            "プッシュ通知の鍵ではありません。yobikake webpush keys で作れます",
        ) from None


def create(path: Path) -> str:
    """Write a new key, readable by its owner alone. Returns its public half.

    Raises:
        FileExistsError: there is a file already; it is left as it is.
        OSError: it cannot be written.
    """
    key = generate_private_key(SECP256R1())
    raw = key.private_numbers().private_value.to_bytes(_BYTES, "big")
    path.touch(mode=0o600, exist_ok=False)
    path.write_text(encoded(raw) + "\n", encoding="ascii")
    return encoded(point(key))
