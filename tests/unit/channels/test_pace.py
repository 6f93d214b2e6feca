"""One second of calls: started in time, finished whatever happens to another."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing

import pytest

from channels._pace import paced
from hub.delivery import Outcome, Result
from hub.errors import Cancelled
from hub.recipient import Recipient, RecipientId


def people(number: int) -> Sequence[Recipient]:
    return [Recipient(id=RecipientId(n), address=f"+8190{n:08}") for n in range(number)]


async def soon() -> None:
    """A turn that has come by the next round of the loop."""
    await asyncio.sleep(0)


async def accept(recipient: Recipient) -> Result:
    return Result(recipient.id, Outcome.ACCEPTED)


async def test_everyone_gets_one_result() -> None:
    results = [result async for result in paced(people(20), accept, turn=soon)]
    assert sorted(result.recipient for result in results) == list(range(20))


async def test_nobody_is_called_before_their_turn() -> None:
    turns = [asyncio.Event() for _ in range(3)]
    called = [asyncio.Event() for _ in range(3)]
    coming = iter(turns)

    async def note(recipient: Recipient) -> Result:
        assert turns[recipient.id].is_set()
        called[recipient.id].set()
        return await accept(recipient)

    async def listen() -> list[int]:
        results = paced(people(3), note, turn=lambda: next(coming).wait())
        return [result.recipient async for result in results]

    listening = asyncio.create_task(listen())
    for number in range(3):
        assert [each.is_set() for each in called] == [True] * number + [False] * (3 - number)
        turns[number].set()
        await called[number].wait()
    assert sorted(await listening) == [0, 1, 2]


async def test_a_turn_that_never_comes_loses_no_result() -> None:
    turns = iter([None, None])

    async def third_does_not_come() -> None:
        if next(turns, "none") == "none":
            raise Cancelled("the gate of this test is closed")

    results: list[Result] = []

    async def listen() -> None:
        async for result in paced(people(5), accept, turn=third_does_not_come):
            results.append(result)

    with pytest.raises(Cancelled):
        await listen()
    assert sorted(result.recipient for result in results) == [0, 1]


async def test_a_slow_answer_holds_up_nobody_and_comes_in_the_end() -> None:
    others_done = asyncio.Event()

    async def first_is_slow(recipient: Recipient) -> Result:
        if recipient.id == 0:
            await others_done.wait()
        if recipient.id == 3:
            others_done.set()
        return await accept(recipient)

    order = [result.recipient async for result in paced(people(4), first_is_slow, turn=soon)]
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
        async for result in paced(people(50), closes_at_2, turn=soon):
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
        async for result in paced(people(3), second_closes, turn=soon):
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

    async with aclosing(paced(people(2), second_never_ends, turn=soon)) as results:
        assert (await anext(results)).recipient == 0
        waiting = asyncio.ensure_future(anext(results))
        await started.wait()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    assert cancelled.is_set()
