"""`[channels.loudspeaker]`."""

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from channels._hook.line import refuse_odd
from channels._settings import TimeoutS
from channels._speech.speaker import Voice

HOOK = "[channels.loudspeaker.webhook] url"
SIP = "[channels.loudspeaker.sip]"


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


class Sip(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A console that is called. `user`, `domain`: who calls, `domain` being the target's host where none is given;
    `register`: it has to be told first where we are. `longest_s`: no call plays longer. `local`: this machine's
    address for calls, where it has several."""

    target: Annotated[str, Meta(pattern=r'^sip:[^@\s;>"]+@[^@\s;>"]+(;transport=(udp|tcp))?$')]
    user: Annotated[str, Meta(pattern=r'^[^@\s;>"]+$')] = "yobikake"
    domain: Annotated[str, Meta(pattern=r'^[^@\s;>"]*$')] = ""
    register: bool = False
    auth_user: Annotated[str, Meta(pattern=r'^[^\s;>"]*$')] = ""
    password_file: Path | None = None
    ring_s: Annotated[float, Meta(gt=0, le=120)] = 30.0
    longest_s: Annotated[float, Meta(ge=10, le=900)] = 300.0
    local: Annotated[str, Meta(pattern=r"^[0-9a-fA-F.:]+$")] = "0.0.0.0"  # noqa: S104 - it calls; nobody is answered


class Display(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of the receivers that show text. `limit`: full-width characters; `columns`: of a line, 0: the display breaks lines."""

    limit: Annotated[int, Meta(ge=20)] = 120
    columns: Annotated[int, Meta(ge=0)] = 0


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`name`: of the console, on screens. With both ways `sip` is for what `webhook` does not take."""

    webhook: Hook | None = None
    sip: Sip | None = None
    name: Annotated[str, Meta(min_length=1)] = "防災行政無線"
    voice: Voice = Voice()
    display: Display = Display()

    def __post_init__(self) -> None:
        if self.webhook is None and self.sip is None:
            raise ValueError(
                "needs [channels.loudspeaker.webhook] or [channels.loudspeaker.sip] / "
                "[channels.loudspeaker.webhook] か [channels.loudspeaker.sip] を書いてください"
            )

    @property
    def spoken(self) -> Voice:
        """A telephone carries 8 kHz (G.711)."""
        return msgspec.structs.replace(self.voice, rate_hz=8000) if self.sip else self.voice
