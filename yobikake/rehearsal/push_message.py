"""A push message as the browser that it is for opens it (RFC 8291, RFC 8188): written apart from what encrypts it."""

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hub.subscription import Subscription

_SALT, _SIZE, _TAG = 16, 4, 16


def opened(body: bytes, to: Subscription, private: EllipticCurvePrivateKey) -> bytes:
    """The message. Raises `InvalidTag` or `ValueError` for what this browser cannot open."""
    salt, rest = body[:_SALT], body[_SALT:]
    record_bytes, length = int.from_bytes(rest[:_SIZE], "big"), rest[_SIZE]
    sender, record = rest[_SIZE + 1 :][:length], rest[_SIZE + 1 + length :]
    if record_bytes < _TAG + 2 or len(record) > record_bytes:
        raise ValueError("one record only (RFC 8291 §4)")
    shared = private.exchange(ECDH(), EllipticCurvePublicKey.from_encoded_point(SECP256R1(), sender))
    secret = _derived(shared, salt=to.auth, info=b"WebPush: info\0" + to.p256dh + sender, length=32)
    key = _derived(secret, salt=salt, info=b"Content-Encoding: aes128gcm\0", length=16)
    nonce = _derived(secret, salt=salt, info=b"Content-Encoding: nonce\0", length=12)
    padded = AESGCM(key).decrypt(nonce, record, None).rstrip(b"\0")
    if not padded.endswith(b"\x02"):
        raise ValueError("the last record ends with 2 (RFC 8188 §2)")
    return padded[:-1]


def _derived(secret: bytes, *, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(secret)
