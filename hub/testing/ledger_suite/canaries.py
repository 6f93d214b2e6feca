"""Canaries: one process sends, and what was said of one counts for that one."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Connection

from hub import receipts
from hub.channel import Receipt
from hub.delivery import Outcome, ProviderRef
from hub.ledger import Ledger, canaries
from hub.testing.ledger_suite.rows import MAIL, NOW, RANDOM

SOON = NOW + timedelta(minutes=3)
LATER = NOW + timedelta(minutes=20)


class CanarySuite:
    async def test_of_two_processes_that_see_the_same_one_sends(self, ledger: Ledger) -> None:
        def begin(conn: Connection) -> list[bool]:
            return [canaries.begin(conn, "mail", key=key, last=None, at=NOW) for key in ("a", "b")]

        assert await ledger.write(begin) == [True, False]
        known = (await ledger.read(canaries.known))["mail"]
        assert (known.key, known.sent_at, known.waiting) == ("a", NOW, True)

    async def test_what_arrived_is_proven_once_and_clears_what_was_missed(self, ledger: Ledger) -> None:
        def lives(conn: Connection) -> list[object]:
            canaries.begin(conn, "mail", key="a", last=None, at=NOW)
            first = canaries.miss(conn, "mail", key="a", detail="late")
            again = canaries.miss(conn, "mail", key="a", detail="late")
            return [first, again, *(canaries.prove(conn, "mail", key="a", at=SOON) for _ in range(2))]

        assert await ledger.write(lives) == [1, 0, True, False]
        known = (await ledger.read(canaries.known))["mail"]
        assert (known.missed, known.proven_at, known.took) == (0, SOON, timedelta(minutes=3))
        assert not known.detail

    async def test_what_was_said_of_an_earlier_one_changes_nothing(self, ledger: Ledger) -> None:
        def lives(conn: Connection) -> list[object]:
            canaries.begin(conn, "mail", key="a", last=None, at=NOW)
            canaries.miss(conn, "mail", key="a", detail="late")
            canaries.begin(conn, "mail", key="b", last=NOW, at=LATER)
            return [
                canaries.prove(conn, "mail", key="a", at=LATER),
                canaries.miss(conn, "mail", key="a", detail="late"),
                canaries.miss(conn, "mail", key="b", detail="later"),
            ]

        assert await ledger.write(lives) == [False, 0, 2]

    async def test_staff_may_ask_for_one_whatever_the_plan(self, ledger: Ledger) -> None:
        await ledger.write(lambda conn: canaries.ask(conn, "line", at=NOW))
        assert (await ledger.read(canaries.known))["line"].asked_at == NOW
        await ledger.write(lambda conn: canaries.begin(conn, "line", key="a", last=None, at=SOON))
        assert (await ledger.read(canaries.known))["line"].asked_at is None

    async def test_a_receipt_that_no_batch_knows_is_found_once(self, ledger: Ledger) -> None:
        def park(conn: Connection) -> None:
            said = [
                Receipt(ref=ProviderRef("CA1"), outcome=outcome, at=NOW)
                for outcome in (Outcome.DELIVERED, Outcome.TEMPORARY)
            ]
            receipts.apply(conn, "mail", said, MAIL, now=NOW, random=RANDOM)

        await ledger.write(park)
        assert await ledger.write(lambda conn: canaries.receipt(conn, "mail", "CA2")) is None
        found = await ledger.write(lambda conn: canaries.receipt(conn, "mail", "CA1"))
        assert found is not None
        assert found.outcome is Outcome.DELIVERED
        assert await ledger.write(lambda conn: canaries.receipt(conn, "mail", "CA1")) is None

    async def test_what_is_said_by_our_key_is_kept_while_somebody_waits_for_it(self, ledger: Ledger) -> None:
        said = Receipt(ref=ProviderRef("a"), outcome=Outcome.PERMANENT, at=SOON, reason="busy")

        def lives(conn: Connection) -> list[object]:
            before = canaries.report(conn, "fax", said)
            canaries.begin(conn, "fax", key="a", last=None, at=NOW)
            other = canaries.report(conn, "fax", replace(said, ref=ProviderRef("b")))
            return [before, other, canaries.report(conn, "fax", said)]

        assert await ledger.write(lives) == [False, False, True]
        assert await ledger.write(lambda conn: canaries.receipt(conn, "fax", "a")) == said
        await ledger.write(lambda conn: canaries.miss(conn, "fax", key="a", detail="busy"))
        assert not await ledger.write(lambda conn: canaries.report(conn, "fax", said))
