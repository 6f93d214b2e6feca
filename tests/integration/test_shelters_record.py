"""Steps and reports in the ledger: durable, in order, each once."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, make_url, text

from hub import keys as key_files
from hub.codec import RecordCodec
from hub.errors import BadInput, Conflict
from hub.ledger import Ledger, tables
from hub.shelter_list import Crowding
from shelters import checklist, record
from shelters import link as links
from shelters.checklist import Tick
from shelters.link import Link, new_token
from shelters.manual import Item
from shelters.reading import StaffWord
from shelters.record import Report
from shelters.shelter import IllegalStep, Stage, Step
from shelters.site import SiteCode
from shelters.support import Support
from shelters.tables import metadata
from tests.integration.engine import KEYS

SITE = SiteCode("E1320700035")
RECORDS = RecordCodec(KEYS)
NOON = datetime(2026, 9, 12, 3, 0, tzinfo=UTC)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of its own, on either."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'shelters.db'}"
        return
    server = request.getfixturevalue("postgresql_url")
    name = f"shelters_{uuid4().hex[:12]}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as conn:
        conn.execute(text(f'CREATE DATABASE "{name}"'))
    yield make_url(server).set(database=name).render_as_string(hide_password=False)
    with engine.connect() as conn:
        conn.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    engine.dispose()


@pytest.fixture
async def ledger(url: str) -> AsyncIterator[Ledger]:
    opened = Ledger(url)
    await opened.open()
    await opened.write(metadata.create_all)
    await opened.write(tables.metadata.create_all)
    yield opened
    await opened.close()


async def take(
    ledger: Ledger, number: int, stage: Stage, *, people: int | None = None, by: str = "tanaka"
) -> bool:
    step = Step(site=SITE, number=number, stage=stage, at=NOON, by=by, opens_at=NOON, note="鍵は自治会")
    return await ledger.write(
        lambda conn: record.take_step(conn, RECORDS, step, people=people, recorded_at=NOON)
    )


WAY = (Stage.PREPARING, Stage.STAFF_ARRIVED, Stage.UNLOCKED, Stage.SAFETY_CHECKED, Stage.RECEIVING)


async def test_a_site_stands_where_its_last_step_put_it(ledger: Ledger, url: str) -> None:
    assert (await ledger.read(lambda conn: record.current(conn, SITE))).stage is Stage.UNOPENED
    for number, stage in enumerate(WAY, 1):
        await take(ledger, number, stage)
    await ledger.close()

    again = Ledger(url)
    await again.open()
    steps = await again.read(record.all_current)
    history = await again.read(lambda conn: record.history(conn, SITE))
    await again.close()
    assert steps[SITE] == history[-1]
    assert [step.stage for step in history] == list(WAY)
    assert history[0].opens_at == NOON
    assert history[0].by == "tanaka"


async def test_of_two_who_saw_the_same_step_the_second_is_told(ledger: Ledger) -> None:
    await take(ledger, 1, Stage.PREPARING)
    with pytest.raises(Conflict, match="ほかの人が先に変更しました。いまは「開設準備」です"):
        await take(ledger, 1, Stage.PREPARING, by="sato")
    with pytest.raises(Conflict):
        await take(ledger, 3, Stage.STAFF_ARRIVED)


async def test_a_step_that_comes_again_from_the_same_hand_is_the_same_step(ledger: Ledger) -> None:
    assert await take(ledger, 1, Stage.PREPARING)
    await take(ledger, 2, Stage.STAFF_ARRIVED, by="sato")
    assert not await take(ledger, 1, Stage.PREPARING)
    assert len(await ledger.read(lambda conn: record.history(conn, SITE))) == 2


async def test_an_illegal_step_leaves_no_trace(ledger: Ledger) -> None:
    with pytest.raises(IllegalStep):
        await take(ledger, 1, Stage.RECEIVING)
    assert await ledger.read(record.all_current) == {}


async def test_nobody_is_locked_in(ledger: Ledger) -> None:
    for number, stage in enumerate(WAY, 1):
        await take(ledger, number, stage)
    with pytest.raises(IllegalStep, match="372人"):
        await take(ledger, 6, Stage.CLOSED, people=372)
    await take(ledger, 6, Stage.CLOSED, people=0)


def report(**changes: object) -> Report:
    fields: dict[str, object] = {"id": "r1", "site": SITE, "at": NOON, "by": "yamamoto", "people": 284}
    return Report(**fields | changes)  # type: ignore[arg-type]


async def give(ledger: Ledger, given: Report, at: datetime = NOON) -> None:
    await ledger.write(lambda conn: record.report(conn, given, recorded_at=at))


async def test_a_report_comes_back_whole(ledger: Ledger) -> None:
    given = report(
        households=96,
        need_support=12,
        crowding=Crowding.CROWDED,
        needs=("毛布", "通訳"),
        support={Support.WHEELCHAIR: 2, Support.PET: 0},
        note="停電",
    )
    await give(ledger, given)
    assert await ledger.read(lambda conn: record.latest_report(conn, SITE)) == (given, NOON)


async def test_a_report_that_comes_twice_counts_once(ledger: Ledger) -> None:
    await give(ledger, report())
    await give(ledger, report(people=1))
    readings = await ledger.read(lambda conn: record.readings_since(conn, NOON))
    assert [reading.measure for reading in readings] == [StaffWord(people=284)]


async def test_what_the_transport_lost_is_found_again_by_when_it_was_recorded(ledger: Ledger) -> None:
    """An offline report is recorded late: its own time says nothing of what has been looked at."""
    late = NOON + timedelta(minutes=40)
    await give(ledger, report())
    await give(ledger, report(id="r2", people=None, crowding=Crowding.FULL), at=late)
    await give(ledger, report(id="r3", people=None, note="毛布が足りません"), at=late)
    readings = await ledger.read(lambda conn: record.readings_since(conn, late))
    assert [(reading.id, reading.at, reading.device) for reading in readings] == [("r2", NOON, record.STAFF)]


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"people": -1}, "people"),
        ({"people": 1_000_000}, "people"),
        ({"households": -5}, "households"),
        ({"support": {Support.INFANT: -1}}, "support-infant"),
        ({"crowding": Crowding.UNKNOWN}, "crowding"),
        ({"people": None}, "report"),
    ],
)
async def test_a_report_that_cannot_be_is_refused(
    ledger: Ledger, changes: dict[str, object], place: str
) -> None:
    with pytest.raises(BadInput) as refused:
        await give(ledger, report(**changes))
    assert refused.value.path == place


async def test_a_tick_stands_until_it_is_undone(ledger: Ledger) -> None:
    def say(name: str, *, done: bool, minutes: int) -> Tick:
        at = NOON + timedelta(minutes=minutes)
        return Tick(id=name, site=SITE, opening=1, item=Item.GAS, done=done, at=at, by="tanaka")

    async def give_tick(tick: Tick) -> bool:
        return await ledger.write(lambda conn: checklist.record(conn, tick, begun=1, recorded_at=NOON))

    first = say("a", done=True, minutes=1)
    assert [await give_tick(first), await give_tick(first)] == [True, False]
    assert await ledger.read(lambda conn: checklist.ticked(conn, SITE, 1)) == {Item.GAS: first}
    await give_tick(say("b", done=False, minutes=2))
    assert await ledger.read(lambda conn: checklist.ticked(conn, SITE, 1)) == {}


async def test_a_link_is_found_by_its_token_until_it_is_revoked(ledger: Ledger, tmp_path: Path) -> None:
    key_files.create(tmp_path / "keys")
    keys, token = key_files.load(tmp_path / "keys"), new_token()
    link = Link(
        id=str(uuid4()),
        site=SITE,
        created_at=NOON,
        created_by="tanaka",
        expires_at=NOON + timedelta(hours=12),
    )
    await ledger.write(lambda conn: links.add(conn, keys, link, token))
    with pytest.raises(Conflict):
        await ledger.write(lambda conn: links.add(conn, keys, link, new_token()))

    async def found(word: str, at: datetime) -> Link | None:
        return await ledger.read(lambda conn: links.find(conn, keys, word, at=at))

    assert await found(token, NOON) == link
    assert await found(new_token(), NOON) is None
    assert await found(token, link.expires_at) is None
    assert await ledger.write(lambda conn: links.revoke(conn, SITE, link.id, by="sato", at=NOON))
    assert await found(token, NOON) is None
