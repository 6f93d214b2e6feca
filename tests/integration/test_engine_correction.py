"""Corrections and updates: to exactly those who may have been told the wrong thing, and never after it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import msgspec
import pytest
from sqlalchemy import Connection, func, select

from hub import receipts
from hub.alert import AlertInfo
from hub.cap import MsgType
from hub.channel import Receipt
from hub.delivery import REACHED, Batch, Outcome, ProviderRef, Result
from hub.errors import BadInput
from hub.language import Language
from hub.ledger import alerts, batches, corrections, tables
from hub.recipient import Reached, RecipientId, Targeting, WholeCity
from hub.retry import judge
from hub.testing.alerts import a_message
from tests.integration.engine import (
    AUTHOR,
    KEYS,
    Engine,
    engine,
    line,
    line_user,
    mail,
    received,
    residents,
    until,
)
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.smtp import SmtpGateway

T = TypeVar("T")


@pytest.fixture(autouse=True)
def retries_come_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.worker.SWEEP_EVERY_S", 0.05)
    monkeypatch.setattr("hub.retry.RESEND_AFTER", timedelta(0))


@pytest.fixture
async def smarthost() -> AsyncIterator[SmtpGateway]:
    async with SmtpGateway(Inbox()) as gateway:
        yield gateway


@pytest.fixture
async def hub(tmp_path: Path, smarthost: SmtpGateway) -> AsyncIterator[Engine]:
    channels = {"mail": mail(smarthost.port, recipients_per_transaction=5)}
    async with engine(tmp_path, channels=channels) as made:
        yield made


def admitting() -> tuple[AlertInfo, ...]:
    def said(info: AlertInfo) -> AlertInfo:
        words = "誤りでした。" if info.language is Language.JA else "This was sent in error. "
        texts = {form: words + getattr(info, form) for form in ("headline", "description", "short", "speech")}
        return msgspec.structs.replace(info, **texts)

    return tuple(said(info) for info in a_message().infos)


async def correct(hub: Engine, wrong: str, **changes: Any) -> str:
    correction: dict[str, Any] = {
        "msg_type": MsgType.CANCEL,
        "correction": True,
        "infos": admitting(),
        "references": (wrong,),
        "targeting": Targeting(audience=Reached(identifier=wrong), channels=("mail",)),
    }
    return await hub.send(a_message(**correction | changes))


async def claimed(hub: Engine, alert: str, *, channel: str = "mail") -> list[Batch]:
    """All that is planned of it on the channel, held by somebody who is not heard of."""
    planned = select(tables.batches.c.id).where(
        tables.batches.c.alert == alert,
        tables.batches.c.channel == channel,
        tables.batches.c.state == tables.BatchState.PLANNED,
    )
    return await hub.ledger.write(
        lambda conn: batches.claim(
            conn, list(conn.execute(planned).scalars()), owner="holder", lease=timedelta(hours=1)
        )
    )


async def sent(
    hub: Engine,
    alert: str,
    outcome_of: Callable[[RecipientId], Outcome] = lambda _: Outcome.ACCEPTED,
    *,
    channel: str = "mail",
    resend: bool = False,
    most: int | None = None,
) -> None:
    """As a holder records it, the provider's refs kept; the rest of `most` batches is given back."""
    capabilities = replace(hub.capabilities[channel], resends_ambiguous=resend)

    def work(conn: Connection, batch: Batch) -> None:
        results = {
            position: Result(member, outcome_of(member), ProviderRef(f"{alert} {member}"))
            for position, member in enumerate(batch.members)
        }
        now = hub.clock()
        verdict = judge(batch, results, capabilities, now=now, random=Random(0))
        assert batches.record(conn, [batches.Record(batch=batch, owner="holder", results=verdict.final, children=verdict.children,
            moved=verdict.moved, settles_at=None, reached_between=(now, now), keep_refs=True,
        )])  # fmt: skip

    for number, batch in enumerate(await claimed(hub, alert, channel=channel)):
        if most is None or number < most:
            await hub.ledger.write(partial(work, batch=batch))
        else:
            give_back = partial(batches.release, batch=batch, owner="holder", after=timedelta(0))
            await hub.ledger.write(give_back)


