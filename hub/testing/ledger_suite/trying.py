"""New numbers: one process tries one at a time, and what was said of an earlier try changes nothing."""

import asyncio
from datetime import timedelta

from hub.ledger import Ledger, trials
from hub.ledger.trials import BETWEEN, Finding, Trial
from hub.testing.ledger_suite.rows import NOW, registered

VOICE = "voice"


async def due(ledger: Ledger, at: timedelta) -> Trial | None:
    return await ledger.read(lambda conn: trials.due(conn, VOICE, at=NOW + at))


async def begun(ledger: Ledger, trial: Trial, key: str, at: timedelta) -> bool:
    return await ledger.write(lambda conn: trials.begin(conn, trial, key=key, at=NOW + at))


class TrySuite:
    async def test_of_many_that_see_the_same_one_tries(self, ledger: Ledger) -> None:
        ids = await registered(ledger, 2)
        await ledger.write(lambda conn: trials.ask(conn, [(id_, VOICE) for id_ in ids], at=NOW))
        first = await due(ledger, timedelta(0))
        assert first is not None
        claims = await asyncio.gather(*(begun(ledger, first, f"{n}", timedelta(0)) for n in range(6)))
        assert sum(claims) == 1
        second = await due(ledger, timedelta(0))
        assert second is not None
        assert {first.recipient, second.recipient} == set(ids)
        assert not await begun(ledger, second, "soon", BETWEEN - timedelta(seconds=1))
        assert await begun(ledger, second, "later", BETWEEN)
        assert await due(ledger, timedelta(days=1)) is None

    async def test_one_begun_by_a_clock_that_was_wrong_holds_up_none_of_today(self, ledger: Ledger) -> None:
        ids = await registered(ledger, 3)
        await ledger.write(lambda conn: trials.ask(conn, [(id_, VOICE) for id_ in ids], at=NOW))
        for key, at, begins in (
            ("wrong", timedelta(days=30), True),
            ("right", timedelta(0), True),
            ("soon", timedelta(seconds=1), False),
        ):
            trial = await due(ledger, timedelta(days=30))
            assert trial is not None
            assert await begun(ledger, trial, key, at) is begins

    async def test_a_try_that_was_none_is_not_counted_and_a_late_word_finds_nothing(
        self, ledger: Ledger
    ) -> None:
        (id_,) = await registered(ledger, 1)
        await ledger.write(lambda conn: trials.ask(conn, [(id_, VOICE)], at=NOW))
        for key, counts, tries in (("a", False, 0), ("b", True, 1)):
            trial = await due(ledger, timedelta(minutes=1))
            assert trial is not None
            assert await begun(ledger, trial, key, timedelta(minutes=tries + 1))
            assert await ledger.write(
                lambda conn, trial=trial, key=key, counts=counts: trials.again(  # type: ignore[misc]
                    conn, trial, key, reason="busy", at=NOW, counts=counts
                )
            )
            found = await ledger.read(lambda conn: trials.of(conn, id_, VOICE))
            assert found is not None
            assert (found.tries, found.waiting) == (tries, False)
        assert trial is not None
        earlier = trial
        late = await ledger.write(
            lambda conn: trials.find_out(conn, earlier, "a", Finding.CONFIRMED, reason="", at=NOW)
        )
        assert not late
        assert await ledger.read(trials.counted) == {Finding.NONE: 1}
