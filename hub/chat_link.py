"""The one-time address by which somebody in a chat says where they live, on a page of the hub's.

    https://hub.city.example/ja/chat/1.kX3…

The chat's provider carries it and learns nothing: who is meant is sealed in it. It holds for half an hour and one use,
and whoever has it may say for which town this one address is told, and nothing else.
"""

import base64
import re
import secrets
from datetime import datetime, timedelta
from typing import NamedTuple

from hub import codec
from hub.errors import BadInput
from hub.keys import Keys

PATH = "/chat/"
HOLDS = timedelta(minutes=30)
SOURCE = "chat link"
"""Under which used ones are known (`hub.ledger.seen`)."""

_BOUND = "chat link"
_TOKEN = re.compile(r"([A-Za-z0-9_-]{1,16})\.([A-Za-z0-9_-]{40,400})", re.ASCII)


class Linking(NamedTuple):
    """Whose chat it is. Its `repr` hides the address."""

    channel: str
    address: str
    until: datetime
    number: str
    """By which it is known whether it was used."""

    def __repr__(self) -> str:
        return f"Linking({self.channel}, …)"


def token(keys: Keys, channel: str, address: str, *, at: datetime) -> str:
    """Each is another one."""
    linking = Linking(channel, address, at + HOLDS, secrets.token_hex(8))
    sealed = keys.seal(codec.encode(linking), bound_to=_BOUND)
    return f"{keys.active}.{base64.urlsafe_b64encode(sealed).decode().rstrip('=')}"


def read(keys: Keys, text: str, *, at: datetime) -> Linking | None:
    """None for what we never gave out, and for what holds no more."""
    found = _TOKEN.fullmatch(text)
    if found is None:
        return None
    try:
        opened = keys.unseal(_decoded(found[2]), key_id=found[1], bound_to=_BOUND)
    except (BadInput, ValueError):  # ValueError: shorter than anything that was ever sealed
        return None
    linking = codec.decode(Linking, opened, what="chat link")
    return linking if at < linking.until else None


def _decoded(text: str) -> bytes:
    """Raises `ValueError`."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
