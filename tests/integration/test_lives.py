"""Who holds claims says that it lives; who cannot stops in time, and goes on by itself afterwards."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from sqlalchemy import Connection, select, update

from hub.deliver import claim
from hub.delivery import BatchId, Outcome
from hub.gate import Leases
from hub.language import Language
from hub.ledger import AWAY, Ledger, tables
from hub.ledger.columns import now_us
from hub.ledger.tables import BatchState
from hub.life import Life
from hub.recipient import Zone
from tests.integration.engine import Engine, away, engine, mail, received, residents, until
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.smtp import SmtpGateway

LEASES = Leases(lease=timedelta(seconds=90), life=timedelta(seconds=12))
BRIEF = Leases(lease=timedelta(seconds=1), life=timedelta(seconds=0.6))


class Hand:
    """Of a clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def hand(monkeypatch: pytest.MonkeyPatch) -> Hand:
    moved = Hand()
    monkeypatch.setattr("hub.life.monotonic_s", moved)
    return moved


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    async with engine(tmp_path, channels={}) as hub:
        yield hub.ledger


@pytest.fixture
async def smarthost() -> AsyncIterator[SmtpGateway]:
    async with SmtpGateway(Inbox()) as gateway:
        yield gateway


@pytest.fixture(autouse=True)
def retries_come_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.worker.SWEEP_EVERY_S", 0.05)
    monkeypatch.setattr("hub.retry.RESEND_AFTER", timedelta(0))
    monkeypatch.setattr("hub.claim.AGAIN_S", 0.05)


async def let_it_end(ledger: Ledger, owner: str) -> None:
    """Its time runs out in the database."""
    ended = update(tables.lives).where(tables.lives.c.owner == owner).values(until=now_us() - 1)
    await ledger.write(lambda conn: conn.execute(ended))


async def owners(ledger: Ledger) -> set[str]:
    return set(await ledger.read(lambda conn: conn.execute(select(tables.lives.c.owner)).scalars().all()))


async def states(hub: Engine) -> list[int]:
    return list(
        await hub.ledger.read(lambda conn: conn.execute(select(tables.batches.c.state)).scalars().all())
    )


# --- one life ---


async def test_each_renewal_moves_the_fence_counted_from_its_start(ledger: Ledger, hand: Hand) -> None:
    life = Life(ledger, name="a", leases=LEASES)
    tenure = await life.tenure()
    assert tenure.fenced_at == hand.now + 9
    hand.now += 8
    assert (await life.tenure()).fenced_at == 1_009, "not renewed for a claim that finds it alive"
    await life._renew()
    assert tenure.fenced_at == hand.now + 9
    assert await life.tenure() is tenure


async def test_a_process_that_was_silent_for_too_long_begins_anew_and_its_claims_stay_void(
    ledger: Ledger, hand: Hand
) -> None:
    life = Life(ledger, name="a", leases=LEASES)
    before = await life.tenure()
    assert life.may_judge
    fenced_at, hand.now = before.fenced_at, hand.now + 20
    await let_it_end(ledger, before.owner)
    after = await life.tenure()
    assert after.owner != before.owner
    assert (before.fenced_at, after.fenced_at) == (fenced_at, hand.now + 9)
    assert not life.may_judge
    hand.now += 8
    await life._renew()
    assert not life.may_judge, "others get as long as a life to be heard"
    hand.now += 4
    await life._renew()
    assert life.may_judge