async def report(hub: Engine, said: dict[RecipientId, Outcome], *, of: str | None = None) -> None:
    """What the provider says of the first alert, or of another one, in one callback."""
    alert = of or await hub.ledger.read(
        lambda conn: conn.execute(select(func.min(tables.alerts.c.identifier))).scalar_one()
    )
    found = [
        Receipt(ref=ProviderRef(f"{alert} {recipient}"), outcome=outcome, at=hub.clock())
        for recipient, outcome in said.items()
    ]
    await hub.ledger.write(
        lambda conn: receipts.apply(
            conn, "mail", found, hub.capabilities["mail"], now=hub.clock(), random=Random(0)
        )
    )


async def reaches(hub: Engine, alert: str, members: set[RecipientId]) -> bool:
    return set(await hub.outcomes(alert)) == members


async def when_planned(hub: Engine, alert: str, then: Callable[[], Awaitable[T]]) -> T:
    """What `then` gives as soon as the alert has a batch."""

    async def begun() -> bool:
        return bool(await hub.rows(alert))

    await until(begun)
    return await then()


def told(outcomes: dict[RecipientId, Outcome]) -> set[RecipientId]:
    return {
        member for member, outcome in outcomes.items() if outcome in REACHED or outcome is Outcome.AMBIGUOUS
    }


async def test_a_correction_goes_to_who_was_or_may_have_been_told_and_to_nobody_else(
    hub: Engine, smarthost: SmtpGateway
) -> None:
    await hub.register(residents(120))
    faults = smarthost.faults
    faults.permanent, faults.silent = 0.3, 0.3
    async with hub.running():
        wrong = await hub.send()
        await hub.done(wrong)
        before = await hub.outcomes(wrong)
        assert set(before.values()) >= {Outcome.ACCEPTED, Outcome.PERMANENT, Outcome.AMBIGUOUS}
        faults.permanent = faults.silent = 0.0
        correction = await correct(hub, wrong)
        await hub.done(correction)
    assert set(await hub.outcomes(correction)) == told(before)
    assert set((await hub.outcomes(correction)).values()) == {Outcome.ACCEPTED}


@pytest.mark.parametrize("per_s", [30, 0.01], ids=["answered soon", "never answered"])
async def test_a_correction_waits_for_what_is_still_under_way(
    hub: Engine, smarthost: SmtpGateway, per_s: float
) -> None:
    await hub.register(residents(60))
    smarthost.faults.drain_per_s = per_s
    async with hub.running():
        wrong = await hub.send()

        async def two_are_under_way() -> bool:
            return smarthost.in_flight == 2

        await until(two_are_under_way)
        correction = await correct(hub, wrong)
        smarthost.faults.drain_per_s = None  # for what comes from now on
        await hub.done(wrong)
        await hub.done(correction)
    before, after = await hub.outcomes(wrong), await hub.outcomes(correction)
    assert set(before.values()) <= {Outcome.ACCEPTED, Outcome.AMBIGUOUS, Outcome.SUPERSEDED}
    assert Outcome.SUPERSEDED in before.values()
    assert (Outcome.AMBIGUOUS in before.values()) == (per_s < 1)
    assert set(after) == told(before)
    assert set(after.values()) == {Outcome.ACCEPTED}
    got_something = {address for address, number in received(smarthost.inbox).items() if number}
    assert got_something == {hub.addresses[member] for member in after}


