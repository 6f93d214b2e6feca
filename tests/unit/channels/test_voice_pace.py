"""One second of calls: started in time, finished whatever happens to another."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing

import pytest

from channels._twilio.pace import paced
from hub.delivery import Outcome, Result
from hub.errors import Cancelled
from hub.recipient import Recipient, RecipientId

FAST = 1000.0


def people(number: int) -> Sequence[Recipient]:
    return [Recipient(id=RecipientId(n), address=f"+8190{n:08}") for n in range(number)]


async def accept(recipient: Recipient) -> Result:
    return Result(recipient.id, Outcome.ACCEPTED)


async def test_everyone_gets_one_result() -> None:
    results = [result async for result in paced(people(20), accept, per_s=FAST)]
    assert sorted(result.recipient for result in results) == list(range(20))


async def test_nobody_is_called_before_their_turn() -> None:
    loop = asyncio.get_running_loop()
    started: list[float] = []

    async def note(recipient: Recipient) -> Result:
        started.append(loop.time())
        return await accept(recipient)

    begin = loop.time()
    assert len([result async for result in paced(people(4), note, per_s=50)]) == 4
    turns = [begin + number / 50 for number in range(4)]
    assert all(at >= turn - 0.001 for at, turn in zip(started, turns, strict=True))


async def test_a_slow_answer_holds_up_nobody_and_comes_in_the_end() -> None:
    others_done = asyncio.Event()

    async def first_is_slow(recipient: Recipient) -> Result:
        if recipient.id == 0:
            await others_done.wait()
        if recipient.id == 3:
            others_done.set()
        return await accept(recipient)

    order = [result.recipient async for result in paced(people(4), first_is_slow, per_s=FAST)]
    assert sorted(order) == [0, 1, 2, 3]


async def test_a_closed_gate_starts_no_more_and_loses_no_result() -> None:
    started: list[int] = []

    async def closes_at_2(recipient: Recipient) -> Result:
        started.append(recipient.id)
        if recipient.id == 2:
            raise Cancelled("the gate of this test is closed")
        return await accept(recipient)

    results: list[Result] = []

    async def listen() -> None:
        async for result in paced(people(50), closes_at_2, per_s=FAST):
            results.append(result)

    with pytest.raises(Cancelled):
        await listen()
    assert sorted(result.recipient for result in results) == [n for n in started if n != 2]
    assert len(started) < 50


async def test_an_answer_that_comes_together_with_a_closed_gate_is_not_lost() -> None:
    closing = asyncio.Event()

    async def second_closes(recipient: Recipient) -> Result:
        if recipient.id == 0:
            await closing.wait()
            return await accept(recipient)
        closing.set()
        raise Cancelled("the gate of this test is closed")

    results: list[Result] = []

    async def listen() -> None:
        async for result in paced(people(3), second_closes, per_s=20):
            results.append(result)

    with pytest.raises(Cancelled):
        await listen()
    assert [result.recipient for result in results] == [0]


async def test_whoever_stops_listening_stops_what_is_under_way() -> None:
    started, cancelled = asyncio.Event(), asyncio.Event()

    async def second_never_ends(recipient: Recipient) -> Result:
        if recipient.id == 0:
            return await accept(recipient)
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        raise AssertionError("nothing ends this")

    async with aclosing(paced(people(2), second_never_ends, per_s=FAST)) as results:
        assert (await anext(results)).recipient == 0
        waiting = asyncio.ensure_future(anext(results))
        await started.wait()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    assert cancelled.is_set()
