"""How the console is reached: each way opens, probes, and hands one broadcast over."""

from typing import Protocol

from channels._hook.answer import Answer
from channels._speech.speaker import Spoken
from hub.channel import Parcel
from hub.errors import PermanentFailure


class TooLong(PermanentFailure):
    """Said once, it still plays longer than the way takes."""


class Speech(Protocol):
    """What is to be said, made into a sound once a way asks for it."""

    async def fitting(self, longest_s: float | None) -> Spoken:
        """As often as the settings say, or once where that plays longer. Raises `TooLong`, `RuntimeError` where the engine
        fails."""
        ...


class Handover(Protocol):
    """`speaks`: the hub makes the sound."""

    @property
    def speaks(self) -> bool: ...

    async def open(self) -> None:
        """Raises `Refused` where a gateway of the other kind of hub answers."""

    async def close(self) -> None: ...

    async def hand(self, parcel: Parcel, speech: Speech, *, message: str) -> Answer:
        """Once, under the id `message`; asks the parcel's gate directly before. Raises what that raises, and what `speech`
        raises."""
        ...

    async def away(self) -> str:
        """Why the console is not there, empty where it is. Reaches no loudspeaker."""
        ...
