"""Two ways to one console: by the second where the first surely did not take it."""

from channels._hook.answer import Answer
from channels._speech.speaker import Spoken
from channels.loudspeaker.handover import Handover
from hub.channel import Parcel
from hub.delivery import RETRYABLE


class Either:
    """Implements `channels.loudspeaker.handover.Handover`."""

    speaks = True

    def __init__(self, first: Handover, second: Handover) -> None:
        self._first, self._second = first, second
        self.longest_s = second.longest_s

    async def open(self) -> None:
        await self._first.open()
        await self._second.open()

    async def close(self) -> None:
        await self._first.close()
        await self._second.close()

    async def hand(self, parcel: Parcel, spoken: Spoken | None, *, message: str) -> Answer:
        answer = await self._first.hand(parcel, spoken, message=message)
        if answer.outcome not in RETRYABLE:
            return answer
        return await self._second.hand(parcel, spoken, message=message)

    async def away(self) -> str:
        """Both are looked at: one that is away is not there when it is needed."""
        said = [await way.away() for way in (self._first, self._second)]
        return "、".join(each for each in said if each)
