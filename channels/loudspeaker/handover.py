"""How the console is reached: each way opens, probes, and hands one broadcast over."""

from typing import Protocol

from channels._hook.answer import Answer
from channels._speech.speaker import Spoken
from hub.channel import Parcel


class Handover(Protocol):
    """`speaks`: the hub makes the sound. `longest_s`: it takes none that plays longer."""

    @property
    def speaks(self) -> bool: ...
    @property
    def longest_s(self) -> float | None: ...

    async def open(self) -> None:
        """Raises `Refused` where a gateway of the other kind of hub answers."""

    async def close(self) -> None: ...

    async def hand(self, parcel: Parcel, spoken: Spoken | None, *, message: str) -> Answer:
        """Once, under the id `message`; asks the parcel's gate directly before. Raises what that raises."""
        ...

    async def away(self) -> str:
        """Why the console is not there, empty where it is. Reaches no loudspeaker."""
        ...
