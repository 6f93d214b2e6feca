"""Two ways to one console: by the second where the first surely did not take it.

What the first may have begun is repeated to it under the same id, and goes by the second once such a broadcast would be
over: two at once are not understood by anybody, one that never comes reaches nobody.
"""

import time
from collections.abc import Callable
from datetime import timedelta

from channels._hook.answer import Answer
from channels.loudspeaker.handover import Handover, Speech, TooLong
from hub.channel import Parcel
from hub.delivery import RETRYABLE, Outcome
from hub.newest import Newest

NOT_TAKEN = RETRYABLE | {Outcome.PERMANENT, Outcome.UNSUPPORTED}

CHIMES_S = 30.0
"""What a console plays around a message, at the most."""

MESSAGES = 100
"""Of the newest it is known what they wait for."""


class Either:
    """Implements `channels.loudspeaker.handover.Handover`."""

    speaks = True

    def __init__(
        self, first: Handover, second: Handover, *, now: Callable[[], float] = time.monotonic
    ) -> None:
        """`now` counts seconds and never goes back."""
        self._first, self._second = first, second
        self._now = now
        self._over_at: Newest[str, float] = Newest(MESSAGES)
        """When a broadcast that may have begun is over, by message."""

    async def open(self) -> None:
        await self._first.open()
        await self._second.open()

    async def close(self) -> None:
        await self._first.close()
        await self._second.close()

    async def hand(self, parcel: Parcel, speech: Speech, *, message: str) -> Answer:
        over_at, called = await self._doubt(parcel, speech, message), None
        if over_at is not None and over_at <= self._now():
            called = await self._call(parcel, speech, message)
            if called.outcome not in NOT_TAKEN:
                return called
        told = await self._first.hand(parcel, speech, message=message)
        if told.outcome is Outcome.AMBIGUOUS:
            begun = await self._begin(speech, message)
            return self._wait(told, begun) if parcel.resend else told  # where the engine would give up
        if told.outcome not in NOT_TAKEN:
            return told
        if over_at is not None and called is None:
            return self._wait(told, over_at)
        return _together(told, called or await self._call(parcel, speech, message))

    async def away(self) -> str:
        """Both are looked at: one that is away is not there when it is needed."""
        said = [await way.away() for way in (self._first, self._second)]
        return "、".join(each for each in said if each)

    async def _doubt(self, parcel: Parcel, speech: Speech, message: str) -> float | None:
        """When what an earlier try may have begun is over; None: there was none. Of an earlier process's it is not known
        when it began."""
        if not parcel.resend:
            return None
        known = self._over_at.get(message)
        return await self._begin(speech, message) if known is None else known

    async def _begin(self, speech: Speech, message: str) -> float:
        over_at = self._now() + (await speech.fitting(None)).seconds + CHIMES_S
        self._over_at.keep(message, over_at)
        return over_at

    async def _call(self, parcel: Parcel, speech: Speech, message: str) -> Answer:
        """By the second: nothing plays any more when it returns."""
        try:
            answer = await self._second.hand(parcel, speech, message=message)
        except TooLong as e:  # for this way, and not for the first
            return Answer(outcome=Outcome.PERMANENT, reason=e.reason)
        if answer.outcome is Outcome.AMBIGUOUS:
            self._over_at.keep(message, self._now())
        return answer

    def _wait(self, answer: Answer, over_at: float) -> Answer:
        wait = timedelta(seconds=max(0.0, over_at - self._now()))
        return Answer(outcome=Outcome.TEMPORARY, reason=answer.reason, retry_after=wait)


def _together(told: Answer, called: Answer) -> Answer:
    """Of two that did not take it, what may still do."""
    for_good = called.outcome not in RETRYABLE and called.outcome in NOT_TAKEN
    return told if for_good and told.outcome in RETRYABLE else called