async def test_an_update_comes_after_what_it_replaces_and_waits_no_longer_than_the_abort(
    hub: Engine, smarthost: SmtpGateway
) -> None:
    await hub.register(residents(60))
    smarthost.faults.drain_per_s = 0.01
    async with hub.running():
        old = await hub.send()

        async def two_are_under_way() -> bool:
            return smarthost.in_flight == 2

        await until(two_are_under_way)
        new = await hub.send(msg_type=MsgType.UPDATE, references=(old,))
        smarthost.faults.drain_per_s = None  # for what comes from now on
        before_the_update = await when_planned(hub, new, lambda: hub.outcomes(old))
        await hub.done(new)
        await hub.done(old)
    after = await hub.outcomes(old)
    assert told(before_the_update) == told(after), "something of the old was still under way"
    assert set(after.values()) == {Outcome.AMBIGUOUS, Outcome.SUPERSEDED}
    assert set((await hub.outcomes(new)).values()) == {Outcome.ACCEPTED}


async def test_a_holder_who_is_gone_delays_an_update_by_no_more_than_patience(
    hub: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.succession.PATIENCE_S", 0.2)
    ids = await hub.register(residents(30))
    old = await hub.send()
    await hub.fanout.plan(old)
    held = await claimed(hub, old)
    new = await hub.send(msg_type=MsgType.UPDATE, references=(old,))
    async with hub.running("fanout"):
        await hub.planned(new)
    assert held
    assert await hub.ledger.read(lambda conn: batches.in_flight(conn, old)) == len(held)
    assert set(await hub.outcomes(new)) == set(ids)


async def test_a_correction_waits_for_a_dead_holders_claim_and_is_planned_once_that_is_over(
    hub: Engine, smarthost: SmtpGateway
) -> None:
    ids = await hub.register(residents(30))
    wrong = await hub.send()
    await hub.fanout.plan(wrong)
    held = await claimed(hub, wrong)
    correction = await correct(hub, wrong)
    planning = asyncio.create_task(hub.fanout.plan(correction))
    async with hub.running("sweep", "mail"):
        await planning
        await hub.done(correction)
    assert held
    assert set((await hub.outcomes(wrong)).values()) == {Outcome.AMBIGUOUS}
    assert set(await hub.outcomes(correction)) == set(ids)


async def test_one_channels_stuck_claim_does_not_delay_the_correction_on_another(tmp_path: Path) -> None:
    channels = {"mail": mail(9), "line": line("http://127.0.0.1:9", tmp_path)}
    async with engine(tmp_path, channels=channels) as hub:
        await hub.register(residents(3))
        await hub.register(residents(3, channel="line", address=line_user))
        both = Targeting(audience=WholeCity(), channels=("mail", "line"))
        wrong = await hub.send(targeting=both)
        await hub.fanout.plan(wrong)
        await sent(hub, wrong, channel="line")
        await claimed(hub, wrong, channel="mail")
        to = Targeting(audience=Reached(identifier=wrong), channels=("mail", "line"))
        correction = await correct(hub, wrong, targeting=to)
        planning = asyncio.create_task(hub.fanout.plan(correction))

        async def line_is_planned() -> bool:
            return (await hub.tally(correction))["line"].complete

        await until(line_is_planned)
        assert not (await hub.tally(correction))["mail"].complete
        planning.cancel()


async def test_a_resend_that_was_given_back_after_the_stop_is_not_forgotten(hub: Engine) -> None:
    ids = await hub.register(residents(5, language="ja", zone="z0"))
    wrong = await hub.send()
    await hub.fanout.plan(wrong)
    await sent(hub, wrong, lambda _: Outcome.AMBIGUOUS, resend=True)
    (resend,) = await claimed(hub, wrong)
    correction = await correct(hub, wrong)
    await hub.ledger.write(
        lambda conn: batches.release(conn, resend, owner="holder", after=timedelta(hours=1))
    )
    await hub.fanout.plan(correction)
    assert set((await hub.outcomes(wrong)).values()) == {Outcome.AMBIGUOUS}
    assert await hub.outcomes(correction) == dict.fromkeys(ids, Outcome.PENDING)


async def test_who_turns_out_late_to_have_been_told_is_added_once(hub: Engine) -> None:
    ids = await hub.register(residents(60))
    wrong = await hub.send()
    await hub.fanout.plan(wrong)
    await sent(hub, wrong, lambda id_: Outcome.ACCEPTED if id_ % 2 else Outcome.PERMANENT)
    correction = await correct(hub, wrong)
    await report(hub, {ids[0]: Outcome.PERMANENT, ids[2]: Outcome.PERMANENT})  # before: not told
    await hub.fanout.plan(correction)
    first = set(await hub.outcomes(correction))
    assert first == {id_ for id_ in ids if id_ % 2} - {ids[0], ids[2]}
    late = dict.fromkeys((ids[0], ids[1], ids[3], ids[4]), Outcome.DELIVERED)
    for _ in range(2):
        await report(hub, late)
        await hub.fanout.extend()
    assert set(await hub.outcomes(correction)) == first | set(late)
    tally = (await hub.tally(correction))["mail"]
    assert tally.planned == len(first | set(late))
    assert not await hub.ledger.read(corrections.with_latecomers)
    assert all(len(row.members) <= 5 for row in await hub.rows(correction))


async def test_a_proof_of_arrival_counts_on_whatever_try_it_came(hub: Engine) -> None:
    ids = await hub.register(residents(5, language="ja", zone="z0"))
    wrong = await hub.send()
    await hub.fanout.plan(wrong)
    await sent(hub, wrong)
    await report(hub, dict.fromkeys(ids, Outcome.TEMPORARY))  # nobody picked up: moved to a second call
    correction = await correct(hub, wrong)
    await report(hub, {ids[1]: Outcome.ANSWERED})
    await hub.fanout.plan(correction)
    unsent = dict.fromkeys(ids, Outcome.SUPERSEDED)
    assert await hub.outcomes(wrong) == unsent | {ids[1]: Outcome.ANSWERED}
    assert set(await hub.outcomes(correction)) == {ids[1]}
    await report(hub, {ids[2]: Outcome.DELIVERED})
    assert await hub.outcomes(wrong) == unsent | {ids[1]: Outcome.ANSWERED, ids[2]: Outcome.DELIVERED}
    await hub.fanout.extend()
    assert set(await hub.outcomes(correction)) == {ids[1], ids[2]}


async def test_latecomers_wait_for_a_correction_that_is_being_planned(hub: Engine) -> None:
    ids = await hub.register(residents(40))
    wrong = await hub.send()
    await hub.fanout.plan(wrong)
    await sent(hub, wrong, lambda _: Outcome.PERMANENT)
    correction = await correct(hub, wrong)
    await report(hub, {ids[0]: Outcome.DELIVERED})
    await hub.fanout.extend()
    assert not await hub.outcomes(correction)
    async with hub.running("fanout"):
        await until(lambda: reaches(hub, correction, {ids[0]}))
        await report(hub, {ids[1]: Outcome.DELIVERED})
        await until(lambda: reaches(hub, correction, {ids[0], ids[1]}))


async def test_a_correction_of_a_correction_goes_to_those_of_both(hub: Engine) -> None:
    ids = await hub.register(residents(60))
    wrong = await hub.send()
    await hub.fanout.plan(wrong)
    await sent(hub, wrong, lambda id_: Outcome.PERMANENT if id_ == ids[0] else Outcome.ACCEPTED)
    first = await correct(hub, wrong)
    await hub.fanout.plan(first)
    await sent(hub, first, most=2)
    second = await correct(hub, first)
    await report(hub, {ids[1]: Outcome.PERMANENT}, of=wrong)  # a bounce; the correction may have got through
    await hub.fanout.plan(second)
    assert set((await hub.outcomes(first)).values()) == {Outcome.ACCEPTED, Outcome.SUPERSEDED}
    told_first = told(await hub.outcomes(first))
    assert set(await hub.outcomes(second)) == set(ids[2:]) | ({ids[1]} & told_first)
    await report(hub, {ids[0]: Outcome.DELIVERED}, of=wrong)
    await hub.fanout.extend()
    assert ids[0] in await hub.outcomes(second)
    assert ids[0] not in await hub.outcomes(first), "it is no longer in force"


async def test_nobody_is_added_to_a_correction_that_was_stopped_until_there_is_another(hub: Engine) -> None:
    ids = await hub.register(residents(10))
    wrong = await hub.send()
    await hub.fanout.plan(wrong)
    await sent(hub, wrong, lambda id_: Outcome.ACCEPTED if id_ == ids[0] else Outcome.PERMANENT)
    first = await correct(hub, wrong)
    await hub.fanout.plan(first)
    await hub.intake.stop(first, AUTHOR)
    await report(hub, {ids[1]: Outcome.DELIVERED})
    await hub.fanout.extend()
    assert set(await hub.outcomes(first)) == {ids[0]}
    second = await correct(hub, wrong)
    await hub.fanout.plan(second)
    assert set(await hub.outcomes(second)) == {ids[0], ids[1]}


async def test_an_update_needs_no_latecomers(hub: Engine) -> None:
    ids = await hub.register(residents(10))
    old = await hub.send()
    await hub.fanout.plan(old)
    await sent(hub, old, lambda _: Outcome.PERMANENT)
    new = await hub.send(msg_type=MsgType.UPDATE, references=(old,))
    await hub.fanout.plan(new)
    await report(hub, {ids[0]: Outcome.DELIVERED})
    await hub.fanout.extend()
    assert not await hub.ledger.read(corrections.with_latecomers)
    assert await hub.outcomes(new) == dict.fromkeys(ids, Outcome.PENDING)


async def test_what_goes_to_those_who_were_reached_must_change_what_they_got(hub: Engine) -> None:
    wrong = await hub.send()
    with pytest.raises(BadInput, match="Only what changes an alert"):
        await correct(hub, wrong, msg_type=MsgType.ALERT)


async def test_of_a_resend_that_was_stopped_the_first_try_is_not_forgotten(
    hub: Engine, smarthost: SmtpGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.retry.RESEND_AFTER", timedelta(hours=1))
    await hub.register(residents(10))
    smarthost.faults.silent = 1.0
    async with hub.running():
        wrong = await hub.send()

        async def a_resend_is_due_later() -> bool:
            return (await hub.tally(wrong))["mail"].retrying == 10

        await until(a_resend_is_due_later)
        smarthost.faults.silent = 0.0
        correction = await correct(hub, wrong)
        await hub.done(correction)
    assert set((await hub.outcomes(wrong)).values()) == {Outcome.AMBIGUOUS}
    assert set(await hub.outcomes(correction)) == set(hub.addresses)


async def test_an_update_ends_what_is_unsent_of_its_predecessor_retries_too(
    hub: Engine, smarthost: SmtpGateway
) -> None:
    await hub.register(residents(30))
    smarthost.faults.down = True
    async with hub.running():
        old = await hub.send()

        async def all_are_retried() -> bool:
            return (await hub.tally(old))["mail"].retrying == 30

        await until(all_are_retried)
        new = await hub.send(msg_type=MsgType.UPDATE, references=(old,))
        smarthost.faults.down = False
        await hub.done(new)
        tally = (await hub.done(old))["mail"]
    assert tally.reasons == {"superseded": 30}
    assert set((await hub.outcomes(new)).values()) == {Outcome.ACCEPTED}
    assert received(smarthost.inbox) == dict.fromkeys(hub.addresses.values(), 1)
    await hub.audited()


async def test_a_correction_of_what_reached_nobody_is_complete_and_empty(hub: Engine) -> None:
    await hub.register(residents(10))
    wrong = await hub.send()
    await hub.intake.stop(wrong, AUTHOR)
    async with hub.running():
        correction = await correct(hub, wrong)
        tally = (await hub.done(correction))["mail"]
    assert (tally.planned, tally.complete) == (0, True)
    accepted = await hub.ledger.read(lambda conn: alerts.get(conn, KEYS, wrong))
    assert accepted.stopped_as is Outcome.CANCELLED, "a stop stays what it was"
