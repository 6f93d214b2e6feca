"""The people of a rehearsal: the same seed gives the same, and the counters see what they are told to."""

from datetime import UTC, datetime, timedelta

import msgspec

import config
from hub.hazard import Hazard
from shelters.device import Device
from shelters.reading import DoorTotals, StaffWord, parse
from shelters.reading import Sent as Understood
from shelters.site import Site, SiteCode, load_sites
from yobikake.rehearsal.sensors import Sensors, with_inventions

NOW = datetime(2026, 9, 12, 13, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def sites(seed: int = 7) -> dict[SiteCode, Site]:
    published = load_sites(config.folder("akishima")).values()
    return with_inventions([site for site in published if site.designated_for(Hazard.FLOOD)][:5], seed=seed)


def counts(sensors: Sensors, minutes: list[int]) -> list[object]:
    """What the last of the readings say, without their own names."""
    said: list[dict[str, object]] = []
    for minute in minutes:
        said = sensors.read(NOW, minute=minute)
    return [(reading["device"], reading["in"], reading["out"]) for reading in said]


def test_the_same_seed_gives_the_same_people_at_any_pace() -> None:
    slowly, at_once = (Sensors(sites(), seed=7, interval=MINUTE) for _ in range(2))
    assert counts(slowly, list(range(0, 91, 3))) == counts(at_once, [90])
    assert counts(Sensors(sites(), seed=8, interval=MINUTE), [90]) != counts(slowly, [90])


def test_shelters_fill_up() -> None:
    sensors = Sensors(sites(), seed=7, interval=MINUTE)
    inside = []
    for minute in (0, 30, 120):
        sensors.read(NOW, minute=minute)
        inside.append(sum(sensors.people(site) for site in sites()))
    assert inside[0] == 0
    assert inside[0] < inside[1] < inside[2]
    assert all(sensors.people(site) > 0 for site in sites())


def test_counters_that_miss_nothing_know_how_many_are_inside() -> None:
    sensors = Sensors(sites(), seed=7, interval=MINUTE, missed=0)
    for site in sites():
        doors = [
            reading for reading in sensors.read(NOW, minute=100) if str(reading["device"]).startswith(site)
        ]
        inside = sum(int(str(door["in"])) - int(str(door["out"])) for door in doors)
        assert inside == sensors.people(site)


def test_their_register_admits_them_and_nobody_else() -> None:
    sensors = Sensors(sites(), seed=7, interval=MINUTE)
    body = msgspec.json.encode({"readings": sensors.open(NOW)})
    found = [sent for sent in parse(body, now=NOW) if isinstance(sent, Understood)]
    assert len(found) == len(sites()) * 3
    assert all(isinstance(sensors.devices.admit(sent, key="rehearsal"), Device) for sent in found)
    assert not any(isinstance(sensors.devices.admit(sent, key="city"), Device) for sent in found)
    assert {type(sent.measure) for sent in found} == {DoorTotals, StaffWord}
    assert sensors.devices.key_of(sensors.token, now=datetime.now(UTC)) == "rehearsal"
