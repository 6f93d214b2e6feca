"""Receipts find their send, whichever came first."""

import asyncio
from collections import Counter
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import Connection

from hub import receipts
from hub.channel import Receipt
from hub.delivery import Outcome, ProviderRef, Result, tally
from hub.ledger import (
    Ledger,
    batches,
    envelopes,
    tempo,
)
from hub.retry import judge
from hub.testing.ledger_suite.rows import (
    BY_ENVELOPE,
    MAIL,
    NOW,
    RANDOM,
    by_envelope,
    claim_batch,
    fold,
    planned_batch,
    record_batch,
    ref_of,
)


class ReceiptSuite:
    async def test_a_receipt_and_the_record_of_its_send_never_miss_each_other(self, ledger: Ledger) -> None:
        batch = await planned_batch(ledger)
        await claim_batch(ledger, batch, "a")
        said = Receipt(ref=ProviderRef("sid"), outcome=Outcome.DELIVERED, at=NOW)

        def record(conn: Connection) -> None:
            results = {0: Result(batch.members[0], Outcome.ACCEPTED, said.ref)}
            results |= {i: Result(batch.members[i], Outcome.PERMANENT) for i in (1, 2)}
            batches.record(conn, [batches.Record(batch=batch, owner="a", results=results, children=[], moved=[], settles_at=None,
                reached_between=None, keep_refs=True,
            )])  # fmt: skip
            receipts.unpark(conn, "mail", [said.ref], MAIL, now=NOW, random=RANDOM)

        def report(conn: Connection) -> None:
            receipts.apply(conn, "mail", [said], MAIL, now=NOW, random=RANDOM)

        await asyncio.gather(ledger.write(record), ledger.write(report))
        await ledger.write(lambda conn: receipts.fold_parked(conn, {"mail": MAIL}, now=NOW, random=RANDOM))
        (row,) = await ledger.read(lambda conn: list(batches.of_alert(conn, "a-1")))
        assert row.receipt[0] == Outcome.DELIVERED

    async def test_a_receipt_by_envelope_finds_its_send_without_a_stored_reference(
        self, ledger: Ledger
    ) -> None:
        batch = await planned_batch(ledger)
        await claim_batch(ledger, batch, "a")
        said = by_envelope(batch, position=2, outcome=Outcome.PERMANENT)
        assert await fold(ledger, said) == 0, "its send is not recorded: it waits"
        assert await record_batch(ledger, batch, "a", Outcome.ACCEPTED)
        await ledger.write(
            lambda conn: receipts.fold_parked(conn, {"mail": BY_ENVELOPE}, now=NOW, random=RANDOM)
        )
        (row,) = await ledger.read(lambda conn: list(batches.of_alert(conn, "a-1")))
        assert tally(row.handover, row.receipt) == {Outcome.ACCEPTED: 2, Outcome.PERMANENT: 1}
        assert row.receipt[2] == Outcome.PERMANENT
        assert await fold(ledger, said) == 1, "what comes twice"
        (again,) = await ledger.read(lambda conn: list(batches.of_alert(conn, "a-1")))
        assert (again.receipt, again.reasons) == (row.receipt, row.reasons)

    async def test_a_receipt_by_envelope_finds_the_retry_that_its_recipient_moved_to(
        self, ledger: Ledger
    ) -> None:
        """A retry keeps the key."""
        batch = await planned_batch(ledger)
        await claim_batch(ledger, batch, "a")
        results = {i: Result(member, Outcome.ACCEPTED) for i, member in enumerate(batch.members)}
        results[1] = Result(batch.members[1], Outcome.TEMPORARY)
        verdict = judge(batch, results, BY_ENVELOPE, now=NOW, random=RANDOM)
        await ledger.write(
            lambda conn: batches.record(
                conn,
                [
                    batches.Record(
                        batch=batch,
                        owner="a",
                        results=verdict.final,
                        children=verdict.children,
                        moved=verdict.moved,
                        reached_between=(NOW, NOW),
                    )
                ],
            )
        )
        (retry,) = [planned.batch for planned in verdict.children]
        said = by_envelope(retry, position=0, outcome=Outcome.PERMANENT)
        assert await fold(ledger, said) == 0, "the retry is not sent yet"
        await claim_batch(ledger, retry, "b")
        assert await record_batch(ledger, retry, "b", Outcome.ACCEPTED)
        assert await fold(ledger, said) == 1
        rows = await ledger.read(lambda conn: list(batches.of_alert(conn, "a-1")))
        merged = Counter[Outcome]()
        for row in rows:
            merged += tally(row.handover, row.receipt)
        assert merged == {Outcome.ACCEPTED: 2, Outcome.PERMANENT: 1}

    async def test_an_envelope_that_is_not_ours_is_nobodys(self, ledger: Ledger) -> None:
        batch = await planned_batch(ledger)
        await claim_batch(ledger, batch, "a")
        assert await record_batch(ledger, batch, "a", Outcome.ACCEPTED)
        strange = [ProviderRef(f"{'0' * 32}/1"), ProviderRef("no/key"), ProviderRef("")]
        stranger = ProviderRef(f"{batch.idempotency_key.hex}/9999")
        found = await ledger.read(lambda conn: envelopes.places(conn, "mail", [*strange, stranger]))
        assert found == {}
        assert await ledger.read(lambda conn: envelopes.places(conn, "voice", [ref_of(batch, 0)])) == {}
        assert await ledger.read(lambda conn: set(envelopes.places(conn, "mail", [ref_of(batch, 0)]))) == {
            ref_of(batch, 0)
        }

    @pytest.mark.parametrize("stopped", [False, True])
    async def test_a_proof_of_arrival_counts_though_another_try_was_planned(
        self, ledger: Ledger, stopped: bool
    ) -> None:
        """Providers keep no order: busy may come before delivered, and a retry stands by then."""
        batch = await planned_batch(ledger)
        await claim_batch(ledger, batch, "a")
        refs = [ProviderRef(f"sid {member}") for member in batch.members]
        results = {i: Result(member, Outcome.ACCEPTED, refs[i]) for i, member in enumerate(batch.members)}

        def hear(conn: Connection, outcome: Outcome, *whose: ProviderRef) -> None:
            said = [Receipt(ref=ref, outcome=outcome, at=NOW) for ref in whose]
            receipts.apply(conn, "mail", said, MAIL, now=NOW, random=RANDOM)

        def record(conn: Connection) -> None:
            batches.record(conn, [batches.Record(batch=batch, owner="a", results=results, keep_refs=True)])
            hear(conn, Outcome.TEMPORARY, *refs)
            if stopped:
                batches.settle_unsent(conn, batch.alert, Outcome.CANCELLED)

        await ledger.write(record)
        for _ in range(2):
            await ledger.write(lambda conn: hear(conn, Outcome.DELIVERED, refs[1]))
        rows = await ledger.read(lambda conn: list(batches.of_alert(conn, "a-1")))
        counted = sum((tally(row.handover, row.receipt) for row in rows), Counter())
        waiting = Outcome.CANCELLED if stopped else Outcome.PENDING
        assert counted == {Outcome.DELIVERED: 1, waiting: len(batch.members) - 1}
        went = await ledger.read(lambda conn: tempo.tempo(conn, "a-1"))
        assert went.arrived == [("mail", NOW.replace(microsecond=0), 1)], "once, on whatever try it came"

    async def test_when_how_many_were_taken_and_arrived_is_known_to_the_second(self, ledger: Ledger) -> None:
        batch = await planned_batch(ledger)
        await claim_batch(ledger, batch, "a")
        said = (Outcome.ACCEPTED, Outcome.DELIVERED, Outcome.PERMANENT)
        ref, at = ProviderRef("sid"), NOW + timedelta(seconds=1)
        results = {
            i: Result(member, said[i], ref if i == 0 else None) for i, member in enumerate(batch.members)
        }
        record = batches.Record(
            batch=batch, owner="a", results=results, reached_between=(NOW, at), keep_refs=True
        )
        await ledger.write(lambda conn: batches.record(conn, [record]))
        late = at + timedelta(minutes=3)
        heard = [Receipt(ref=ref, outcome=Outcome.DELIVERED, at=late)]
        for _ in range(2):
            await ledger.write(
                lambda conn: receipts.apply(conn, "mail", heard, MAIL, now=late, random=RANDOM)
            )
        went = await ledger.read(lambda conn: tempo.tempo(conn, "a-1"))
        assert went.accepted == [("mail", at, 2)]
        assert went.arrived == [("mail", at, 1), ("mail", late.replace(microsecond=0), 1)]

    @pytest.mark.parametrize("name", ["s" * 5_000, "s\x00id", "\ud800"])
    async def test_whatever_a_provider_calls_a_send_its_receipt_finds_it(
        self, ledger: Ledger, name: str
    ) -> None:
        """PostgreSQL takes no NUL in a text, and no more than a column holds."""
        batch = await planned_batch(ledger)
        await claim_batch(ledger, batch, "a")
        said = [
            Receipt(ref=ProviderRef(name + last), outcome=outcome, at=NOW, reason="busy\x00" * 100)
            for last, outcome in (("1", Outcome.PERMANENT), ("2", Outcome.DELIVERED))
        ]
        results = {
            i: Result(member, Outcome.ACCEPTED, said[i].ref if i < len(said) else None)
            for i, member in enumerate(batch.members)
        }

        def late(conn: Connection) -> None:
            batches.record(conn, [batches.Record(batch=batch, owner="a", results=results, keep_refs=True)])
            receipts.fold_parked(conn, {"mail": MAIL}, now=NOW, random=RANDOM)

        await ledger.write(lambda conn: receipts.apply(conn, "mail", said, MAIL, now=NOW, random=RANDOM))
        await ledger.write(late)
        (row,) = await ledger.read(lambda conn: list(batches.of_alert(conn, "a-1")))
        assert list(row.receipt[:2]) == [Outcome.PERMANENT, Outcome.DELIVERED]

    async def test_it_knows_which_of_a_providers_ids_a_recorded_send_has(self, ledger: Ledger) -> None:
        batch = await planned_batch(ledger)
        await claim_batch(ledger, batch, "a")
        ref, other = ProviderRef("sid"), ProviderRef("another")
        results = {
            i: Result(member, Outcome.ACCEPTED, ref if i == 0 else None)
            for i, member in enumerate(batch.members)
        }
        await ledger.write(
            lambda conn: batches.record(
                conn,
                [
                    batches.Record(
                        batch=batch,
                        owner="a",
                        results=results,
                        children=[],
                        moved=[],
                        settles_at=None,
                        reached_between=None,
                        keep_refs=True,
                    )
                ],
            )
        )
        asked = partial(batches.recorded_refs, refs=[ref, other])
        assert await ledger.read(partial(asked, channel="mail")) == {ref}
        assert await ledger.read(partial(asked, channel="voice")) == set()
