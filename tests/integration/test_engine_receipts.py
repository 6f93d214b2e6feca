"""What a provider says later: in any order, however often, also before we know what it speaks of."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from aiohttp import web
from sqlalchemy import select

from channels.voice import Settings, Voice
from hub import bus, receipts
from hub.channel import Receipt
from hub.clock import utc_now
from hub.codec import ReceiptRecord
from hub.delivery import BatchId, Outcome, ProviderRef, Result
from hub.gate import LEASE
from hub.ledger import alerts, batches, tables, tempo
from hub.ledger.tables import BatchState
from hub.progress import Tally
from hub.recipient import RecipientId, Targeting, WholeCity
from tests.integration.engine import AUTHOR, OUTBOUND, Engine, engine, mail, residents, until
from tests.integration.letters import letters
from tests.integration.test_engine_deliver import NoBus
from yobikake.callbacks import routes
from yobikake.connectors import Configured
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.twilio import TwilioGateway
from yobikake.rehearsal.twilio_phones import Fates

ACCOUNT = "AC" + "5" * 32
TOKEN = "not-a-token-of-anybody"
NUMBER = "+8190{:08}".format
BY_VOICE = Targeting(audience=WholeCity(), channels=("voice",))


@pytest.fixture(autouse=True)
def retries_come_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.worker.SWEEP_EVERY_S", 0.05)
    monkeypatch.setattr("hub.retry.RESEND_AFTER", timedelta(0))


@pytest.fixture
async def twilio() -> AsyncIterator[TwilioGateway]:
    gateway = TwilioGateway(Inbox(), account_sid=ACCOUNT, auth_token=TOKEN, fates=Fates())
    async with gateway:
        yield gateway


@asynccontextmanager
async def telephone_hub(folder: Path, twilio: TwilioGateway, **overrides: Any) -> AsyncIterator[Engine]:
    """A hub that calls, and whose callbacks arrive by HTTP as the provider sends them."""
    token = folder / "twilio.token"
    token.write_text(TOKEN)
    app = web.Application()
    listener = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    site = _free_port()
    settings = Settings(
        account_sid=ACCOUNT, auth_token_file=token, from_number="+815012345678", base_url=twilio.url,
        callback_url=f"http://127.0.0.1:{site}/callbacks/voice", calls_per_s=30,
    )  # fmt: skip
    voice = Voice(settings, outbound=OUTBOUND, clock=utc_now)
    async with engine(folder, channels={"voice": voice}, **overrides) as hub:
        configured = {
            "voice": Configured(by_lane=dict.fromkeys(_lanes(), voice), capabilities=voice.capabilities)
        }
        app.add_routes(routes(configured, hub.postbox))
        await listener.setup()
        await web.TCPSite(listener, "127.0.0.1", site).start()
        try:
            yield hub
        finally:
            await twilio.phones.stop()
            await listener.cleanup()


def _lanes() -> Any:
    from hub.alert import Lane

    return Lane


def _free_port() -> int:
    from yobikake.rehearsal.servers.port import free_port

    return free_port()


# --- calls ---


async def test_calls_are_redialled_until_somebody_picks_up(tmp_path: Path, twilio: TwilioGateway) -> None:
    twilio.fates.busy, twilio.fates.no_answer = 0.4, 0.4
    async with telephone_hub(tmp_path, twilio) as hub:
        await hub.register(residents(25, channel="voice", address=NUMBER))
        async with hub.running():
            tally = (await hub.done(alert := await hub.send(targeting=BY_VOICE)))["voice"]
        assert tally.delivered == tally.planned == 25
        assert len(twilio.calls) > 25, "nobody was busy: this shows nothing"
        assert {row.attempt for row in await hub.rows(alert)} == {1, 2}
        assert set(await hub.outcomes(alert, "voice")) == set(hub.addresses)
        went = await hub.ledger.read(lambda conn: tempo.tempo(conn, alert))
        assert [sum(each.number for each in of) for of in went] == [25, 25], "each once, whichever try it was"
        await hub.audited()


async def test_who_never_picks_up_is_given_up_after_the_last_try(
    tmp_path: Path, twilio: TwilioGateway
) -> None:
    twilio.fates.no_answer = 1.0
    async with telephone_hub(tmp_path, twilio, max_attempts=1) as hub:
        await hub.register(residents(10, channel="voice", address=NUMBER))
        async with hub.running():
            tally = (await hub.done(await hub.send(targeting=BY_VOICE)))["voice"]
        assert (tally.failed, tally.reasons) == (10, {"no-answer 487": 10})
        assert len(twilio.calls) == 10


async def test_a_call_in_doubt_that_nobody_took_is_followed_by_a_new_one(
    tmp_path: Path, twilio: TwilioGateway
) -> None:
    """Twilio made the call and its answer was lost. The resend finds it, and that it was missed."""
    twilio.fates.busy = 1.0
    async with telephone_hub(tmp_path, twilio, max_attempts=9) as hub:
        await hub.register(residents(1, channel="voice", address=NUMBER))
        twilio.faults.silent = 1.0
        async with hub.running():
            alert = await hub.send(targeting=BY_VOICE)

            async def found_missed() -> bool:
                twilio.faults.silent = 0.0 if twilio.calls else 1.0
                return any("missed" in row.reasons for row in await hub.rows(alert))

            await until(found_missed)
            twilio.fates.busy = 0.0
            tally = (await hub.done(alert))["voice"]
        assert tally.delivered == 1
        assert len(twilio.calls) >= 2
        assert [row.resend for row in sorted(await hub.rows(alert), key=lambda row: row.attempt)][:3] == [
            False, True, False,
        ]  # fmt: skip


async def test_who_got_the_call_after_all_is_not_called_again(tmp_path: Path, twilio: TwilioGateway) -> None:
    twilio.fates.busy = 1.0
    async with telephone_hub(tmp_path, twilio, backoff=(timedelta(hours=1),)) as hub:
        await hub.register(residents(1, channel="voice", address=NUMBER))
        async with hub.running():
            alert = await hub.send(targeting=BY_VOICE)

            async def a_redial_waits() -> bool:
                return len(await hub.rows(alert)) == 2

            await until(a_redial_waits)
            (call,) = twilio.calls
            proof = Receipt(ref=ProviderRef(call.sid), outcome=Outcome.DELIVERED, at=utc_now())
            await hub.postbox.post("voice", [proof])
            tally = (await hub.done(alert))["voice"]
            assert tally.delivered == 1
        twilio.fates.busy = 0.0
        waiting = select(tables.batches.c.id).where(tables.batches.c.state == BatchState.PLANNED)
        redial = await hub.ledger.read(lambda conn: conn.execute(waiting).scalar_one())
        await hub.delivery("voice").attempt(redial, lambda _: None)
        assert len(twilio.calls) == 1
        assert (await hub.tally(alert))["voice"].delivered == 1


async def test_without_the_bus_receipts_are_folded_directly(
    tmp_path: Path, twilio: TwilioGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.planner.QUIET_S", 0.1)
    monkeypatch.setattr("hub.fanout.SWEEP_GRACE", timedelta(0))
    twilio.fates.busy = 0.5
    async with telephone_hub(tmp_path, twilio, bus=NoBus()) as hub:
        await hub.register(residents(10, channel="voice", address=NUMBER))
        async with hub.running():
            assert (await hub.done(await hub.send(targeting=BY_VOICE)))["voice"].delivered == 10


# --- receipts by themselves ---


@dataclass(slots=True, kw_only=True)
class Line:
    """One batch of three calls, taken by the provider under the refs `call 0` … `call 2`."""

    hub: Engine
    alert: str
    batch: BatchId
    members: tuple[RecipientId, ...]

    async def report(self, *found: tuple[int, Outcome]) -> None:
        """As one callback or several: in one commit."""
        said = [
            Receipt(ref=ref(position), outcome=outcome, at=utc_now(), reason=outcome.name.lower())
            for position, outcome in found
        ]
        await self.hub.ledger.write(
            lambda conn: receipts.apply(
                conn, "mail", said, self.hub.capabilities["mail"], now=utc_now(), random=Random(0)
            )
        )

    async def accept(self, *outcomes: Outcome) -> None:
        """Record the send: all accepted unless said otherwise. Claimed before, as always."""
        capabilities = self.hub.capabilities["mail"]
        refs = [ref(position) for position in range(3)]

        def work(conn: Any) -> None:
            (batch,) = batches.claim(conn, [self.batch], owner="w", lease=LEASE)
            results = {
                position: Result(member, (outcomes or (Outcome.ACCEPTED,) * 3)[position], refs[position])
                for position, member in enumerate(self.members)
            }
            now = utc_now()
            assert batches.record(conn, [batches.Record(batch=batch, owner="w", results=results, children=[], moved=[],
                settles_at=now + timedelta(minutes=5), reached_between=(now, now), keep_refs=True,
            )])  # fmt: skip
            receipts.unpark(conn, "mail", refs, capabilities, now=now, random=Random(0))

        await self.hub.ledger.write(work)

    async def tally(self) -> Tally:
        tally = (await self.hub.tally(self.alert))["mail"]
        assert tally.planned == 3
        return tally

    async def tries(self) -> int:
        return len(await self.hub.rows(self.alert))


def ref(position: int) -> ProviderRef:
    return ProviderRef(f"call {position}")


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    overrides = {"receipt_wait": timedelta(minutes=5), "max_attempts": 2}
    async with engine(tmp_path, channels={"mail": mail(9)}, **overrides) as hub:
        await hub.register(residents(3, language="ja", zone="z0"))
        alert = await hub.send()
        await hub.fanout.plan(alert)
        row = await hub.ledger.read(
            lambda conn: conn.execute(select(tables.batches.c.id, tables.batches.c.members)).one()
        )
        yield Line(hub=hub, alert=alert, batch=row.id, members=row.members)


async def test_an_acceptance_waits_for_its_receipt_and_then_settles(line: Line) -> None:
    await line.accept()
    waiting = await line.tally()
    assert (waiting.awaiting, waiting.accepted, waiting.done) == (3, 0, False)
    await line.report((0, Outcome.DELIVERED))
    assert (await line.tally()).delivered == 1
    from hub.progress import progress

    later = await line.hub.ledger.read(
        lambda conn: progress(conn, line.alert, line.hub.capabilities, now=utc_now() + timedelta(minutes=6))
    )
    assert (later["mail"].delivered, later["mail"].accepted, later["mail"].done) == (1, 2, True)


async def test_receipts_before_their_send_are_kept_and_folded_with_it(line: Line) -> None:
    await line.report((0, Outcome.DELIVERED), (1, Outcome.TEMPORARY), (2, Outcome.PERMANENT))
    assert (await line.tally()).pending == 3
    await line.accept()
    tally = await line.tally()
    assert (tally.delivered, tally.retrying, tally.failed) == (1, 1, 1)


async def test_a_receipt_that_missed_its_send_by_a_moment_is_found_again(line: Line) -> None:
    # On PostgreSQL both may be under way at once: neither sees the other.
    await line.accept()
    await line.hub.ledger.write(
        lambda conn: conn.execute(
            tables.parked_receipts.insert().values(
                channel="mail", ref=ref(1), outcome=int(Outcome.DELIVERED), reason="", at=utc_now()
            )
        )
    )
    async with line.hub.running("sweep"):

        async def folded() -> bool:
            return (await line.tally()).delivered == 1

        await until(folded)
    parked = await line.hub.ledger.read(lambda conn: conn.execute(select(tables.parked_receipts)).all())
    assert parked == []


async def test_a_receipt_that_nobody_claims_is_forgotten_after_a_week(line: Line) -> None:
    ages = (timedelta(days=6), timedelta(days=8))
    rows = [
        {
            "channel": "mail",
            "ref": f"stray {age.days}",
            "outcome": int(Outcome.DELIVERED),
            "reason": "",
            "at": utc_now() - age,
        }
        for age in ages
    ]
    await line.hub.ledger.write(lambda conn: conn.execute(tables.parked_receipts.insert(), rows))

    async def forgotten() -> bool:
        refs = await line.hub.ledger.read(
            lambda conn: conn.execute(select(tables.parked_receipts.c.ref)).scalars().all()
        )
        return refs == ["stray 6"]

    async with line.hub.running("sweep"):
        await until(forgotten)


@pytest.mark.parametrize(
    "order", [(Outcome.DELIVERED, Outcome.TEMPORARY), (Outcome.TEMPORARY, Outcome.DELIVERED)]
)
async def test_who_was_reached_is_not_called_again_in_whatever_order_it_is_said(
    line: Line, order: tuple[Outcome, Outcome]
) -> None:
    await line.accept()
    await line.report(*((0, outcome) for outcome in order))
    assert (await line.tally()).delivered == 1
    assert await line.tries() == 1


async def test_a_late_busy_does_not_undo_an_arrival(line: Line) -> None:
    await line.accept()
    await line.report((0, Outcome.DELIVERED))
    for _ in range(3):
        await line.report((0, Outcome.TEMPORARY))
    assert (await line.tally()).delivered == 1
    assert await line.tries() == 1


async def test_the_same_receipt_again_changes_nothing(line: Line) -> None:
    await line.accept()
    for _ in range(3):
        await line.report((0, Outcome.TEMPORARY), (1, Outcome.PERMANENT), (2, Outcome.DELIVERED))
    tally = await line.tally()
    assert (tally.retrying, tally.failed, tally.delivered) == (1, 1, 1)
    assert await line.tries() == 2


async def test_a_bounce_overrides_an_acceptance(line: Line) -> None:
    await line.accept()
    await line.report((1, Outcome.PERMANENT))
    assert (await line.tally()).reasons == {"permanent": 1}


async def test_what_was_ambiguous_is_settled_by_what_the_provider_says(line: Line) -> None:
    await line.accept(Outcome.AMBIGUOUS, Outcome.AMBIGUOUS, Outcome.AMBIGUOUS)
    await line.report((0, Outcome.DELIVERED), (1, Outcome.PERMANENT), (2, Outcome.TEMPORARY))
    tally = await line.tally()
    assert (tally.delivered, tally.failed, tally.retrying, tally.ambiguous) == (1, 1, 1, 0)


async def test_nobody_is_called_again_once_the_alert_is_stopped(line: Line) -> None:
    await line.accept()
    await line.hub.intake.stop(line.alert, AUTHOR)
    await line.report((0, Outcome.TEMPORARY))
    assert (await line.tally()).failed == 1
    assert await line.tries() == 1


# --- the postbox ---


async def test_forged_receipts_and_those_of_a_channel_that_is_gone_stop_nothing(line: Line) -> None:
    hub = line.hub
    await line.accept()
    record = ReceiptRecord(
        channel="mail", ref=ref(0), outcome=int(Outcome.DELIVERED), at=datetime.now().astimezone()
    )
    sealed = hub.records.seal(bus.RECEIPTS, ref(0), record)
    fax = ReceiptRecord(channel="fax", ref="1", outcome=int(Outcome.DELIVERED), at=utc_now())
    gone = hub.records.seal(bus.RECEIPTS, "1", fax)
    forged = bytes(32) + sealed[32:]
    async with hub.running("receipts"):
        await hub.bus.publish_many(bus.RECEIPTS, [("1", gone), (ref(0), forged), (ref(1), sealed)])
        said = Receipt(ref=ref(2), outcome=Outcome.DELIVERED, at=utc_now())
        await hub.postbox.post("mail", [said])

        async def folded() -> bool:
            return (await line.tally()).delivered == 1

        await until(folded)
        dead = [letter.value for letter in await letters(hub.bus, hub.records, 3)]
    assert sorted(dead) == sorted([gone, forged, sealed]), "a record under another key is none of ours"
    assert (await hub.outcomes(line.alert))[line.members[2]] is Outcome.DELIVERED


async def test_an_unknown_alert_cannot_be_stopped(line: Line) -> None:
    assert await line.hub.ledger.read(lambda conn: alerts.stopped(conn, ["none"])) == {}
