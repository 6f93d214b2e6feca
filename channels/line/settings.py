"""`[channels.line]`: the city's official account, its own or the one it shares with a chatbot."""

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from channels._settings import TimeoutS, Url


class Chatbot(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[channels.line.chatbot]`: one that the account had before, and that goes on beside the hub.

    `webhook_url`: where LINE delivered to until then. What the hub leaves to it: `texts` and `locations` that
    people send, and the `greeting` of somebody new. What is touched in the hub's own menu is always the hub's.
    """

    webhook_url: Url
    texts: bool = True
    locations: bool = False
    greeting: bool = True
    timeout_s: Annotated[float, Meta(gt=0, le=30)] = 5.0


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The channel access token belongs to the city's official account."""

    access_token_file: Path
    base_url: Url = "https://api.line.me"
    data_url: Url = "https://api-data.line.me"
    """Where the menu's picture goes."""
    menu_font_file: Path | None = None
    """The menu is drawn with this font instead of the system's."""
    timeout_s: TimeoutS = 15.0
    connections: Annotated[int, Meta(ge=1, le=200)] = 50
    """Two hundred requests a second need as many as are answered late: 50 for answers after 250 ms."""

    channel_secret_file: Path | None = None
    """Of the same channel. With it the hub hears what comes in, at `/callbacks/line` of the public listener."""
    chatbot: Chatbot | None = None

    def __post_init__(self) -> None:
        if self.chatbot is not None and self.channel_secret_file is None:
            raise ValueError(
                "chatbot needs channel_secret_file: the hub then gets its webhooks and passes them on / "
                "chatbot を使うには channel_secret_file も書いてください"
            )