async def test_a_renewal_that_is_committed_after_the_lifes_end_begins_another_life(
    ledger: Ledger, hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process froze between the update and the commit: others saw the old life end meanwhile."""
    life = Life(ledger, name="a", leases=LEASES)
    before = await life.tenure()
    hand.now += 5
    renewed, freezes_s = life._renewed, iter((6.0, 8.0, 0.0))

    def frozen(conn: Connection) -> str:
        owner = renewed(conn)
        hand.now += next(freezes_s)
        return owner

    monkeypatch.setattr(life, "_renewed", frozen)
    await life._renew()
    assert await life.tenure() is before, "committed in time: nobody saw an end"
    hand.now = 1_010
    await life._renew()
    after = await life.tenure()
    assert after.owner != before.owner
    assert before.owner not in await owners(ledger)
    assert (before.fenced_at, after.fenced_at) == (1_014, 1_018 + 9)


async def test_without_its_database_a_process_fences_itself_and_goes_on_when_that_is_back(
    ledger: Ledger, hand: Hand, tmp_path: Path
) -> None:
    life = Life(ledger, name="a", leases=LEASES)
    tenure = await life.tenure()
    async with away(ledger, tmp_path):
        hand.now += 9
        with pytest.raises(AWAY):
            await life.tenure()
        assert hand.now >= tenure.fenced_at
        assert not life.may_judge
    assert await life.tenure() is tenure, "it was back before its life was over"
    assert tenure.fenced_at == hand.now + 9
    assert not life.may_judge, "others may not have been so lucky"


async def test_one_that_ends_leaves_no_life_behind(ledger: Ledger) -> None:
    before = await owners(ledger)
    life = Life(ledger, name="a", leases=BRIEF)
    async with life.lived():
        (mine,) = await owners(ledger) - before
        until_then = select(tables.lives.c.until).where(tables.lives.c.owner == mine)
        first = await ledger.read(lambda conn: conn.execute(until_then).scalar_one())

        async def renewed() -> bool:
            return bool(await ledger.read(lambda conn: conn.execute(until_then).scalar_one()) > first)

        await until(renewed)
    assert await owners(ledger) == before


async def test_a_name_is_used_once_also_when_the_answer_to_its_beginning_was_lost(ledger: Ledger) -> None:
    life = Life(ledger, name="a", leases=LEASES)
    await ledger.write(life._renewed)  # committed, and nobody was told
    assert (await life.tenure()).owner == "a.2"


# --- claims and the database ---


@pytest.fixture
async def hub(tmp_path: Path, smarthost: SmtpGateway) -> AsyncIterator[Engine]:
    async with engine(tmp_path, channels={"mail": mail(smarthost.port)}) as made:
        yield made


async def one_batch(hub: Engine, number: int = 5) -> tuple[str, BatchId]:
    await hub.register(residents(number, language=Language.JA, zone=Zone("z0")))
    await hub.fanout.plan(alert := await hub.send())
    (batch,) = await hub.ledger.read(lambda conn: conn.execute(select(tables.batches.c.id)).scalars().all())
    return alert, BatchId(batch)


def said(lines: list[Any], event: str) -> bool:
    return any(event in line["event"] for line in lines)


async def test_an_outcome_that_could_not_be_written_is_kept_until_the_database_is_back(
    hub: Engine, smarthost: SmtpGateway, tmp_path: Path
) -> None:
    alert, batch = await one_batch(hub)
    smarthost.faults.latency_s = 0.05
    claimed = asyncio.Event()
    attempt = asyncio.create_task(hub.delivery("mail").attempt(batch, lambda _: claimed.set()))
    await claimed.wait()
    with structlog.testing.capture_logs() as lines:
        async with away(hub.ledger, tmp_path):

            async def it_is_known_and_not_written() -> bool:
                return said(lines, "what is known is kept")

            await until(it_is_known_and_not_written)
            assert await states(hub) == [BatchState.CLAIMED]
            assert sum(received(smarthost.inbox).values()) == 5
        await attempt
    assert set((await hub.outcomes(alert)).values()) == {Outcome.ACCEPTED}
    assert set(received(smarthost.inbox).values()) == {1}


@pytest.mark.parametrize(("request_s", "lease_s"), [(45, 90), (360, 540)])
async def test_a_claim_lasts_as_long_as_its_own_channels_requests_need(
    tmp_path: Path, smarthost: SmtpGateway, request_s: int, lease_s: int
) -> None:
    channels, asked = {"mail": mail(smarthost.port)}, timedelta(seconds=request_s)
    async with engine(tmp_path, channels=channels, leases=LEASES, request_deadline=asked) as hub:
        _, batch = await one_batch(hub)
        attempt = await claim(hub.delivery("mail"), batch)
        left = select((tables.batches.c.lease_until - now_us()) / 1_000_000)
        left_s = await hub.ledger.read(lambda conn: conn.execute(left).scalar_one())
    assert attempt is not None
    assert attempt.claim.ends_at - attempt.claim.begun == pytest.approx(lease_s)
    assert lease_s - 30 < left_s <= lease_s, "whoever looks at the ledger sees the same"


async def test_what_could_not_be_written_before_the_lease_ended_is_ambiguous(
    tmp_path: Path, smarthost: SmtpGateway
) -> None:
    channels = {"mail": mail(smarthost.port)}
    enough_to_send = Leases(lease=timedelta(seconds=4), life=timedelta(seconds=4))
    async with engine(tmp_path, channels=channels, leases=enough_to_send) as hub:
        alert, batch = await one_batch(hub)
        claimed = asyncio.Event()
        smarthost.faults.latency_s = 0.01
        attempt = asyncio.create_task(hub.delivery("mail").attempt(batch, lambda _: claimed.set()))
        await claimed.wait()
        async with away(hub.ledger, tmp_path):
            await attempt
            assert await states(hub) == [BatchState.CLAIMED]
        async with hub.running("sweep", "mail"):
            await hub.done(alert)
        resent = [row for row in await hub.rows(alert) if row.resend]
        assert [len(row.members) for row in resent] == [5]
        assert set(received(smarthost.inbox).values()) == {2}


async def test_nothing_is_sent_once_the_database_has_been_away_for_a_life(
    tmp_path: Path, smarthost: SmtpGateway
) -> None:
    """And everything afterwards, without anybody's help."""
    brief = Leases(lease=timedelta(seconds=60), life=timedelta(seconds=0.4))
    async with engine(tmp_path, channels={"mail": mail(smarthost.port)}, leases=brief) as hub:
        alert, batch = await one_batch(hub)
        smarthost.faults.latency_s = 0.2
        claimed = asyncio.Event()
        attempt = asyncio.create_task(hub.delivery("mail").attempt(batch, lambda _: claimed.set()))
        await claimed.wait()
        with structlog.testing.capture_logs() as lines:
            async with away(hub.ledger, tmp_path):

                async def it_gave_up() -> bool:
                    return said(lines, "what is known is kept")

                await until(it_gave_up)
                assert smarthost.messages == []
            await attempt
        smarthost.faults.latency_s = 0
        async with hub.running("sweep", "mail"):
            await hub.done(alert)
        assert set((await hub.outcomes(alert)).values()) == {Outcome.ACCEPTED}
        assert set(received(smarthost.inbox).values()) == {1}
        assert not any(row.resend for row in await hub.rows(alert)), "nobody was in doubt"
