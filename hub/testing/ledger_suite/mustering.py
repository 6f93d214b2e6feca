"""Staff who are called together."""

import asyncio
from datetime import timedelta
from functools import partial

import pytest

from hub.alert import Mode
from hub.cap import MsgType
from hub.errors import BadInput
from hub.ledger import (
    Ledger,
    alerts,
    audit,
    musters,
    proof,
)
from hub.muster import Answer as Coming
from hub.muster import CalledGroup, Given, Member, Roll
from hub.mustering import Mustering
from hub.place import Name
from hub.recipient import Reached, RecipientId, Targeting
from hub.testing.alerts import an_alert
from hub.testing.ledger_suite.rows import AUTHOR, KEYS, NOW, an_intake, insert_alert

ROLL = Roll(
    reason="川の水位が上がっているため",
    channels=("mail",),
    groups=(
        CalledGroup(
            code="disaster",
            name=Name(ja="防災課", en="Disaster"),
            members=tuple(Member(recipient=RecipientId(each), name=f"職員{each}") for each in (1, 2)),
        ),
    ),
)


class MusterSuite:
    async def test_forms_and_rules_call_once_however_many_send_them_at_once(self, ledger: Ledger) -> None:
        mustering = Mustering(ledger=ledger, keys=KEYS, intake=await an_intake(ledger), clock=lambda: NOW)
        forms = [f"form-{which}" for which in (1, 2, 1, 2)]
        numbers = await asyncio.gather(
            *(mustering.call(ROLL, Mode.LIVE, AUTHOR, form=form) for form in forms)
        )
        assert {*zip(forms, numbers, strict=True)} in (
            {("form-1", 1), ("form-2", 2)},
            {("form-1", 2), ("form-2", 1)},
        )
        called = await asyncio.gather(*(mustering.by_rule("r", "e", ROLL, Mode.LIVE) for _ in range(3)))
        assert sorted(called, key=str) == [3, None, None]
        found = await ledger.read(lambda conn: [each.muster for each in musters.firings(conn)])
        assert found == [3], "forms are no rules"
        await ledger.read(lambda conn: audit.verify(conn, KEYS))
        assert await ledger.read(lambda conn: proof.differences(conn, KEYS)) == []

    async def test_of_answers_the_last_counts_and_all_are_kept(self, ledger: Ledger) -> None:
        muster = await ledger.write(
            partial(musters.begin, keys=KEYS, mode=Mode.LIVE, roll=ROLL, by="sato", rule="", at=NOW)
        )
        given = [
            Given(RecipientId(1), says, NOW + timedelta(seconds=second), "")
            for second, says in enumerate((Coming.IN_30, Coming.IN_30, Coming.NO))
        ]
        kept = [await ledger.write(partial(musters.answer, number=muster.id, given=each)) for each in given]
        assert kept == [True, False, True]
        assert await ledger.read(partial(musters.answers, number=muster.id)) == [given[0], given[2]]
        people = [RecipientId(1), RecipientId(2)]
        assert await ledger.read(partial(musters.answered, number=muster.id, people=people)) == {1}
        assert await ledger.read(lambda conn: musters.get(conn, KEYS, muster.id)) == muster
        end = partial(musters.end, number=muster.id, by="sato", at=NOW, cancelled=True)
        assert [await ledger.write(end), await ledger.write(end)] == [True, False]
        assert await ledger.read(lambda conn: musters.running(conn, KEYS)) == []

    async def test_a_call_of_staff_is_in_no_list_and_nothing_public_refers_to_it(
        self, ledger: Ledger
    ) -> None:
        intake = await an_intake(ledger)
        mustering = Mustering(ledger=ledger, keys=KEYS, intake=intake, clock=lambda: NOW)
        number = await mustering.call(ROLL, Mode.LIVE, AUTHOR, form="form-1")
        (call,) = await ledger.read(lambda conn: alerts.of_muster(conn, KEYS, number))
        assert await ledger.read(lambda conn: alerts.active(conn, KEYS, at=NOW)) == []
        assert await ledger.read(lambda conn: alerts.recent(conn, KEYS)) == []
        assert (await ledger.read(partial(alerts.search, keys=KEYS, matches=lambda _: True)))[0] == 0
        assert await ledger.read(lambda conn: alerts.next_number(conn, year=2026)) == "2026-0001"
        identifier = call.alert.identifier
        correction = an_alert(
            identifier="a-2", sent=NOW, msg_type=MsgType.UPDATE, sequence=2, references=(identifier,),
            targeting=Targeting(audience=Reached(identifier=identifier), channels=("mail",)),
        )  # fmt: skip
        with pytest.raises(BadInput, match="never mixed"):
            await ledger.write(partial(insert_alert, alert=correction, number="2026-0001"))
