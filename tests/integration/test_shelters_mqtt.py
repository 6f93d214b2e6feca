"""Readings over a real MQTT broker: nothing is lost, nothing crashes, and it connects again by itself."""

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import aiomqtt
import pytest
from structlog.testing import capture_logs

import config
from hub import keys
from hub.bus import READINGS, Bus
from hub.bus.embedded import EmbeddedBus
from hub.clock import utc_now
from hub.codec import RecordCodec
from hub.errors import BadSettings, Refused
from hub.outbound import Deployment, Outbound
from shelters.device import Counts, Device, Devices, Sensor
from shelters.intake import Sorted
from shelters.mqtt import (
    MOST_LETTERS,
    MOST_UNPROMISED,
    NETWORKS,
    OWN,
    TOPIC,
    Arrived,
    Broker,
    Feed,
    MqttIntake,
)
from shelters.reading import DoorTotals, HeadCount, Reading, Readings
from shelters.sensors.counting import Heads
from shelters.sensors.pushing import Source
from shelters.site import SiteCode, load_sites
from tests.integration.letters import letters
from yobikake.rehearsal.sensors import Sensors, publish, with_inventions

pytestmark = pytest.mark.mqtt

PATIENCE_S = 120.0
SITE = SiteCode("E1320700035")


@pytest.fixture
def camera() -> str:
    """A device of its own for each test: the broker outlives them."""
    return f"camera-{uuid4()}"


@pytest.fixture
def records(tmp_path: Path) -> RecordCodec:
    keys.create(tmp_path / "keys")
    return RecordCodec(keys.load(tmp_path / "keys"))


@pytest.fixture
async def bus(tmp_path: Path) -> AsyncIterator[EmbeddedBus]:
    bus = EmbeddedBus(tmp_path / "bus.db")
    await bus.open()
    yield bus
    await bus.close()


@pytest.fixture
def make_intake(mqtt_url: str, camera: str, records: RecordCodec) -> Callable[[Bus], MqttIntake]:
    """Each intake it makes has the same client id, as over a restart."""
    device = Device(id=camera, site=SITE, counts=Counts.HEADS, key="", interval=timedelta(minutes=1))
    broker = Broker(url=mqtt_url, client_id=f"hub-{camera}")

    def make(bus: Bus) -> MqttIntake:
        return MqttIntake(
            broker,
            outbound=Outbound(deployment=Deployment.REHEARSAL),
            devices=Devices([device], {}),
            bus=bus,
            records=records,
            clock=utc_now,
        )

    return make


@asynccontextmanager
async def running(intake: MqttIntake) -> AsyncIterator[None]:
    task = asyncio.create_task(intake.run())
    try:
        async with asyncio.timeout(PATIENCE_S):
            await intake.connected.wait()
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


@asynccontextmanager
async def client(mqtt_url: str, identifier: str | None = None) -> AsyncIterator[aiomqtt.Client]:
    address = urlsplit(mqtt_url)
    assert address.hostname
    async with aiomqtt.Client(address.hostname, address.port or 1883, identifier=identifier) as connected:
        yield connected


def reading(camera: str, people: int, name: str | None = None) -> dict[str, object]:
    return {
        "id": name or str(people),
        "device": camera,
        "at": datetime.now(UTC).isoformat(),
        "kind": "head_count",
        "people": people,
    }


async def send(sender: aiomqtt.Client, camera: str, *readings: object) -> None:
    await sender.publish(f"{TOPIC}{camera}", json.dumps({"readings": readings}), qos=1)


async def people(bus: Bus, records: RecordCodec, count: int) -> list[int]:
    """The next `count` head counts on the bus."""
    found: list[Reading] = []
    async with asyncio.timeout(PATIENCE_S), bus.subscribe(READINGS, group="test") as subscription:
        while len(found) < count:
            got = await subscription.get()
            for record in got:
                found += records.unseal(Readings, READINGS, record.key, record.value).readings
            await subscription.commit(got)
    return [one.measure.people for one in found if isinstance(one.measure, HeadCount)]


async def test_readings_reach_the_bus_in_order(
    mqtt_url: str,
    camera: str,
    bus: EmbeddedBus,
    records: RecordCodec,
    make_intake: Callable[[Bus], MqttIntake],
) -> None:
    async with running(make_intake(bus)), client(mqtt_url) as sender:
        for number in range(150):
            await send(sender, camera, reading(camera, number))
        assert await people(bus, records, 150) == list(range(150))


async def test_what_cannot_be_understood_goes_to_dead_letters_and_the_rest_is_taken(
    mqtt_url: str,
    camera: str,
    bus: EmbeddedBus,
    records: RecordCodec,
    make_intake: Callable[[Bus], MqttIntake],
) -> None:
    async with running(make_intake(bus)), client(mqtt_url) as sender:
        await sender.publish(f"{TOPIC}{camera}", b"\xff not json", qos=1)
        await send(
            sender, camera, reading(camera, 1), {"id": "x"}, reading("another-device", 2), reading(camera, 3)
        )
        await sender.publish(f"{TOPIC}{camera}", None, qos=1)
        await send(sender, camera, reading(camera, 4))
        assert await people(bus, records, 3) == [1, 3, 4]

    dead = await letters(bus, records, 4)
    places = [letter.reason.partition(": ")[0] for letter in dead]
    assert places == ["$", "$.readings[1]", "$.readings[2].device", "$"]
    assert {(letter.topic, letter.key) for letter in dead} == {(f"{TOPIC}{camera}", camera)}
    assert dead[0].value == b"\xff not json"


