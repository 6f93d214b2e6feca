"""The correction is ready before it is needed (I5): made with its alert, submitted by one, approved by another."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import msgspec
import pytest

from hub.alert import Mode
from hub.delivery import Outcome
from hub.draft import Draft, Message, State
from hub.errors import BadInput, Conflict, Forbidden
from hub.intake import Intake
from hub.ledger import alerts, tables
from hub.ledger.alerts import Accepted
from hub.prepared import draft_id
from hub.recipient import Reached, Targeting, WholeCity
from hub.testing.alerts import a_message
from tests.integration.engine import APPROVER, AUTHOR, KEYS, Engine, engine, mail
from tests.integration.test_engine_intake import BOTH, MORI, VIEWER, approval, count


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Engine]:
    async with engine(tmp_path, channels={"mail": mail(9)}) as made:
        yield made


async def prepared_for(hub: Engine, alert: str) -> Draft:
    return await hub.intake.read(draft_id(alert), VIEWER)


@pytest.mark.parametrize("mode", Mode)
async def test_every_alert_is_accepted_with_the_draft_of_its_correction(hub: Engine, mode: Mode) -> None:
    targeting = Targeting(audience=WholeCity(), channels=("mail", "line"))
    alert = await hub.send(a_message(mode=mode, targeting=targeting))
    draft = await prepared_for(hub, alert)
    message = draft.message
    assert (draft.state, draft.authors) == (State.PREPARED, ())
    assert message.targeting == Targeting(audience=Reached(identifier=alert), channels=("mail", "line"))
    assert (message.mode, message.references, message.correction) == (mode, (alert,), True)
    assert "誤り" in message.infos[0].headline


async def test_it_takes_one_to_submit_it_and_another_to_approve(hub: Engine) -> None:
    alert = await hub.send()
    prepared = await prepared_for(hub, alert)
    submitted = await hub.intake.submit(prepared.id, BOTH, seen=1)
    assert (submitted.state, submitted.authors) == (State.SUBMITTED, (BOTH.login,))
    assert submitted.message.order.ordered_at > prepared.message.order.ordered_at, "ordered now"
    assert submitted.message.infos == prepared.message.infos
    with pytest.raises(Forbidden, match="作成した人は承認できません"):
        await hub.intake.accept(approval(prepared.id, typed=None), BOTH)
    sent = await hub.intake.accept(approval(prepared.id, typed=None), APPROVER)
    assert sent.alert.targeting.audience == Reached(identifier=alert)
    old = await hub.ledger.read(lambda conn: alerts.get(conn, KEYS, alert))
    assert old.stopped_as is Outcome.SUPERSEDED


async def test_what_nobody_took_up_is_not_sent(hub: Engine) -> None:
    prepared = await prepared_for(hub, await hub.send())
    for version in (1, 2):
        with pytest.raises(Conflict, match="prepared"):
            await hub.intake.accept(approval(prepared.id, version=version, typed=None), APPROVER)
    with pytest.raises(Conflict):
        await hub.intake.reject(prepared.id, APPROVER, seen=1, reason="?")


@pytest.mark.parametrize("changed", [{}, {"valid_for_s": 60}], ids=["as it is", "changed"])
async def test_whoever_saves_it_is_its_author(hub: Engine, changed: dict[str, int]) -> None:
    prepared = await prepared_for(hub, await hub.send())
    message = msgspec.structs.replace(prepared.message, **changed)
    saved = await hub.intake.save(message, MORI, draft=prepared.id, seen=1)
    assert (saved.state, saved.authors) == (State.EDITING, (MORI.login,))
    await hub.intake.submit(prepared.id, AUTHOR, seen=2)
    with pytest.raises(Forbidden):
        await hub.intake.accept(approval(prepared.id, version=3, typed=None), MORI)


async def test_it_is_in_one_pair_of_hands_however_often_it_is_asked_for(hub: Engine) -> None:
    alert = await hub.send()
    with pytest.raises(Forbidden):
        await hub.intake.correct(alert, VIEWER)
    drafts = await asyncio.gather(*(hub.intake.correct(alert, each) for each in (AUTHOR, MORI, AUTHOR)))
    assert {draft.id for draft in drafts} == {draft_id(alert)}
    assert {draft.authors for draft in drafts} == {(drafts[0].author,)}
    assert {draft.state for draft in drafts} == {State.EDITING}


async def test_another_correction_begins_anew_once_the_first_is_out_or_rejected(hub: Engine) -> None:
    sent, rejected = await hub.send(), await hub.send()
    for alert in (sent, rejected):
        await hub.intake.submit(draft_id(alert), AUTHOR, seen=1)
    await hub.intake.accept(approval(draft_id(sent), typed=None), APPROVER)
    await hub.intake.reject(draft_id(rejected), APPROVER, seen=2, reason="誤りではない")
    for alert in (sent, rejected):
        again = await hub.intake.correct(alert, AUTHOR)
        assert again.id != draft_id(alert)
        assert (again.authors, again.message.references) == ((AUTHOR.login,), (alert,))
    with pytest.raises(BadInput, match="この配信はありません"):
        await hub.intake.correct("akishima.example-2026-9999", AUTHOR)


async def test_a_correction_has_none_of_its_own_and_can_be_corrected_by_hand(hub: Engine) -> None:
    alert = await hub.send()
    await hub.intake.submit(draft_id(alert), AUTHOR, seen=1)
    correction = await hub.intake.accept(approval(draft_id(alert), typed=None), APPROVER)
    with pytest.raises(BadInput):
        await prepared_for(hub, correction.alert.identifier)
    by_hand = await hub.intake.correct(correction.alert.identifier, AUTHOR)
    assert by_hand.message.references == (correction.alert.identifier,)


async def test_an_alert_whose_correction_cannot_be_written_is_sent_all_the_same(hub: Engine) -> None:
    def impossible(accepted: Accepted, at: datetime) -> Message:
        raise KeyError("no words for it")

    intake = Intake(
        ledger=hub.ledger, records=hub.records, keys=KEYS, stops=hub.stops, sender="akishima.example",
        clock=hub.clock, page=hub.page, relay=hub.sweeper.poke, prepare=impossible,
    )  # fmt: skip
    draft = await hub.submit(a_message())
    await intake.accept(approval(draft), APPROVER)
    assert [topic for topic, _ in hub.pages] == ["correction"]
    assert await count(hub, tables.outbox) == 1
