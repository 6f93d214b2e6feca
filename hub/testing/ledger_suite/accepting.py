"""Alerts: accepted once, numbered, read back whole."""

import asyncio
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, update

from hub import codec
from hub.alert import Mode
from hub.errors import AlreadySent, BadInput, Conflict
from hub.intake import Approval
from hub.ledger import (
    Ledger,
    alerts,
    audit,
    tables,
)
from hub.ledger.alerts import Accepted
from hub.recipient import Reached, Targeting
from hub.testing.alerts import a_message, an_alert
from hub.testing.ledger_suite.rows import APPROVER, AUTHOR, KEYS, NOW, accepted_alert, an_intake, insert_alert


class AlertSuite:
    async def test_an_alert_is_accepted_once_and_read_back_whole(self, ledger: Ledger) -> None:
        await accepted_alert(ledger)
        accepted = await ledger.read(lambda conn: alerts.get(conn, KEYS, "a-1"))
        assert accepted.alert == an_alert(identifier="a-1", sent=NOW)
        with pytest.raises(Conflict, match="すでに配信済み"):
            await accepted_alert(ledger)

    async def test_alerts_accepted_at_once_have_numbers_of_their_own(self, ledger: Ledger) -> None:
        def accept(conn: Connection, which: int) -> str:
            number = alerts.next_number(conn, year=2026)
            insert_alert(conn, an_alert(identifier=f"a-{which}", sent=NOW), number)
            return number

        numbers = await asyncio.gather(*(ledger.write(partial(accept, which=which)) for which in range(8)))
        assert sorted(numbers) == [f"2026-{n:04d}" for n in range(1, 9)]

    async def test_the_ten_thousandth_alert_of_a_year_has_a_successor(self, ledger: Ledger) -> None:
        for which, number in enumerate(("2026-9999", "2026-10000")):
            await ledger.write(
                partial(insert_alert, alert=an_alert(identifier=f"a-{which}", sent=NOW), number=number)
            )
        assert await ledger.read(lambda conn: alerts.next_number(conn, year=2026)) == "2026-10001"

    @pytest.mark.parametrize(
        ("changes", "place"),
        [
            ({"references": ("none",)}, "there is no alert none"),
            ({"references": ("a-1",)}, "does not follow"),
            ({"references": ("a-1",), "sequence": 2, "mode": Mode.STAFF_DRILL}, "never mixed"),
            ({"targeting": Targeting(audience=Reached(identifier="a-1"), channels=("mail",))}, "audience"),
        ],
        ids=["nothing", "out of order", "another mode", "an audience it does not refer to"],
    )
    async def test_an_alert_refers_only_to_what_it_follows(
        self, ledger: Ledger, changes: dict[str, Any], place: str
    ) -> None:
        await accepted_alert(ledger)
        with pytest.raises(BadInput, match=place):
            await ledger.write(
                partial(
                    insert_alert, alert=an_alert(identifier="a-2", sent=NOW, **changes), number="2026-0002"
                )
            )
        assert await ledger.read(lambda conn: alerts.next_number(conn, year=2026)) == "2026-0002"

    async def test_alerts_are_searched_page_by_page(self, ledger: Ledger) -> None:
        for number in range(1, 6):
            alert = an_alert(identifier=f"s-{number}", sent=NOW + timedelta(hours=number))
            await ledger.write(partial(insert_alert, alert=alert, number=f"2026-{number:04d}"))
        found = partial(alerts.search, keys=KEYS, matches=lambda each: each.number != "2026-0003")
        total, page = await ledger.read(partial(found, offset=1, limit=2))
        assert (total, [each.number for each in page]) == (4, ["2026-0004", "2026-0002"])
        total, page = await ledger.read(
            partial(found, since=NOW + timedelta(hours=2), before=NOW + timedelta(hours=4))
        )
        assert (total, [each.number for each in page]) == (1, ["2026-0002"])
        assert await ledger.read(partial(found, modes=(Mode.STAFF_DRILL,))) == (0, [])

    async def test_a_changed_alert_is_refused(self, ledger: Ledger) -> None:
        await accepted_alert(ledger)
        payload = codec.encode(an_alert(identifier="a-1", sent=NOW + timedelta(hours=1)))
        await ledger.write(lambda conn: conn.execute(update(tables.alerts).values(payload=payload)))
        with pytest.raises(BadInput, match="MAC"):
            await ledger.read(lambda conn: alerts.get(conn, KEYS, "a-1"))

    async def test_numbers_rise_within_a_year(self, ledger: Ledger) -> None:
        await accepted_alert(ledger)
        assert await ledger.read(lambda conn: alerts.next_number(conn, year=2026)) == "2026-0002"
        assert await ledger.read(lambda conn: alerts.next_number(conn, year=2027)) == "2027-0001"

    async def test_of_all_who_approve_at_once_one_sends_and_the_others_learn_what(
        self, ledger: Ledger
    ) -> None:
        intake = await an_intake(ledger)
        draft = await intake.save(a_message(), AUTHOR)
        await intake.submit(draft.id, AUTHOR, seen=1)
        approval = Approval(draft=draft.id, version=2, typed=draft.message.level)
        ends = await asyncio.gather(
            *(intake.accept(approval, APPROVER) for _ in range(5)), return_exceptions=True
        )
        (sent,) = [end for end in ends if isinstance(end, Accepted)]
        told = [end for end in ends if isinstance(end, AlreadySent)]
        assert [each.alert for each in told] == [sent.alert.identifier] * 4
        assert len(await ledger.read(lambda conn: alerts.recent(conn, KEYS))) == 1
        await ledger.read(lambda conn: audit.verify(conn, KEYS))
