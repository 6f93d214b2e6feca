"""Message encryption for web push (RFC 8291): only the browser that subscribed can read what a push service carries."""

import hmac
import os
from functools import partial

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from hub.subscription import Subscription

RECORD_BYTES = 4096
"""RFC 8291 §4: a push service need not take a larger body, so there is one record."""
PAYLOAD_LIMIT = RECORD_BYTES - 86 - 16 - 1
"""Bytes: without the header (salt, record size, key), the tag, and the delimiter of the last record."""

_CURVE = SECP256R1()
_hash = partial(hmac.digest, digest="sha256")


def encrypt(
    plain: bytes,
    to: Subscription,
    *,
    salt: bytes | None = None,
    sender: EllipticCurvePrivateKey | None = None,
) -> bytes:
    """The body of a request, `Content-Encoding: aes128gcm`. `salt` and `sender` are new ones for each message.

    `plain`: `PAYLOAD_LIMIT` bytes at the most. Raises `ValueError` for a key that is no point of the curve.
    """
    salt = salt or os.urandom(16)
    sender = sender or generate_private_key(_CURVE)
    receiver = EllipticCurvePublicKey.from_encoded_point(_CURVE, to.p256dh)
    public = point(sender)
    shared = sender.exchange(ECDH(), receiver)
    key, nonce = content_keys(shared, to, public, salt)
    header = salt + RECORD_BYTES.to_bytes(4, "big") + bytes([len(public)]) + public
    return header + AESGCM(key).encrypt(nonce, plain + b"\x02", None)


def content_keys(shared: bytes, to: Subscription, sender: bytes, salt: bytes) -> tuple[bytes, bytes]:
    """The content encryption key and the nonce (RFC 8291 §3.4; HKDF of RFC 5869, each output within one hash)."""
    combined = _hash(to.auth, shared)
    secret = _hash(combined, b"WebPush: info\0" + to.p256dh + sender + b"\1")
    drawn = _hash(salt, secret)
    key = _hash(drawn, b"Content-Encoding: aes128gcm\0\1")[:16]
    nonce = _hash(drawn, b"Content-Encoding: nonce\0\1")[:12]
    return key, nonce


def point(key: EllipticCurvePrivateKey) -> bytes:
    """Its public key as an uncompressed point (X9.62), 65 bytes."""
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
