"""What a push service asks of a VAPID token (RFC 8292 §2, §4.2), as the simulated one checks it."""

import re
from datetime import UTC, datetime, timedelta

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from hub import typed
from hub.subscription import BadSubscription, decoded

_HEADER = re.compile(r"vapid t=([\w-]+\.[\w-]+)\.([\w-]+), ?k=([\w-]+)", re.ASCII)
_LONGEST = timedelta(hours=24)


class _Claims(msgspec.Struct):
    aud: str
    exp: int
    sub: str


def refused(header: str, *, key: str, audience: str, now: datetime) -> int | None:
    """401 for no good token, 403 for one of another key than was subscribed under; None: it will do."""
    found = _HEADER.fullmatch(header)
    if found is None:
        return 401
    signed, signature, signer = found.groups()
    try:
        _verify(signed, decoded(signature), decoded(signer))
        claims = typed.from_json(decoded(signed.partition(".")[2]), _Claims)
    except (InvalidSignature, BadSubscription, ValueError, msgspec.DecodeError):
        return 401
    left = datetime.fromtimestamp(claims.exp, UTC) - now
    if claims.aud != audience or not timedelta(0) < left <= _LONGEST:
        return 401
    if not claims.sub.startswith(("mailto:", "https:")):
        return 401
    return None if signer == key else 403


def _verify(signed: str, signature: bytes, signer: bytes) -> None:
    r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
    public = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), signer)
    public.verify(encode_dss_signature(r, s), signed.encode(), ECDSA(SHA256()))
