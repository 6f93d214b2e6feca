"""Corrections and updates: to exactly those who may have been told the wrong thing, and never after it."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hub.alert import AlertInfo
from hub.cap import MsgType
from hub.delivery import REACHED, Outcome
from hub.language import Language
from hub.ledger import alerts
from hub.recipient import Reached, RecipientId, Targeting
from hub.testing.alerts import a_message
from tests.integration.engine import AUTHOR, KEYS, Engine, engine, mail, received, residents, until
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.smtp import SmtpGateway


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
