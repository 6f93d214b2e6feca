"""The addresses to which a resident's key goes, each call their own.

    https://hub.city.example/phone/keys/2026-0147.345.9f2c…/ja

Whoever has one may say how this person fares in this alert, and do nothing else: the token holds the alert's public
number, the recipient's and a MAC of both. Twilio's signature is asked for besides.
"""

import hmac
import re
from typing import NamedTuple

from hub.keys import Keys
from hub.recipient import RecipientId

PATH = "/phone/keys/"
_MAC_BYTES = 16
_TOKEN = re.compile(r"((?:[A-Z]-)?[0-9]{4}-[0-9]{3,6})\.([1-9][0-9]{0,18})\.([0-9a-f]{32})", re.ASCII)


class Replying(NamedTuple):
    """Who replies to which alert, by its number."""

    number: str
    recipient: RecipientId


def token(keys: Keys, number: str, recipient: RecipientId) -> str:
    return f"{number}.{recipient}.{_mac(keys, number, str(recipient)).hex()}"


def read(keys: Keys, text: str) -> Replying | None:
    """None for what we never gave out; how long that takes says nothing of how much of it was right."""
    found = _TOKEN.fullmatch(text)
    if found is None:
        return None
    number, recipient, mac = found.groups()
    if not hmac.compare_digest(_mac(keys, number, recipient), bytes.fromhex(mac)):
        return None
    return Replying(number, RecipientId(int(recipient)))


def _mac(keys: Keys, number: str, recipient: str) -> bytes:
    return keys.mac(b"resident reply", number.encode(), recipient.encode())[:_MAC_BYTES]