async def test_one_message_is_no_flood_of_dead_letters_and_stops_nothing(
    mqtt_url: str, camera: str, bus: EmbeddedBus, records: RecordCodec
) -> None:
    def fails_first(topic: str, payload: bytes, devices: Devices, now: datetime) -> Sorted:
        return OWN.sort(topic, payload, devices, now) if payload != b"poison" else Sorted(taken=1 / 0)  # type: ignore[arg-type]

    device = Device(id=camera, site=SITE, counts=Counts.HEADS, key="", interval=timedelta(minutes=1))
    intake = MqttIntake(
        Broker(url=mqtt_url, client_id=f"hub-{camera}"),
        outbound=Outbound(deployment=Deployment.REHEARSAL),
        devices=Devices([device], {}),
        bus=bus,
        records=records,
        clock=utc_now,
        feed=Feed(topics=(f"{TOPIC}{camera}",), sort=fails_first),
    )
    async with running(intake), client(mqtt_url) as sender:
        await sender.publish(f"{TOPIC}{camera}", b"poison", qos=1)
        await send(sender, camera, *[{"id": "x"}] * 100, reading(camera, 1))
        assert await people(bus, records, 1) == [1]
        await sender.publish(f"{TOPIC}{camera}", b"not json", qos=1)
        dead = await letters(bus, records, MOST_LETTERS + 2)
    assert [letter.value for letter in (dead[0], dead[-1])] == [b"poison", b"not json"]


def test_what_is_not_promised_does_not_fill_the_memory() -> None:
    arrived = Arrived()
    for mid in range(2 * MOST_UNPROMISED):
        arrived.put_nowait(aiomqtt.Message(f"{TOPIC}flood", b"{}", 0, False, mid, None))
    assert arrived.qsize() == MOST_UNPROMISED
    arrived.put_nowait(aiomqtt.Message(f"{TOPIC}door", b"{}", 1, False, 1, None))
    assert arrived.qsize() == MOST_UNPROMISED + 1


async def test_it_connects_again_by_itself_and_misses_nothing_meanwhile(
    mqtt_url: str,
    camera: str,
    bus: EmbeddedBus,
    records: RecordCodec,
    make_intake: Callable[[Bus], MqttIntake],
) -> None:
    """A second client with its id makes the broker end its connection (MQTT 3.1.1 §3.1.4)."""
    async with running(make_intake(bus)), client(mqtt_url) as sender:
        await send(sender, camera, reading(camera, 1))
        assert await people(bus, records, 1) == [1]
        with capture_logs() as logs:
            address = urlsplit(mqtt_url)
            assert address.hostname
            usurper = aiomqtt.Client(
                address.hostname, address.port or 1883, identifier=f"hub-{camera}", clean_session=False
            )
            async with usurper:
                pass
            await send(sender, camera, reading(camera, 2))
            assert await people(bus, records, 1) == [2]
        assert [entry["event"] for entry in logs].count("MQTT broker lost") >= 1


async def test_what_was_not_made_durable_is_delivered_again_after_a_crash(
    mqtt_url: str, camera: str, tmp_path: Path, records: RecordCodec, make_intake: Callable[[Bus], MqttIntake]
) -> None:
    """The bus is not there when the message comes, and the process dies before it returns."""
    bus = EmbeddedBus(tmp_path / "later.db")
    with capture_logs() as logs:
        async with running(make_intake(bus)), client(mqtt_url) as sender:
            await send(sender, camera, reading(camera, 7))
            async with asyncio.timeout(PATIENCE_S):
                while not any(entry["event"] == "readings are waiting" for entry in logs):
                    await asyncio.sleep(0.01)
    await bus.open()
    async with running(make_intake(bus)):
        assert await people(bus, records, 1) == [7]
    await bus.close()


class Counting(EmbeddedBus):
    """Remembers how much went into each append."""

    appended: list[int]

    async def publish_many(self, topic: str, records: Sequence[tuple[str, bytes]]) -> None:
        self.appended = [*getattr(self, "appended", []), len(records)]
        await super().publish_many(topic, records)


async def test_a_burst_is_appended_together_and_in_order(
    mqtt_url: str, camera: str, tmp_path: Path, records: RecordCodec, make_intake: Callable[[Bus], MqttIntake]
) -> None:
    """It waits at the broker while the hub is away, and then comes at once."""
    bus = Counting(tmp_path / "bus.db")
    await bus.open()
    async with running(make_intake(bus)):
        pass
    async with client(mqtt_url) as sender:
        for number in range(200):
            await send(sender, camera, reading(camera, number))
    async with running(make_intake(bus)):
        assert await people(bus, records, 200) == list(range(200))
    assert len(bus.appended) <= 50
    await bus.close()


