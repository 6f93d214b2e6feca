"""Two ways to one console: one of them takes it, and never both at once."""

from collections.abc import Iterable
from datetime import timedelta

import pytest

from channels._hook.answer import Answer
from channels._speech.speaker import Spoken
from channels.loudspeaker.either import CHIMES_S, Either
from channels.loudspeaker.handover import Speech, TooLong
from hub.channel import Parcel
from hub.delivery import Outcome
from hub.testing.parcels import parcel

SPOKEN = Spoken(file=b"", name="", seconds=60.0, kana="")
OVER_S = SPOKEN.seconds + CHIMES_S
TAKEN, DOUBT = Outcome.ACCEPTED, Outcome.AMBIGUOUS
LATER, CREDENTIALS, NEVER = Outcome.TEMPORARY, Outcome.CREDENTIALS, Outcome.PERMANENT


class Said:
    """A minute."""

    async def fitting(self, longest_s: float | None) -> Spoken:
        if longest_s is not None and longest_s < SPOKEN.seconds:
            raise TooLong("too long", "")
        return SPOKEN


class Way:
    speaks = True
    longest_s: float | None = None

    def __init__(self, said: Iterable[Outcome]) -> None:
        self.said = list(said)

    async def hand(self, parcel: Parcel, speech: Speech, *, message: str) -> Answer:
        await speech.fitting(self.longest_s)
        return Answer(outcome=self.said.pop(0), reason="its")

    async def open(self) -> None: ...
    async def close(self) -> None: ...
    async def away(self) -> str:
        return ""


class Both:
    def __init__(self, told: Iterable[Outcome], called: Iterable[Outcome] = ()) -> None:
        self.hook, self.sip, self.s = Way(told), Way(called), 0.0
        self.either = self.started()

    def started(self) -> Either:
        return Either(self.hook, self.sip, now=lambda: self.s)

    async def hand(self, *, resend: bool = False) -> tuple[Outcome, timedelta | None]:
        answer = await self.either.hand(parcel([], resend=resend), Said(), message="msg_1")
        return answer.outcome, answer.retry_after

    @property
    def unsaid(self) -> tuple[int, int]:
        """How often each was to be asked still."""
        return len(self.hook.said), len(self.sip.said)


@pytest.mark.parametrize("refusal", [LATER, NEVER, CREDENTIALS, Outcome.THROTTLE, Outcome.UNSUPPORTED])
async def test_what_the_first_surely_did_not_take_goes_by_the_second(refusal: Outcome) -> None:
    both = Both([refusal], [TAKEN])
    assert await both.hand() == (TAKEN, None)


@pytest.mark.parametrize(
    ("told", "called", "together"),
    [(LATER, NEVER, LATER), (NEVER, LATER, LATER), (NEVER, NEVER, NEVER), (LATER, CREDENTIALS, CREDENTIALS)],
)
async def test_what_neither_took_ends_only_where_neither_ever_will(
    told: Outcome, called: Outcome, together: Outcome
) -> None:
    assert (await Both([told], [called]).hand())[0] is together


@pytest.mark.parametrize("answer", [TAKEN, DOUBT])
async def test_what_the_first_may_have_begun_is_not_called_at_once(answer: Outcome) -> None:
    both = Both([answer], [TAKEN])
    assert (await both.hand())[0] is answer
    assert both.unsaid == (0, 1)


@pytest.mark.parametrize("again", [DOUBT, LATER, NEVER])
async def test_what_is_still_in_doubt_is_called_once_it_would_be_over(again: Outcome) -> None:
    both = Both([DOUBT, again], [TAKEN])
    await both.hand()
    both.s += 5
    outcome, wait = await both.hand(resend=True)
    assert outcome is LATER, "the engine would give up what is in doubt twice"
    assert wait == timedelta(seconds=OVER_S if again is DOUBT else OVER_S - 5)
    both.s += wait.total_seconds()
    assert both.unsaid == (0, 1)
    assert await both.hand(resend=True) == (TAKEN, None)


async def test_a_repeat_that_the_first_knows_is_taken() -> None:
    both = Both([DOUBT, TAKEN], [TAKEN])
    await both.hand()
    assert await both.hand(resend=True) == (TAKEN, None)
    assert both.unsaid == (0, 1)


async def test_behind_a_restart_nobody_knows_when_it_began() -> None:
    both = Both([DOUBT, LATER], [TAKEN])
    await both.hand()
    both.either = both.started()
    both.s += OVER_S
    assert await both.hand(resend=True) == (LATER, timedelta(seconds=OVER_S))
    both.s += OVER_S
    assert await both.hand(resend=True) == (TAKEN, None)


async def test_a_call_that_was_hung_up_is_made_once_more() -> None:
    both = Both([LATER], [DOUBT, TAKEN])
    assert (await both.hand())[0] is DOUBT
    assert await both.hand(resend=True) == (TAKEN, None)


async def test_a_telephone_that_is_dead_leaves_the_request() -> None:
    both = Both([DOUBT, DOUBT, TAKEN], [LATER])
    await both.hand()
    await both.hand(resend=True)
    both.s += OVER_S
    assert await both.hand(resend=True) == (TAKEN, None)
    assert both.unsaid == (0, 0)


@pytest.mark.parametrize(("told", "together"), [(TAKEN, TAKEN), (LATER, LATER), (NEVER, NEVER)])
async def test_what_is_too_long_for_a_call_still_goes_by_request(told: Outcome, together: Outcome) -> None:
    both = Both([told])
    both.sip.longest_s = SPOKEN.seconds / 2
    assert (await both.hand())[0] is together
