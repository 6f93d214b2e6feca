"""A claim lasts no longer than the life of who holds it."""

from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from hub.delivery import Outcome
from hub.gate import LIFE
from hub.ledger import (
    Ledger,
    lives,
    tables,
)
from hub.ledger.columns import now_us
from hub.testing.ledger_suite.rows import (
    abandoned_batches,
    claim_batch,
    let_lives_end,
    microseconds,
    planned_batch,
    record_batch,
)


class LifeSuite:
    async def test_a_claim_is_abandoned_with_its_owners_life(self, ledger: Ledger) -> None:
        batch = await planned_batch(ledger)
        await claim_batch(ledger, batch, "a")
        assert await abandoned_batches(ledger) == [(batch.id, "a")], "it never said that it lives"
        await ledger.write(partial(lives.begin, owner="a", lasting=LIFE))
        assert await abandoned_batches(ledger) == []
        await ledger.write(let_lives_end)
        assert await abandoned_batches(ledger) == [(batch.id, "a")]
        assert await record_batch(ledger, batch, "a", Outcome.AMBIGUOUS)
        assert await abandoned_batches(ledger) == []

    async def test_a_life_that_is_over_does_not_come_back(self, ledger: Ledger) -> None:
        await ledger.write(partial(lives.begin, owner="a", lasting=LIFE))
        assert await ledger.write(partial(lives.renew, owner="a", lasting=LIFE))
        await ledger.write(let_lives_end)
        assert not await ledger.write(partial(lives.renew, owner="a", lasting=LIFE))
        assert not await ledger.write(partial(lives.renew, owner="b", lasting=LIFE)), "it never began"
        with pytest.raises(IntegrityError):
            await ledger.write(partial(lives.begin, owner="a", lasting=LIFE))

    async def test_one_who_ends_leaves_what_it_holds_to_the_others_at_once(self, ledger: Ledger) -> None:
        batch = await planned_batch(ledger)
        await ledger.write(partial(lives.begin, owner="a", lasting=LIFE))
        await claim_batch(ledger, batch, "a")
        await ledger.write(partial(lives.end, owner="a"))
        assert await abandoned_batches(ledger) == [(batch.id, "a")]

    async def test_lives_are_forgotten_a_while_after_their_end(self, ledger: Ledger) -> None:
        day = timedelta(days=1)
        for owner in ("a", "b"):
            await ledger.write(partial(lives.begin, owner=owner, lasting=LIFE))
        assert await ledger.write(partial(lives.forget, after=timedelta(0))) == 0
        ended_long_ago = update(tables.lives).where(tables.lives.c.owner == "a")
        await ledger.write(
            lambda conn: conn.execute(ended_long_ago.values(until=now_us() - microseconds(2 * day)))
        )
        assert await ledger.write(partial(lives.forget, after=day)) == 1
        left = await ledger.read(lambda conn: conn.execute(select(tables.lives.c.owner)).scalars().all())
        assert left == ["b"]