async def test_the_counters_of_a_rehearsal_speak_mqtt(
    mqtt_url: str, bus: EmbeddedBus, records: RecordCodec
) -> None:
    sites = with_inventions(list(load_sites(config.folder("akishima")).values())[:3], seed=5)
    sensors = Sensors(sites, seed=5, interval=timedelta(minutes=1))
    intake = MqttIntake(
        Broker(url=mqtt_url, client_id=f"hub-{uuid4()}"),
        outbound=Outbound(deployment=Deployment.REHEARSAL),
        devices=sensors.devices,
        bus=bus,
        records=records,
        clock=utc_now,
    )
    async with running(intake), client(mqtt_url) as sender:
        await publish(sender, sensors.read(utc_now(), minute=60))
        found: list[Reading] = []
        async with asyncio.timeout(PATIENCE_S), bus.subscribe(READINGS, group="test") as subscription:
            while len(found) < 2 * len(sites):
                got = await subscription.get()
                for record in got:
                    found += records.unseal(Readings, READINGS, record.key, record.value).readings
    assert {one.site for one in found} == sites.keys()
    assert all(isinstance(one.measure, DoorTotals) for one in found)
    assert sum(one.measure.entered for one in found if isinstance(one.measure, DoorTotals)) > 0


async def test_a_lorawan_network_speaks_its_own_words(
    mqtt_url: str, camera: str, bus: EmbeddedBus, records: RecordCodec
) -> None:
    """Strangers are left alone; nonsense of a device of ours goes to the dead letters."""
    eui = camera.replace("-", "")[-16:]
    way = Heads(people="zone_global")
    sensor = Sensor(vendor="terabee", model="people-occupancy-counting", address=eui, part="room", way=way)
    device = Device(
        id=camera, site=SITE, counts=Counts.HEADS, key="", interval=timedelta(minutes=1), sensor=sensor
    )

    def intake(source: Source) -> MqttIntake:
        return MqttIntake(
            Broker(url=mqtt_url, client_id=f"hub-{source}-{camera}"),
            outbound=Outbound(deployment=Deployment.REHEARSAL),
            devices=Devices([device], {}),
            bus=bus,
            records=records,
            clock=utc_now,
            feed=NETWORKS[source],
        )

    def frame(people: int) -> str:
        return b64encode(bytes([0, people, *[255] * 8])).decode()

    async with (
        running(intake(Source.THINGS_STACK)), running(intake(Source.CHIRPSTACK)), client(mqtt_url) as sender
    ):  # fmt: skip
        up = {"f_port": 83, "f_cnt": 1, "frm_payload": frame(7)}
        ids = {"device_id": "d", "dev_eui": eui, "dev_addr": "01DA1F15"}
        stack = f"v3/app@ttn/devices/{camera}"
        await sender.publish(f"{stack}/join", json.dumps({"end_device_ids": ids, "join_accept": {}}), qos=1)
        stranger = {"end_device_ids": ids | {"dev_eui": "0" * 16}, "uplink_message": up}
        await sender.publish(f"{stack}/up", json.dumps(stranger), qos=1)
        wrong = {"end_device_ids": ids, "uplink_message": up | {"f_port": 84}}
        await sender.publish(f"{stack}/up", json.dumps(wrong), qos=1)
        await sender.publish(f"{stack}/up", json.dumps({"end_device_ids": ids, "uplink_message": up}), qos=1)
        assert await people(bus, records, 1) == [7]
        event = {"deviceInfo": {"devEui": eui}, "devAddr": "a", "fCnt": 2, "fPort": 83, "data": frame(9)}
        topic = f"application/{uuid4()}/device/{eui}/event"
        await sender.publish(f"{topic}/join", json.dumps(event), qos=1)
        await sender.publish(f"{topic}/up", json.dumps(event), qos=1)
        assert await people(bus, records, 1) == [9]
    dead = await letters(bus, records, 1)
    assert "port 84" in dead[0].reason


@pytest.mark.parametrize(
    ("url", "error"),
    [("http://127.0.0.1", BadSettings), ("mqtt://", BadSettings), ("mqtt://broker.example:1883", Refused)],
)
def test_where_it_may_not_or_cannot_go_it_says_so_at_once(
    url: str, error: type[Exception], tmp_path: Path, records: RecordCodec
) -> None:
    with pytest.raises(error, match=r"\[shelters\.mqtt\] url"):
        MqttIntake(
            Broker(url=url, client_id="hub"),
            outbound=Outbound(deployment=Deployment.REHEARSAL),
            devices=Devices([], {}),
            bus=EmbeddedBus(tmp_path / "bus.db"),
            records=records,
            clock=utc_now,
        )


def test_the_password_shows_nowhere() -> None:
    assert "hunter2" not in repr(Broker(url="mqtt://127.0.0.1", client_id="hub", password="hunter2"))
