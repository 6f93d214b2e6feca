"""From readings to the board, through a real bus: durable, once, and honest about silence."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

import config
from hub import city, keys
from hub.bus import OCCUPANCY, READINGS
from hub.bus.embedded import EmbeddedBus
from hub.codec import RecordCodec
from hub.hazard import Hazard
from hub.ledger import Ledger, sqlite_url, tables
from hub.live.memory import MemoryLive
from hub.recipient import Zone
from hub.shelter_list import Crowding
from shelters import intake, record
from shelters.ahead import HORIZONS
from shelters.board import Board, LiveBoard
from shelters.crowding import Thresholds
from shelters.device import Counts, Device, Devices
from shelters.gateway import PATH, Gateway
from shelters.history import History
from shelters.intake import A_RECORD
from shelters.keeper import Keeper
from shelters.occupancy import Occupancy
from shelters.outlooks import Outlooks
from shelters.reading import DoorTotals, HeadCount, Measure, Reading, Readings, StaffWord
from shelters.record import Report
from shelters.shelter import Stage, Step
from shelters.site import Site, SiteCode, load_sites
from shelters.snapshots import Snapshots
from shelters.tables import metadata
from tests.integration.letters import letters
from yobikake.rehearsal.sensors import Sensors, post, with_inventions

PATIENCE_S = 120.0
SITE = SiteCode("E1320700035")
MINUTE = timedelta(minutes=1)
SITES = {
    code: site for code, site in load_sites(config.folder("akishima")).items() if Hazard.FLOOD in site.hazards
}
DOOR = Device(id="north", site=SITE, counts=Counts.DOOR_TOTALS, key="", interval=MINUTE, error_percent=0)


@dataclass(slots=True)
class Hand:
    """A clock that stands still until it is moved."""

    now: datetime = datetime(2026, 9, 12, 13, 0, tzinfo=UTC)
    start: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.start = self.now

    def __call__(self) -> datetime:
        return self.now


@dataclass(slots=True, kw_only=True)
class Hub:
    """One process; `keeper` may be made again on the same files."""

    folder: Path
    clock: Hand
    bus: EmbeddedBus
    ledger: Ledger
    records: RecordCodec
    snapshots: Snapshots
    history: History
    live: MemoryLive
    devices: Devices
    sites: dict[SiteCode, Site]
    thresholds: Thresholds = field(default_factory=lambda: Thresholds(full_from_percent=80))

    def keeper(self) -> Keeper:
        async def reports(since: datetime) -> Sequence[Reading]:
            return await self.ledger.read(lambda conn: record.readings_since(conn, since))

        async def current() -> Thresholds:
            return self.thresholds

        return Keeper(
            bus=self.bus,
            live=self.live,
            snapshots=self.snapshots,
            outlooks=Outlooks(self.history),
            records=self.records,
            sites=self.sites,
            devices=self.devices,
            thresholds=Thresholds(full_from_percent=80),
            reports=reports,
            clock=self.clock,
            current=current,
        )

    def board(self) -> LiveBoard:
        return LiveBoard(
            sites=self.sites,
            steps=lambda: self.ledger.read(record.all_current),
            live=self.live,
            clock=self.clock,
        )

    async def publish(self, *readings: Reading) -> None:
        await intake.publish(self.bus, self.records, readings)

    def reading(self, minutes: float, measure: Measure) -> Reading:
        at = self.clock.start + minutes * MINUTE
        device = "north" if isinstance(measure, DoorTotals) else record.STAFF
        return Reading(site=SITE, device=device, id=f"{minutes}", at=at, received_at=at, measure=measure)

    async def said(self, count: int) -> list[Occupancy]:
        """The next `count` on `occupancy`."""
        found: list[Occupancy] = []
        async with asyncio.timeout(PATIENCE_S), self.bus.subscribe(OCCUPANCY, group="test") as subscription:
            while len(found) < count:
                got = await subscription.get(max_records=count - len(found))
                found += [self.records.unseal(Occupancy, OCCUPANCY, one.key, one.value) for one in got]
                await subscription.commit(got)
        return found


@asynccontextmanager
async def hub_in(
    folder: Path, devices: Devices, sites: dict[SiteCode, Site], clock: Hand | None = None
) -> AsyncIterator[Hub]:
    if not (folder / "keys").exists():
        keys.create(folder / "keys")
    hub = Hub(
        folder=folder,
        clock=clock or Hand(),
        bus=EmbeddedBus(folder / "bus.db"),
        ledger=Ledger(sqlite_url(folder / "ledger.db")),
        records=RecordCodec(keys.load(folder / "keys")),
        snapshots=Snapshots(f"sqlite:///{folder / 'occupancy.db'}"),
        history=History(f"sqlite:///{folder / 'occupancy.db'}"),
        live=MemoryLive(),
        devices=devices,
        sites=sites,
    )
    async with AsyncExitStack() as stack:
        for part in (hub.bus, hub.ledger, hub.snapshots, hub.history, hub.live):
            await part.open()
            stack.push_async_callback(part.close)
        await hub.ledger.write(metadata.create_all)
        await hub.ledger.write(tables.metadata.create_all)
        yield hub


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    async with hub_in(tmp_path, Devices([DOOR], {}), SITES) as hub:
        yield hub


@asynccontextmanager
async def running(keeper: Keeper) -> AsyncIterator[None]:
    task = asyncio.create_task(keeper.run())
    yield
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


def doors(hub: Hub, *, until: int) -> list[Reading]:
    """Five people a minute, after 20 were counted."""
    counted = [
        hub.reading(minute, DoorTotals(entered=100 + 5 * minute, left=0)) for minute in range(until + 1)
    ]
    return [hub.reading(0.001, StaffWord(people=20)), *counted]


async def test_readings_become_the_board(hub: Hub) -> None:
    hub.clock.now += 4 * MINUTE
    async with running(hub.keeper()):
        await hub.publish(*doors(hub, until=4))
        last = (await hub.said(1))[-1]
        while last.people != 40:
            last = (await hub.said(1))[-1]
    row = next(row for row in (await hub.board().now()).rows if row.site.code == SITE)
    assert (row.people, row.crowding, row.occupancy.capacity) == (40, None, None)
    assert row.occupancy == last


async def test_a_restart_forgets_nothing_and_a_repeat_changes_nothing(tmp_path: Path) -> None:
    async with hub_in(tmp_path, Devices([DOOR], {}), SITES) as hub:
        hub.clock.now += 3 * MINUTE
        await hub.keeper().take(doors(hub, until=3))
        before = (await hub.said(1))[0]
        assert before.people == 35
    async with hub_in(tmp_path, Devices([DOOR], {}), SITES, hub.clock) as hub:
        assert await hub.live.get([f"occupancy:{SITE}"]) == {}
        keeper = hub.keeper()
        await keeper.restore()
        restored = next(row for row in (await hub.board().now()).rows if row.site.code == SITE)
        assert restored.occupancy == before
        await keeper.take(doors(hub, until=3))
        again = (await hub.said(1))[0]
        assert (again.people, again.version) == (35, before.version + 1)


async def test_silence_is_said_and_said_once(hub: Hub) -> None:
    keeper = hub.keeper()
    hub.clock.now += 40 * MINUTE
    await keeper.take(doors(hub, until=40))
    await keeper.tick()
    hub.clock.now += 2 * MINUTE
    await keeper.tick()
    hub.clock.now += timedelta(seconds=1)
    await keeper.tick()
    await keeper.tick()
    known, silent = await hub.said(2)
    assert known.people == 220
    assert (silent.people, silent.silent, silent.last_people) == (None, ("north",), 220)
    await keeper.take(doors(hub, until=41))
    assert (await hub.said(1))[0].version == silent.version + 1, "nothing else was said meanwhile"


async def test_what_is_expected_comes_to_the_board_from_the_first_minutes_and_goes_with_the_number(
    tmp_path: Path,
) -> None:
    sites = {SITE: msgspec.structs.replace(SITES[SITE], capacity=300)}
    async with hub_in(tmp_path, Devices([DOOR], {}), sites) as hub:
        keeper = hub.keeper()
        await filled(hub, keeper, until=30)
        row = next(iter((await hub.board().now()).rows))
        assert row.people == 170
        assert [each.at - hub.clock.now for each in row.occupancy.ahead] == list(HORIZONS)
        expected = [each.people for each in row.occupancy.ahead]
        assert all(one is not None and 200 < one <= 300 for one in expected)
        assert row.occupancy.full_at is not None
        assert MINUTE < row.occupancy.full_at - hub.clock.now < 120 * MINUTE
        kept = (await hub.history.read(hub.clock.start))[SITE]
        assert [point.people for point in kept] == [20, 45, 70, 95, 120, 145, 170]
    async with hub_in(tmp_path, Devices([DOOR], {}), sites, hub.clock) as hub:
        keeper = hub.keeper()
        await keeper.restore()
        await keeper.tick()
        again = next(iter((await hub.board().now()).rows)).occupancy
        assert again.says_the_same(row.occupancy)
        assert (again.ahead, again.full_at) == (row.occupancy.ahead, row.occupancy.full_at)
        assert (await hub.history.read(hub.clock.start))[SITE] == kept, "each slot once"
        hub.clock.now += timedelta(minutes=2, seconds=1)
        silent = next(iter((await hub.board().now()).rows)).occupancy
        assert (silent.people, silent.ahead, silent.full_at, silent.full_between) == (None, (), None, None)
        hub.clock.now += 5 * MINUTE
        await keeper.tick()
        assert next(iter((await hub.board().now()).rows)).occupancy.ahead == ()
        assert (await hub.history.read(hub.clock.start))[SITE] == kept, "a gap is a gap"


async def filled(hub: Hub, keeper: Keeper, *, until: int) -> None:
    """Five people a minute, told as they come."""
    for reading in doors(hub, until=until):
        hub.clock.now = max(hub.clock.now, reading.at.replace(microsecond=0))
        await keeper.take([reading])
        await keeper.tick()


async def test_what_staff_set_is_said_of_every_site_within_a_tick(hub: Hub) -> None:
    hub.sites = {SITE: msgspec.structs.replace(SITES[SITE], capacity=500)}
    keeper = hub.keeper()
    hub.clock.now += 3 * MINUTE
    await keeper.take(doors(hub, until=3))
    before = (await hub.said(1))[0]
    hub.thresholds = Thresholds(some_from_percent=1, crowded_from_percent=2)
    await keeper.tick()
    await keeper.tick()
    after = (await hub.said(1))[0]
    assert (after.people, after.version) == (before.people, before.version + 1)
    assert (before.crowding, after.crowding) == (Crowding.HAS_ROOM, Crowding.CROWDED)


async def test_a_number_of_staff_stands_even_if_the_transport_lost_it(hub: Hub) -> None:
    report = Report(id="r1", site=SITE, at=hub.clock.now, by="yamamoto", people=284)
    await hub.ledger.write(lambda conn: record.report(conn, report, recorded_at=hub.clock.now))
    keeper = hub.keeper()
    await keeper.tick()
    await keeper.tick()
    (said,) = await hub.said(1)
    assert said.people == 284
    assert (await hub.snapshots.load())[SITE].said.version == said.version, "it was said once"


async def test_a_forged_reading_is_not_counted(hub: Hub) -> None:
    genuine = hub.reading(0.001, StaffWord(people=20))
    sealed = bytearray(hub.records.seal(READINGS, SITE, Readings(readings=(genuine,))))
    sealed[-3] ^= 1
    async with running(hub.keeper()):
        await hub.bus.publish(READINGS, SITE, bytes(sealed))
        await hub.publish(genuine)
        assert (await hub.said(1))[0].people == 20
        (letter,) = await letters(hub.bus, hub.records, 1)
    assert (letter.topic, letter.key, letter.value) == (READINGS, SITE, bytes(sealed))


async def test_a_reading_that_cannot_be_counted_takes_none_along_that_came_with_it(hub: Hub) -> None:
    """Fifteen minutes after the end of time there is no time."""
    hub.clock.now += 20 * MINUTE
    end = datetime.max.replace(tzinfo=UTC)
    poison = msgspec.structs.replace(hub.reading(1, StaffWord(people=1)), at=end)
    came = doors(hub, until=20)
    async with running(hub.keeper()):
        await hub.publish(*came[:7], poison, *came[7:])
        (letter,) = await letters(hub.bus, hub.records, 1)
        last = (await hub.said(1))[-1]
        while last.people != 120:
            last = (await hub.said(1))[-1]
    given_up = hub.records.unseal(Readings, letter.topic, letter.key, letter.value)
    assert given_up == Readings(readings=(poison,))


async def test_what_came_together_is_one_record_of_each_site_in_its_order(hub: Hub) -> None:
    other = next(iter(SITES))
    came = doors(hub, until=A_RECORD)
    elsewhere = [msgspec.structs.replace(one, site=other) for one in came[:3]]
    await hub.publish(*elsewhere[:2], *came, elsewhere[2])
    async with hub.bus.subscribe(READINGS, group="test") as subscription:
        found = await subscription.get()
    carried = [
        (record.key, hub.records.unseal(Readings, READINGS, record.key, record.value).readings)
        for record in found
    ]
    assert [len(readings) for key, readings in carried if key == SITE] == [A_RECORD, len(came) - A_RECORD]
    assert [one for key, readings in carried if key == SITE for one in readings] == came
    assert [readings for key, readings in carried if key == other] == [tuple(elsewhere)]


async def test_two_keepers_at_once_lose_nothing(hub: Hub) -> None:
    hub.clock.now += 20 * MINUTE
    every = doors(hub, until=20)
    await asyncio.gather(*(hub.keeper().take([one]) for one in every))
    said = await hub.said(len(every))
    first = min(one.version for one in said)
    assert sorted(one.version for one in said) == list(range(first, first + len(every)))
    assert max(said, key=lambda one: one.version).people == 120


async def test_a_rehearsal_from_sensors_to_what_a_text_names(tmp_path: Path) -> None:
    akishima = city.load(config.folder("akishima"))
    sites = with_inventions(list(SITES.values())[:6], seed=3)
    sensors = Sensors(sites, seed=3, interval=10 * MINUTE, missed=0)
    async with hub_in(tmp_path, sensors.devices, sites) as hub, AsyncExitStack() as stack:
        gateway = Gateway(
            devices=sensors.devices, bus=hub.bus, live=hub.live, records=hub.records, clock=hub.clock
        )
        app = web.Application()
        app.add_routes(gateway.routes())
        http = await stack.enter_async_context(TestClient(TestServer(app)))
        await stack.enter_async_context(running(hub.keeper()))
        url = str(http.make_url(PATH))
        await post(http.session, url, sensors.token, sensors.open(hub.clock.now))
        for minute in range(10, 130, 10):
            hub.clock.now += 10 * MINUTE
            taken = await post(http.session, url, sensors.token, sensors.read(hub.clock.now, minute=minute))
            assert taken == 2 * len(sites)
        await open_all(hub)
        board = await settled(hub, {code: sensors.people(code) for code in sites})

        near = akishima.zones[Zone("fukujima-gochi")].centre
        lines = board.lines(Hazard.FLOOD, near=near)
        assert lines is not None
        assert lines.as_of == hub.clock.now
        words = [line.crowding for line in lines.lines]
        assert "full" not in words
        full = [row.site.name.ja for row in board.rows if row.crowding == "full"]
        assert full, "the seed fills at least one"
        assert not {line.name for line in lines.lines} & set(full)
        assert board.lines(Hazard.TSUNAMI, near=near) is None


async def test_a_device_that_is_registered_while_it_runs_counts_at_once(tmp_path: Path) -> None:
    camera = Device(id="north", site=SITE, counts=Counts.HEADS, key="k", interval=MINUTE)
    async with hub_in(tmp_path, Devices([], {}), SITES) as hub:
        keeper = hub.keeper()
        for number, at in enumerate((0, 0.1)):
            seen = msgspec.structs.replace(hub.reading(at, HeadCount(people=42)), device="north")
            await keeper.take([seen])
            if number == 0:
                hub.devices.become(Devices([camera], {}))
        before, now = await hub.said(2)
        assert (before.people, now.people) == (None, 42)


async def open_all(hub: Hub) -> None:
    way = (Stage.PREPARING, Stage.STAFF_ARRIVED, Stage.UNLOCKED, Stage.SAFETY_CHECKED, Stage.RECEIVING)
    for site in hub.sites:
        for number, stage in enumerate(way, 1):
            step = Step(site=site, number=number, stage=stage, at=hub.clock.now, by="tanaka")
            await hub.ledger.write(
                lambda conn, step=step: record.take_step(
                    conn, hub.records, step, people=None, recorded_at=hub.clock.now
                )
            )


async def settled(hub: Hub, people: dict[SiteCode, int]) -> Board:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            board = await hub.board().now()
            if {row.site.code: row.people for row in board.rows} == people:
                return board
            await asyncio.sleep(0.02)
