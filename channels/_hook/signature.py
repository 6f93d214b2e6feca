"""How a receiver knows that a message is ours: Standard Webhooks 1.0, symmetric signatures.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime

from hub.channel import Content
from hub.errors import BadSettings

PREFIX = "whsec_"
LEAST, MOST = 24, 64
"""Bytes of a secret, by the specification."""


def secret(written: str, *, setting: str) -> bytes:
    """What stands behind `whsec_`, in base64. Raises `BadSettings`, without a word of what it was."""
    try:
        octets = base64.b64decode(written.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        octets = b""
    if not written.startswith(PREFIX) or not LEAST <= len(octets) <= MOST:
        raise BadSettings(
            setting,
            f"is no secret of Standard Webhooks: {PREFIX} and {LEAST} to {MOST} bytes in base64, as "
            f'`printf "{PREFIX}$(openssl rand -base64 32)"` makes one / whsec_ で始まる鍵を書いてください',
        )
    return octets


def headers(message: str, body: bytes, *, at: datetime, secrets: Sequence[bytes]) -> dict[str, str]:
    """`message`: the id by which a receiver knows a repeat. While a secret is being changed there are two of them, and a
    signature by each."""
    timestamp = str(int(at.timestamp()))
    signed = f"{message}.{timestamp}.".encode() + body
    signatures = (base64.b64encode(hmac.digest(each, signed, hashlib.sha256)).decode() for each in secrets)
    return {
        "webhook-id": message,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{each}" for each in signatures),
    }


def message_id(content: Content, system: str) -> str:
    """The same for every try of this alert at this system, in any process; no two alerts share one."""
    return "msg_" + hashlib.sha256(f"{content.identifier}\n{system}".encode()).hexdigest()[:32]
