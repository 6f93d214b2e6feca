"""SIGSTOP in the middle of a delivery: whoever wakes too late sends nothing, and overwrites nothing."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from hub.delivery import Outcome
from hub.gate import LEASE, Leases
from hub.language import Language
from hub.ledger import tables
from hub.ledger.tables import BatchState
from hub.recipient import Zone
from tests.integration.engine import Engine, engine, mail, received, residents, until
from tests.integration.holder import Holder, holder
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.smtp import SmtpGateway

BY_LIFE = Leases(lease=timedelta(seconds=30), life=timedelta(seconds=3))
BY_LEASE = Leases(lease=timedelta(seconds=5), life=timedelta(seconds=5))
LATENCY_S = 0.4
"""Before each of the smarthost's answers: the time a test has to stop the one who waits for it."""

PEOPLE = 3


@pytest.fixture
async def smarthost() -> AsyncIterator[SmtpGateway]:
    async with SmtpGateway(Inbox()) as gateway:
        gateway.faults.latency_s = LATENCY_S
        yield gateway


def here(folder: Path, smarthost: SmtpGateway, leases: Leases, **overrides: Any) -> Any:
    """The hub's process in which the test runs; the holder is another of the same hub."""
    return engine(
        folder, channels={"mail": mail(smarthost.port)}, owner="here", leases=leases, only_process=False,
        **overrides,
    )  # fmt: skip


async def one_batch(hub: Engine) -> str:
    await hub.register(residents(PEOPLE, language=Language.JA, zone=Zone("z0")))
    await hub.fanout.plan(alert := await hub.send())
    return alert


async def states(hub: Engine) -> list[int]:
    query = select(tables.batches.c.state).order_by(tables.batches.c.attempt)
    return list(await hub.ledger.read(lambda conn: conn.execute(query).scalars().all()))


async def frozen_while(held: Holder, smarthost: SmtpGateway, *, handed_over: bool) -> None:
    """Frozen while it waits for the answer to MAIL, or to the message."""

    async def there() -> bool:
        return bool(smarthost.messages) if handed_over else smarthost.transactions > 0

    await until(there)
    await held.freeze()
    assert bool(smarthost.messages) == handed_over


async def taken_over(hub: Engine) -> None:
    async def recorded() -> bool:
        return (await states(hub))[0] == BatchState.RECORDED

    async with hub.running("sweep"):
        await until(recorded)


@pytest.mark.parametrize("leases", [BY_LIFE, BY_LEASE], ids=["its life is over", "its lease is over"])
async def test_one_who_wakes_too_late_sends_nothing_and_records_nothing(
    tmp_path: Path, smarthost: SmtpGateway, leases: Leases
) -> None:
    async with here(tmp_path, smarthost, leases, resends_ambiguous=False) as hub:
        alert = await one_batch(hub)
        async with holder(tmp_path, smarthost.port, leases) as held:
            await frozen_while(held, smarthost, handed_over=False)
            await taken_over(hub)
            smarthost.faults.latency_s = 0
            held.thaw()
            await held.said("the claim was over before the request")
        assert smarthost.messages == []
        assert set((await hub.outcomes(alert)).values()) == {Outcome.AMBIGUOUS}
        assert await states(hub) == [BatchState.RECORDED]


async def test_what_one_handed_over_before_it_froze_is_resent_flagged_and_its_late_word_changes_nothing(
    tmp_path: Path, smarthost: SmtpGateway
) -> None:
    async with here(tmp_path, smarthost, BY_LIFE) as hub:
        alert = await one_batch(hub)
        async with holder(tmp_path, smarthost.port, BY_LIFE) as held:
            await frozen_while(held, smarthost, handed_over=True)
            smarthost.faults.latency_s = 0
            async with hub.running("sweep", "mail"):
                await hub.done(alert)
            before = await hub.rows(alert)
            held.thaw()
            await held.said("the claim was over before the record")
        assert await hub.rows(alert) == before
        assert [row.resend for row in before] == [False, True]
        assert set((await hub.outcomes(alert)).values()) == {Outcome.ACCEPTED}
        assert set(received(smarthost.inbox).values()) == {2}


async def test_one_who_wakes_in_time_goes_on(tmp_path: Path, smarthost: SmtpGateway) -> None:
    leases = Leases(lease=LEASE, life=timedelta(seconds=60))
    async with here(tmp_path, smarthost, leases) as hub:
        alert = await one_batch(hub)
        async with holder(tmp_path, smarthost.port, leases) as held:
            await frozen_while(held, smarthost, handed_over=False)
            await hub.sweeper._take_over()
            held.thaw()
            await hub.done(alert)
        assert await states(hub) == [BatchState.RECORDED]
        assert set((await hub.outcomes(alert)).values()) == {Outcome.ACCEPTED}
        assert set(received(smarthost.inbox).values()) == {1}


async def test_what_a_killed_one_held_goes_out_again_once_its_life_is_over(
    tmp_path: Path, smarthost: SmtpGateway
) -> None:
    async with here(tmp_path, smarthost, BY_LIFE) as hub:
        alert = await one_batch(hub)
        async with holder(tmp_path, smarthost.port, BY_LIFE) as held:
            await frozen_while(held, smarthost, handed_over=False)
            await held.kill()
            smarthost.faults.latency_s = 0
            async with hub.running("sweep", "mail"):
                await hub.done(alert)
        assert [row.resend for row in await hub.rows(alert)] == [False, True]
        assert set(received(smarthost.inbox).values()) == {1}
