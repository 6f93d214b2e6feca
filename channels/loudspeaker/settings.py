"""`[channels.loudspeaker]`."""

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from channels._hook.line import refuse_odd
from channels._settings import TimeoutS
from channels._speech.speaker import Voice

HOOK = "[channels.loudspeaker.webhook] url"


class Hook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A console, or what stands in front of it, that takes a signed request. `sound`: the sound file travels with it;
    false: the console speaks by itself. `private`: it is in the city's own network."""

    url: str
    secret_file: Path
    next_secret_file: Path | None = None
    sound: bool = True
    private: bool = False
    timeout_s: TimeoutS = 20.0

    def __post_init__(self) -> None:
        refuse_odd(self.url)


class Display(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of the receivers that show text. `limit`: full-width characters; `columns`: of a line, 0: the display breaks lines."""

    limit: Annotated[int, Meta(ge=20)] = 120
    columns: Annotated[int, Meta(ge=0)] = 0


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`name`: of the console, on screens."""

    webhook: Hook | None = None
    name: Annotated[str, Meta(min_length=1)] = "防災行政無線"
    voice: Voice = Voice()
    display: Display = Display()

    def __post_init__(self) -> None:
        if self.webhook is None:
            raise ValueError(
                "needs [channels.loudspeaker.webhook] / [channels.loudspeaker.webhook] を書いてください"
            )
