"""What every ledger guarantees to who reads much of it, or writes it anew, a little at a time.

A subclass gives `url`, of an empty database that is its own.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from random import Random
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from sqlalchemy import Connection, func, select

from hub import receipts
from hub.alert import Alert
from hub.cap import MsgType
from hub.capabilities import Capabilities
from hub.channel import Receipt
from hub.delivery import Batch, Outcome, ProviderRef, Result, Variant
from hub.gate import LEASE
from hub.keys import Keys
from hub.language import Language
from hub.ledger import (
    Ledger,
    alerts,
    batches,
    census,
    corrections,
    deployment,
    packing,
    packs,
    plans,
    register,
    tables,
)
from hub.ledger.batches import Place, Planned
from hub.ledger.plans import Cursor
from hub.ledger.register import Registration
from hub.outbound import Deployment
from hub.recipient import Kind, Reached, RecipientId, Targeting, Town, Zone
from hub.retry import batch_id, key_of
from hub.testing.alerts import an_alert

KEYS = Keys(fields={"1": bytes(32)}, index=bytes(32), record=bytes(32))
NOW = datetime(2026, 11, 23, 12, 47, tzinfo=UTC)
HASH = "0" * 64
RANDOM = Random(0)  # noqa: S311 - jitter
MAIL = Capabilities(kind="mail", japanese="メール", batch_size=100, receipt_wait=timedelta(minutes=5))
VARIANTS = [Variant(language, zone) for language in Language for zone in (None, Zone("z2"), Zone("z10"))]


class ReadingSuite:
    @pytest_asyncio.fixture
    async def ledger(self, url: str) -> AsyncIterator[Ledger]:
        opened = Ledger(url)
        await opened.open()
        await opened.write(lambda conn: deployment.establish(conn, Deployment.REHEARSAL, "132071", at=NOW))
        yield opened
        await opened.close()

    # --- packs ---

    async def test_packs_made_a_little_at_a_time_are_those_made_at_once(self, ledger: Ledger) -> None:
        await _registered(ledger, 2_600)
        await ledger.write(lambda conn: register.rebuild(conn, KEYS))
        at_once = await ledger.read(_packs)
        assert await packing.repack(ledger, KEYS) == 2_600
        assert await ledger.read(_packs) == at_once
        variant, ids = next((variant, ids) for variant, ids, _ in at_once if len(ids) > 1)
        found = await ledger.read(lambda conn: register.open_addresses(conn, KEYS, "mail", variant, ids))
        assert set(found.addresses.values()) == {f"r{id_}@mail.example" for id_ in ids}
        assert await ledger.read(census.revision) == 2

    async def test_packs_are_in_force_together_with_what_is_done_along_or_not_at_all(
        self, ledger: Ledger
    ) -> None:
        await _registered(ledger, 600)
        await packing.repack(ledger, KEYS)
        before = await ledger.read(_packs)
        await _registered(ledger, 600, first=601)

        def refuse(_: Connection) -> None:
            raise RuntimeError

        with pytest.raises(RuntimeError):
            await packing.repack(ledger, KEYS, along=refuse)
        assert await ledger.read(_packs) == before
        assert await ledger.read(census.revision) == 1
        stored = await ledger.read(
            lambda conn: conn.execute(select(func.count()).select_from(tables.packs)).scalar_one()
        )
        assert stored == len(before), "nothing is left of it"

    async def test_what_is_being_packed_is_not_in_force_and_begins_again_when_overtaken(
        self, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await _registered(ledger, 600)
        await packing.repack(ledger, KEYS)
        before = await ledger.read(_packs)
        loop, looks, real = asyncio.get_running_loop(), 0, packing._stage

        def staged(conn: Connection, **others: Any) -> packing._Staged:
            nonlocal looks
            looks += 1
            result = real(conn, **others)
            if looks == 1:
                assert _packs(conn) == before
                asyncio.run_coroutine_threadsafe(overtake(), loop).result()
            return result

        async def overtake() -> None:
            assert await ledger.read(_packs) == before
            await _registered(ledger, 5, first=601)
            await ledger.write(lambda conn: register.rebuild(conn, KEYS))

        monkeypatch.setattr(packing, "_stage", staged)
        assert await packing.repack(ledger, KEYS) == 605
        assert looks == 2
        assert sum(len(ids) for _, ids, _ in await ledger.read(_packs)) == 605

    async def test_who_leaves_is_in_no_pack_and_everybody_else_where_they_were(self, ledger: Ledger) -> None:
        ids = await _registered(ledger, 1_100, variant=VARIANTS[0])
        await packing.repack(ledger, KEYS)
        for gone in (ids[0], ids[499], ids[500], ids[777], ids[-1]):
            assert await ledger.write(lambda conn: register.end(conn, KEYS, "mail", gone))  # noqa: B023
            assert not await ledger.write(lambda conn: register.end(conn, KEYS, "mail", gone))  # noqa: B023
        left = [id_ for n, id_ in enumerate(ids) if n not in {0, 499, 500, 777, 1_099}]
        packs = await ledger.read(_packs)
        assert [id_ for _, pack, _ in packs for id_ in pack] == left
        assert await ledger.read(census.revision) == 6
        found = await ledger.read(
            lambda conn: register.open_addresses(conn, KEYS, "mail", VARIANTS[0], [*left, ids[777]])
        )
        assert set(found.addresses.values()) == {f"r{id_}@mail.example" for id_ in left}
        assert await packing.repack(ledger, KEYS) == len(left)

    async def test_several_who_leave_one_pack_at_once_are_all_gone(self, ledger: Ledger) -> None:
        ids = await _registered(ledger, 40, variant=VARIANTS[0])
        await packing.repack(ledger, KEYS)
        ended = await asyncio.gather(
            *(
                ledger.write(partial(register.end, keys=KEYS, channel="mail", recipient=id_))
                for id_ in ids * 2
            )
        )
        assert ended.count(True) == 40
        assert await ledger.read(_packs) == []

    async def test_who_leaves_while_packs_are_made_is_in_none_of_them(
        self, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ids = await _registered(ledger, 600)
        await packing.repack(ledger, KEYS)
        loop, looks, real = asyncio.get_running_loop(), 0, packing._stage

        def staged(conn: Connection, **others: Any) -> packing._Staged:
            nonlocal looks
            looks += 1
            result = real(conn, **others)
            if looks == 1:
                asyncio.run_coroutine_threadsafe(leave(), loop).result()
            return result

        async def leave() -> None:
            assert await ledger.write(lambda conn: register.end(conn, KEYS, "mail", ids[17]))

        monkeypatch.setattr(packing, "_stage", staged)
        assert await packing.repack(ledger, KEYS) == 599
        assert looks == 2
        assert ids[17] not in {id_ for _, pack, _ in await ledger.read(_packs) for id_ in pack}

    async def test_the_last_contact_takes_the_recipient_along_but_gives_no_number_out_again(
        self, ledger: Ledger
    ) -> None:
        both = Registration(
            kind=Kind.RESIDENT,
            language=Language.JA,
            town=Town("t1"),
            contacts={"mail": "a@mail.example", "line": "U1"},
        )
        only = Registration(
            kind=Kind.RESIDENT, language=Language.JA, town=Town("t1"), contacts={"mail": "b@mail.example"}
        )
        ids = await ledger.write(lambda conn: register.add(conn, KEYS, [both, only], at=NOW))
        await packing.repack(ledger, KEYS)
        for id_ in ids:
            await ledger.write(lambda conn: register.end(conn, KEYS, "mail", id_))  # noqa: B023
        assert await ledger.read(lambda conn: register.find(conn, KEYS, "line", "U1")) == ids[0]
        assert await ledger.read(lambda conn: register.headcount(conn, "mail")) == {}
        (again,) = await ledger.write(lambda conn: register.add(conn, KEYS, [only], at=NOW))
        assert again > ids[1], "an old mail's address would end somebody else's registration"
        assert await ledger.write(lambda conn: register.end(conn, KEYS, "mail", again))
        assert await ledger.write(lambda conn: register.end(conn, KEYS, "line", ids[0]))
        assert await ledger.read(register.registrants) == 2, "the newest number stays"

    async def test_packs_are_walked_from_any_place(self, ledger: Ledger) -> None:
        ids = await _registered(ledger, 1_203, variant=VARIANTS[0])
        await packing.repack(ledger, KEYS)
        for after in (0, 1, 499, 500, 501, 1_202, 1_203):
            walked = await ledger.read(
                lambda conn: [
                    id_
                    for pack in packs.walk(conn, "mail", VARIANTS[0], after=ids[0] - 1 + after)  # noqa: B023
                    for id_ in pack.ids
                ]
            )
            assert [id_ for id_ in walked if id_ >= ids[0] + after] == ids[after:]

    # --- families of batches ---

    async def test_families_come_in_one_order_from_any_place_on(self, ledger: Ledger) -> None:
        await _accepted(ledger, an_alert(identifier="a-1", sent=NOW), "2026-0001")
        roots = [_batch("a-1", variant, seq) for variant in VARIANTS for seq in range(3)]
        retry = _batch("a-1", VARIANTS[4], 1, parent=roots[0])
        await ledger.write(lambda conn: batches.plan(conn, [Planned(each, NOW) for each in [*roots, retry]]))

        def places(conn: Connection, since: Place) -> list[tuple[Place, int]]:
            found = batches.families(conn, "a-1", "mail", since=since)
            return [(place, len(list(rows))) for place, rows in found]

        everything = await ledger.read(partial(places, since=Place("", "", 0)))
        assert len(everything) == len(roots)
        assert sum(number for _, number in everything) == len(roots) + 1
        for at, (place, _) in enumerate(everything):
            assert await ledger.read(partial(places, since=place)) == everything[at:]
        assert (
            await ledger.read(lambda conn: list(islice(batches.planned(conn, "a-1", "mail"), 2)))
            == [(RecipientId(1), RecipientId(2))] * 2
        )
        assert await ledger.read(lambda conn: batches.next_seq(conn, "a-1", "mail", VARIANTS[1])) == 3
        assert await ledger.read(lambda conn: batches.next_seq(conn, "a-1", "line", VARIANTS[1])) == 0

    async def test_batches_that_say_the_same_are_counted_together(self, ledger: Ledger) -> None:
        await _accepted(ledger, an_alert(identifier="a-1", sent=NOW), "2026-0001")
        planned = [Planned(_batch("a-1", VARIANTS[0], seq), NOW + timedelta(seconds=seq)) for seq in range(9)]
        await ledger.write(lambda conn: batches.plan(conn, planned))
        (row,) = await ledger.read(lambda conn: list(batches.counted(conn, "a-1", now=NOW)))
        assert (row.number, row.due_at, row.first_at) == (9, NOW, None)
        assert not row.retried
        assert not row.waiting

    # --- corrections ---

    async def test_a_receipt_and_a_freeze_never_miss_each_other(self, ledger: Ledger) -> None:
        # Whichever comes first: who reads the audience sees the receipt, or the receipt knows of the correction.
        await _sent(ledger, Outcome.PERMANENT)
        correction = an_alert(
            identifier="a-2", sent=NOW, sequence=2, references=("a-1",), msg_type=MsgType.CANCEL,
            targeting=Targeting(audience=Reached(identifier="a-1"), channels=("mail",)),
        )  # fmt: skip
        said = Receipt(ref=ProviderRef("sid"), outcome=Outcome.DELIVERED, at=NOW)

        def report(conn: Connection) -> None:
            receipts.apply(conn, "mail", [said], MAIL, now=NOW, random=RANDOM)

        async def correct() -> list[bytes]:
            await _accepted(ledger, correction, "2026-0002")
            assert await ledger.write(lambda conn: corrections.freeze(conn, "a-1", "mail"))
            found = await ledger.read(lambda conn: list(batches.of_alert(conn, "a-1")))
            return [row.receipt for row in found]

        _, (read,) = await asyncio.gather(ledger.write(report), correct())
        late = await ledger.read(lambda conn: corrections.latecomers(conn, "a-1", "mail", limit=9))
        assert read[0] == Outcome.DELIVERED or [each.recipient for each in late] == [1]

    async def test_a_freeze_waits_for_claims_of_its_channel_and_ends_what_was_given_back(
        self, ledger: Ledger
    ) -> None:
        await _accepted(ledger, an_alert(identifier="a-1", sent=NOW), "2026-0001")
        claimed, given_back = _batch("a-1", VARIANTS[0], 0), _batch("a-1", VARIANTS[0], 1)
        planned = [Planned(claimed, NOW), Planned(given_back, NOW)]
        await ledger.write(lambda conn: batches.plan(conn, planned))
        await ledger.write(lambda conn: batches.claim(conn, [claimed.id], owner="a", lease=LEASE))
        await ledger.write(
            partial(alerts.stop, identifier="a-1", outcome=Outcome.CANCELLED, at=NOW, actor="a")
        )
        assert not await ledger.write(lambda conn: corrections.freeze(conn, "a-1", "mail"))
        assert await ledger.write(lambda conn: corrections.freeze(conn, "a-1", "line"))
        rows = await ledger.read(lambda conn: list(batches.of_alert(conn, "a-1")))
        assert {row.seq: row.handover for row in rows} == {0: bytes(2), 1: bytes([Outcome.CANCELLED]) * 2}

    async def test_two_who_extend_at_once_add_nobody_twice(self, ledger: Ledger) -> None:
        await _accepted(ledger, an_alert(identifier="a-1", sent=NOW), "2026-0001")

        def extend(conn: Connection, name: int) -> None:
            plans.get(conn, "a-1", "mail", hold=True)
            known = {member for ids in batches.planned(conn, "a-1", "mail") for member in ids}
            if not known:
                seq = batches.next_seq(conn, "a-1", "mail", VARIANTS[0])
                plans.extend(conn, "a-1", "mail", [Planned(_batch("a-1", VARIANTS[0], seq + name), NOW)])

        await asyncio.gather(*(ledger.write(partial(extend, name=name)) for name in range(6)))
        rows = await ledger.read(lambda conn: list(batches.of_alert(conn, "a-1")))
        assert len(rows) == 1
        assert await ledger.read(lambda conn: plans.completion(conn, "a-1")) == {"mail": (2, False)}


def _packs(conn: Connection) -> list[tuple[Variant, tuple[RecipientId, ...], Any]]:
    return [
        (variant, pack.ids, pack.traits)
        for variant in packs.variants(conn, "mail")
        for pack in packs.walk(conn, "mail", variant, after=0)
    ]


async def _registered(
    ledger: Ledger, number: int, *, first: int = 1, variant: Variant | None = None
) -> list[RecipientId]:
    people = []
    for i in range(first, first + number):
        language, zone = variant or VARIANTS[i % len(VARIANTS)]
        people.append(
            Registration(
                kind=Kind.RESIDENT,
                language=language,
                town=Town("t1"),
                zone=zone or Zone(""),
                contacts={"mail": f"r{i}@mail.example"},
            )
        )
    return await ledger.write(lambda conn: register.add(conn, KEYS, people, at=NOW))


async def _accepted(ledger: Ledger, alert: Alert, number: str) -> None:
    def work(conn: Connection) -> None:
        batches.insert_content(conn, HASH, b"{}")
        alerts.insert_alert(
            conn, KEYS, alert, number=number, digest=bytes(32), author="a", approver="b", break_glass=None
        )
        for reference in alert.references:
            alerts.stop(conn, reference, outcome=Outcome.SUPERSEDED, at=NOW, actor="a")

    await ledger.write(work)


async def _sent(ledger: Ledger, outcome: Outcome) -> None:
    await _accepted(ledger, an_alert(identifier="a-1", sent=NOW), "2026-0001")
    batch = _batch("a-1", VARIANTS[0], 0)

    def work(conn: Connection) -> None:
        plans.advance(
            conn, "a-1", "mail", step=0, to=Cursor(after=2), planned=[Planned(batch, NOW)], complete_at=NOW
        )
        batches.claim(conn, [batch.id], owner="a", lease=LEASE)
        results = {i: Result(member, outcome) for i, member in enumerate(batch.members)}
        results[0] = msgspec.structs.replace(results[0], ref=ProviderRef("sid"))
        batches.record(conn, [batches.Record(batch=batch, owner="a", results=results, children=[], moved=[], settles_at=None,
            reached_between=None, keep_refs=True,
        )])  # fmt: skip

    await ledger.write(work)


def _batch(alert: str, variant: Variant, seq: int, *, parent: Batch | None = None) -> Batch:
    accepted = an_alert(identifier=alert, sent=NOW)
    id_ = batch_id(alert, *variant, seq, parent and parent.id)
    return Batch(
        id=id_, alert=alert, version=1, mode=accepted.mode, lane=accepted.lane, channel="mail",
        variant=variant, seq=seq, members=(RecipientId(1), RecipientId(2)), content_hash=HASH,
        idempotency_key=key_of(id_), expires=accepted.expires, parent=None if parent is None else parent.id,
    )  # fmt: skip
