"""`[channels.line]`: the city's official account, its own or the one it shares with a chatbot."""

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The channel access token belongs to the city's official account."""

    access_token_file: Path
    base_url: str = "https://api.line.me"
    timeout_s: float = 15.0
    connections: Annotated[int, Meta(ge=1, le=200)] = 50
    """Two hundred requests a second need as many as are answered late: 50 for answers after 250 ms."""
