"""New numbers are tried once: by day, one after the other, twice at the most, and never beside an alert."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Connection

from hub import receipts, trials
from hub.alert import Mode
from hub.capabilities import Capabilities
from hub.channel import Health, Parcel, Receipt
from hub.delivery import Outcome, ProviderRef, Result
from hub.language import Language
from hub.ledger import audit, register
from hub.ledger import trials as record
from hub.ledger.register import Registration
from hub.ledger.trials import Finding, Trial
from hub.recipient import Kind, RecipientId, Town
from hub.testing.ledger_suite.rows import RANDOM
from hub.trials import FIRST_AFTER, PUT_OFF, SECOND_AFTER, WAIT, Hours, Trials
from tests.unit.residents.portal_setup import CITY, a_town, flood_order
from tests.unit.residents.portal_setup import Town as Place

NINE = datetime(2026, 11, 30, 0, 0, tzinfo=UTC)
"""In Japan."""
HOURS = Hours(begin=time(9), end=time(20))


class Line:
    """Takes what it is given under a reference; what becomes of it is reported later."""

    def __init__(self, kind: str) -> None:
        self.capabilities = Capabilities(kind=kind, japanese=kind, batch_size=1)
        self.taken: list[Parcel] = []
        self.outcome = Outcome.ACCEPTED
        self.broken = False

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def probe(self) -> Health:
        return Health(ok=True, detail="", checked_at=NINE)

    async def send(self, parcel: Parcel) -> AsyncIterator[Result]:
        parcel.gate()
        self.taken.append(parcel)
        if self.broken:
            raise RuntimeError("died under way")
        ref = ProviderRef(f"CA{len(self.taken)}") if self.outcome is Outcome.ACCEPTED else None
        yield Result(parcel.to[0].id, self.outcome, ref)


@dataclass(slots=True)
class Watch:
    place: Place
    voice: Line
    fax: Line

    async def register(self, *people: tuple[str, str, Language], at: datetime = NINE) -> list[RecipientId]:
        new = [
            Registration(
                kind=Kind.RESIDENT, language=language, town=Town("13207-006"), contacts={kind: number}
            )
            for kind, number, language in people
        ]

        def work(conn: Connection) -> list[RecipientId]:
            ids = register.add(conn, self.place.keys, new, at=at)
            kinds = {id_: list(one.contacts) for id_, one in zip(ids, new, strict=True)}
            trials.ask(conn, kinds, at=at)
            return ids

        return await self.place.ledger.write(work)

    def process(self) -> Trials:
        return Trials(
            [self.voice, self.fax], ledger=self.place.ledger, keys=self.place.keys, clock=self.place.clock,
            hours=HOURS, city=CITY.names, link="https://here.example",
        )  # fmt: skip

    async def after(self, passed: timedelta = timedelta(0)) -> None:
        """Somebody looks so much later: each time another process."""
        self.place.now += passed
        await self.process().look()

    async def said(self, outcome: Outcome) -> None:
        """The provider reports of the last call, as the role `receipts` takes it in."""
        told = Receipt(
            ref=ProviderRef(f"CA{len(self.voice.taken)}"), outcome=outcome, at=self.place.now, reason=""
        )
        await self.place.ledger.write(
            lambda conn: receipts.apply(
                conn, "voice", [told], self.voice.capabilities, now=self.place.now, random=RANDOM
            )
        )

    async def of(self, recipient: RecipientId, kind: str = "voice") -> Trial:
        found = await self.place.ledger.read(lambda conn: record.of(conn, recipient, kind))
        assert found is not None
        return found


@pytest.fixture
async def watch(tmp_path: Path) -> AsyncIterator[Watch]:
    async with a_town(tmp_path) as place:
        place.now = NINE
        yield Watch(place, Line("voice"), Line("fax"))


ABE = ("voice", "+819011110000", Language.VI)
BABA = ("voice", "+819011110001", Language.JA)
CHIBA = ("fax", "+81425550100", Language.NE)


async def test_a_new_number_rings_once_in_its_language_and_is_confirmed(watch: Watch) -> None:
    (abe,) = await watch.register(ABE)
    await watch.after(FIRST_AFTER - timedelta(seconds=1))
    assert not watch.voice.taken, "whoever registered it is still at the counter"
    await watch.after(timedelta(seconds=1))
    (call,) = watch.voice.taken
    assert "Đây không phải là thông tin thiên tai" in call.content.text(call.content.speech)
    assert [each.address for each in call.to] == [ABE[1]]
    await watch.said(Outcome.DELIVERED)
    await watch.after(timedelta(seconds=30))
    assert (await watch.of(abe)).finding is Finding.CONFIRMED
    await watch.after(timedelta(days=1))
    assert len(watch.voice.taken) == 1
    (entry,) = await watch.place.ledger.read(lambda conn: audit.about(conn, ["trial calls"]))
    assert (entry.action, entry.detail) == ("call.try", {"recipient": abe, "channel": "voice"})


async def test_nobody_picks_up_twice_and_then_staff_are_told(watch: Watch) -> None:
    (abe,) = await watch.register(ABE)
    await watch.after(FIRST_AFTER)
    await watch.said(Outcome.TEMPORARY)
    await watch.after()
    await watch.after(SECOND_AFTER - timedelta(seconds=1))
    assert len(watch.voice.taken) == 1
    await watch.after(timedelta(seconds=1))
    assert len(watch.voice.taken) == 2
    await watch.said(Outcome.TEMPORARY)
    await watch.after()
    assert (await watch.of(abe)).finding is Finding.UNANSWERED
    await watch.after(timedelta(days=1))
    assert len(watch.voice.taken) == 2
    failed = await watch.place.ledger.read(lambda conn: record.failed(conn, limit=9))
    assert [(each.trial.recipient, each.language) for each in failed] == [(abe, Language.VI)]


@pytest.mark.parametrize("reported", [False, True], ids=["refused at once", "reported later"])
async def test_a_number_that_is_none_is_wrong_at_the_first_try(watch: Watch, *, reported: bool) -> None:
    (abe,) = await watch.register(ABE)
    watch.voice.outcome = Outcome.ACCEPTED if reported else Outcome.PERMANENT
    await watch.after(FIRST_AFTER)
    if reported:
        await watch.said(Outcome.PERMANENT)
        await watch.after()
    assert (await watch.of(abe)).finding is Finding.WRONG


@pytest.mark.parametrize(("hour", "rings"), [(8.99, 0), (9, 1), (19.99, 1), (20, 0), (3, 0)])
async def test_it_rings_by_day_only(watch: Watch, hour: float, rings: int) -> None:
    await watch.register(ABE)
    await watch.after(timedelta(days=1, hours=hour - 9))
    assert len(watch.voice.taken) == rings


@pytest.mark.parametrize(("mode", "rings"), [(Mode.LIVE, 0), (Mode.RESIDENT_DRILL, 0), (Mode.STAFF_DRILL, 1)])
async def test_nothing_rings_while_residents_are_told_of_an_alert(
    watch: Watch, mode: Mode, rings: int
) -> None:
    await watch.register(ABE)
    await watch.place.publish(flood_order(mode=mode, sent=NINE), "2026-0147")
    await watch.after(FIRST_AFTER)
    assert len(watch.voice.taken) == rings


async def test_one_after_the_other_and_never_two_of_the_same(watch: Watch) -> None:
    """However many processes look at once."""
    await watch.register(ABE, BABA)
    watch.place.now += FIRST_AFTER
    for seconds, rung in ((0, 1), (4, 1), (1, 2), (60, 2)):
        watch.place.now += timedelta(seconds=seconds)
        await asyncio.gather(*(watch.process().look() for _ in range(4)))
        assert len(watch.voice.taken) == rung
    assert [call.to[0].address for call in watch.voice.taken] == [ABE[1], BABA[1]]


async def test_who_dies_under_way_has_called_once_and_the_next_calls_once_more(watch: Watch) -> None:
    (abe,) = await watch.register(ABE)
    watch.voice.broken = True
    await watch.after(FIRST_AFTER)
    await watch.after(WAIT["voice"] - timedelta(seconds=1))
    await watch.after(timedelta(seconds=1))
    await watch.after(SECOND_AFTER)
    await watch.after(WAIT["voice"])
    assert (await watch.of(abe)).finding is Finding.UNCLEAR
    assert len(watch.voice.taken) == record.MOST_TRIES


async def test_what_the_gateway_had_nothing_of_is_no_try(watch: Watch) -> None:
    (abe,) = await watch.register(ABE)
    watch.voice.outcome = Outcome.CREDENTIALS
    await watch.after(FIRST_AFTER)
    await watch.after(PUT_OFF - timedelta(seconds=1))
    assert len(watch.voice.taken) == 1
    for _ in range(5):
        await watch.after(PUT_OFF)
    assert (await watch.of(abe)).tries == 0
    watch.voice.outcome = Outcome.ACCEPTED
    await watch.after(PUT_OFF)
    await watch.said(Outcome.DELIVERED)
    await watch.after()
    assert (await watch.of(abe)).finding is Finding.CONFIRMED


async def test_a_fax_is_known_by_our_key_and_never_comes_out_twice_unasked(watch: Watch) -> None:
    (chiba,) = await watch.register(CHIBA)
    await watch.after(FIRST_AFTER)
    (page,) = watch.fax.taken
    assert page.content.language is Language.NE
    assert "विपद्को सूचना होइन" in page.content.text(page.content.body)
    await watch.after(WAIT["fax"])
    assert (await watch.of(chiba, "fax")).finding is Finding.UNCLEAR
    await watch.after(timedelta(days=1))
    assert len(watch.fax.taken) == 1

    def late(conn: Connection) -> bool:
        return trials.report(
            conn, "fax", page.idempotency_key, Outcome.DELIVERED, reason="sent", at=watch.place.now
        )

    assert await watch.place.ledger.write(late)
    assert (await watch.of(chiba, "fax")).finding is Finding.CONFIRMED
    assert not await watch.place.ledger.write(
        lambda conn: trials.report(conn, "fax", UUID(int=1), Outcome.DELIVERED, reason="", at=NINE)
    )


async def test_a_number_that_leaves_the_register_is_not_called(watch: Watch) -> None:
    (abe,) = await watch.register(ABE)
    await watch.place.ledger.write(lambda conn: register.end(conn, watch.place.keys, "voice", abe))
    await watch.after(FIRST_AFTER)
    assert not watch.voice.taken
    assert await watch.place.ledger.read(lambda conn: record.of(conn, abe, "voice")) is None


async def test_a_call_made_by_a_clock_that_was_wrong_is_waited_for_no_longer(watch: Watch) -> None:
    (abe,) = await watch.register(ABE)
    await watch.after(timedelta(days=30))
    assert (await watch.of(abe)).waiting
    watch.place.now = NINE
    await watch.after(timedelta(minutes=1))
    trial = await watch.of(abe)
    assert (trial.waiting, trial.tries) == (False, 1)
    await watch.after(SECOND_AFTER)
    assert len(watch.voice.taken) == 2
