"""The addresses at which staff answer a muster (参集), each their own, without signing in.

    https://hub.city.example/answer/12.345.9f2c…

Whoever has one may say for this person whether they come to this muster, and do nothing else: the token holds the
muster's and the recipient's number and a MAC of both, and no name.
"""

import hmac
import re
from typing import NamedTuple

from hub.keys import Keys
from hub.recipient import RecipientId

PATH = "/answer/"
_MAC_BYTES = 16
_TOKEN = re.compile(r"([1-9][0-9]{0,8})\.([1-9][0-9]{0,9})\.([0-9a-f]{32})", re.ASCII)


class Answering(NamedTuple):
    """Who answers which muster."""

    muster: int
    recipient: RecipientId


def token(keys: Keys, muster: int, recipient: RecipientId) -> str:
    """In small letters and figures: mail systems write addresses anew, and not always as they were."""
    return f"{muster}.{recipient}.{_mac(keys, str(muster), str(recipient)).hex()}"


def read(keys: Keys, text: str) -> Answering | None:
    """None for what we never gave out; how long that takes says nothing of how much of it was right."""
    found = _TOKEN.fullmatch(text.lower())
    if found is None:
        return None
    muster, recipient, mac = found.groups()
    if not hmac.compare_digest(_mac(keys, muster, recipient), bytes.fromhex(mac)):
        return None
    return Answering(int(muster), RecipientId(int(recipient)))


def _mac(keys: Keys, muster: str, recipient: str) -> bytes:
    return keys.mac(b"muster answer", muster.encode(), recipient.encode())[:_MAC_BYTES]
