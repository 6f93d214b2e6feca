"""What staff see of counting devices: who was heard, how it is, and what was refused of it, also after a restart."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from shelters import book_rows
from shelters.alarm import LASTING
from shelters.belief import Belief
from shelters.book_rows import MOST_STRANGERS
from shelters.device import Counts, Device, Devices
from shelters.device_book import MOST_BYTES, MOST_OF_ONE, DeviceBook
from shelters.inspector import Inspector
from shelters.intake import Sorted, Vital
from shelters.reading import DoorTotals, Reading, Refusal, StaffWord
from shelters.sensors.counting import Condition, condition
from shelters.sensors.decoding import decode
from shelters.site import SiteCode
from shelters.tally import Tally, add

NOW = datetime(2026, 9, 12, 13, 3, tzinfo=UTC)
SITE = SiteCode("E1")
DOOR = Device(
    id="door", site=SITE, counts=Counts.DOOR_TOTALS, key="k", interval=timedelta(minutes=1), capacity=100
)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'occupancy.db'}"
    return str(request.getfixturevalue("database_url"))


def counted(entered: int) -> Sorted:
    reading = Reading(
        site=SITE,
        device="door",
        id=str(entered),
        at=NOW,
        received_at=NOW,
        measure=DoorTotals(entered=entered, left=0),
    )
    return Sorted(taken=(reading,))


async def test_what_was_heard_and_refused_stays(url: str) -> None:
    book = DeviceBook(url, clock=lambda: NOW)
    async with book.kept():
        inspector = Inspector(Devices([DOOR], {}), clock=lambda: NOW, book=book)
        assert inspector.inspect(counted(300)).taken
        tired = Condition(battery=12, trouble=("Counting Anomaly",))
        inspector.inspect(Sorted(heard=(Vital(device="door", what="uplink", condition=tired),)))
        inspector.inspect(Sorted(heard=(Vital(device="door", what="join"),)))
        refused = inspector.inspect(counted(50_000), b"x" * 10_000)
        assert refused.taken == ()
        assert "cannot have passed" in refused.refused[0].message
    again = DeviceBook(url, clock=lambda: NOW)
    async with again.kept():
        (known,) = (await again.known()).values()
        assert (known.device, known.heard_at, known.what) == ("door", NOW, "join")
        assert (known.battery, known.trouble) == (12, ("Counting Anomaly",))
        assert (known.refused, known.refused_at) == (1, NOW)
        (case,) = await again.cases()
        assert (case.device, case.body) == ("door", b"x" * MOST_BYTES)
        inspector = Inspector(Devices([DOOR], {}), clock=lambda: NOW, book=again)
        assert not inspector.inspect(counted(50_000)).taken, "a restart forgot what the door last said"
        assert inspector.inspect(counted(301)).taken


async def test_an_alarm_is_shown_until_it_is_over_also_after_a_restart(tmp_path: Path) -> None:
    now = NOW

    async def trouble(*conditions: Condition) -> tuple[str, ...]:
        async with DeviceBook(f"sqlite:///{tmp_path / 'book.db'}", clock=lambda: now).kept() as book:
            for each in conditions:
                book.note(Sorted(heard=(Vital(device="door", what="uplink", condition=each),)))
            return (await book.known())["door"].trouble

    begins = condition(decode("milesight", "vs360", 85, bytes.fromhex("03F4020103F40001")))
    ends = condition(decode("milesight", "vs360", 85, bytes.fromhex("03F40200")))
    stands = condition(decode("terabee", "people-flow-counting-l-xl", 1, bytes.fromhex("000000000000000001")))
    assert await trouble(begins, Condition()) == ("Devices Misaligned", "Counting Anomaly")
    assert await trouble(stands) == ("TPC_STOPPED", "Counting Anomaly", "Devices Misaligned")
    assert await trouble(ends) == ("Counting Anomaly",)
    now += LASTING
    assert await trouble(Condition()) == ()


MISALIGNED, RIGHT = (
    condition(decode("milesight", "vs360", 85, bytes.fromhex(frame))) for frame in ("03F40201", "03F40200")
)


def told(said: Condition, minutes: float) -> Sorted:
    at = NOW + timedelta(minutes=minutes)
    return Sorted(heard=(Vital(device="door", what="uplink", condition=said, at=at),))


def at(minutes: float, entered: int) -> Sorted:
    (reading,) = counted(entered).taken
    return Sorted(taken=(msgspec.structs.replace(reading, at=NOW + timedelta(minutes=minutes)),))


async def test_a_counter_that_is_misaligned_is_not_believed_until_it_is_right_again(url: str) -> None:
    now = NOW
    async with (
        DeviceBook(url, clock=lambda: now).kept() as book,
        DeviceBook(url, clock=lambda: now).kept() as others,
    ):
        here = Inspector(Devices([DOOR], {}), clock=lambda: now, book=book)
        there = Inspector(Devices([DOOR], {}), clock=lambda: now, book=others)
        assert here.inspect(at(0, 300)).taken
        here.inspect(told(MISALIGNED, 1))
        now += LASTING + timedelta(hours=1)
        day = (now - NOW) / timedelta(minutes=1)
        assert "Devices Misaligned" in here.inspect(at(day, 301)).refused[0].message
        assert (await book.known())["door"].trouble == ("Devices Misaligned",), "it lapsed by itself"
        await others.flush()
        assert not there.inspect(at(day, 302)).taken, "another process does not know"
        there.inspect(told(RIGHT, day + 5))
        assert not there.inspect(at(day + 4, 303)).taken, "counted while it was misaligned"
        (after,) = there.inspect(at(day + 6, 40_000)).taken
        assert after.since == now + timedelta(minutes=5)
        await others.flush()
        await book.flush()
        for again in (1, day + 1):
            here.inspect(told(MISALIGNED, again))
        assert here.inspect(at(day + 7, 40_001)).taken, "what the network says again is no news"
        assert (await book.known())["door"].trouble == ()
    now += timedelta(days=2)
    async with DeviceBook(url, clock=lambda: now).kept() as book:
        here = Inspector(Devices([DOOR], {}), clock=lambda: now, book=book)
        here.inspect(told(MISALIGNED, day + 1))
        assert here.inspect(at(4 * 1440, 40_002)).taken, "nor days later, when its end is forgotten"


def test_what_a_misaligned_counter_counted_meanwhile_is_nobody() -> None:
    """Its totals go on where they stand, and how many came meanwhile is not known."""
    door = msgspec.structs.replace(DOOR, id="door")
    tally = Tally(site=SITE)
    staff = Reading(site=SITE, device="staff", id="s", at=NOW, received_at=NOW, measure=StaffWord(people=50))
    (first,), (second,) = at(0, 300).taken, at(1, 310).taken
    (after,), (later,) = at(2, 900).taken, at(3, 903).taken
    right_at = NOW + timedelta(minutes=1.5)
    given = [
        first,
        second,
        staff,
        *(msgspec.structs.replace(each, since=right_at) for each in (after, later)),
    ]
    rulers = (door,)

    def believed(readings: list[Reading], minutes: float) -> Belief:
        found = add(tally, readings).believed(rulers, NOW + timedelta(minutes=minutes))
        assert found is not None
        return found

    assert believed(given[:3], 1).counted_at is not None
    assert believed(given, 3).counted_at is None, "600 that nobody believes moved the number"
    recount = msgspec.structs.replace(staff, id="t", at=NOW + timedelta(minutes=2.5))
    for order in (given, given[::-1]):
        counted_again = believed([*order, recount], 3)
        assert counted_again.counted_at is not None
        assert 50 <= counted_again.state.people <= 54


async def test_several_processes_may_begin_at_once(url: str) -> None:
    books = [DeviceBook(url, clock=lambda: NOW) for _ in range(4)]
    await asyncio.gather(*(book.open() for book in books))
    for number, book in enumerate(books):
        book.note(Sorted(refused=(Refusal(place="$", message=f"no {number}", device="door"),)))
    await asyncio.gather(*(book.flush() for book in books))
    assert (await books[0].known())["door"].refused == 4
    assert len(await books[1].cases()) == 4
    for book in books:
        await book.close()


async def test_one_device_that_floods_takes_nothing_from_others() -> None:
    other = msgspec.structs.replace(DOOR, id="other")
    inspector = Inspector(Devices([DOOR, other], {}), clock=lambda: NOW)
    flood = Sorted(taken=counted(1).taken * 1_500)
    assert len(inspector.inspect(flood).taken) == 1_500
    quiet = msgspec.structs.replace(counted(1).taken[0], device="other")
    mixed = inspector.inspect(Sorted(taken=(*flood.taken, quiet)))
    assert [reading.device for reading in mixed.taken] == ["other"]
    assert mixed.wait_s > 0


async def test_whoever_has_no_key_hides_nothing_of_those_who_have(tmp_path: Path) -> None:
    book = DeviceBook(f"sqlite:///{tmp_path / 'book.db'}", clock=lambda: NOW)
    async with book.kept():
        for place in (*["Authorization"] * 100, *(f"$.readings[{number}].in" for number in range(100))):
            book.note(Sorted(refused=(Refusal(place=place, message="no"),)))
        book.note(Sorted(refused=(Refusal(place="gym $", message="is not JSON"),)))
        cases = await book.cases()
        assert len(cases) == 2 * MOST_OF_ONE + 1
        assert cases[0].place == "gym $"


async def test_a_flood_of_nonsense_fills_nothing(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book_rows, "MOST_CASES", 30)
    book = DeviceBook(url, clock=lambda: NOW)
    async with book.kept():
        for number in range(300):
            book.note(Sorted(refused=(Refusal(place="$", message=f"no {number}", device="door"),)))
        assert [case.reason for case in await book.cases()][-1] == "no 0"
        assert len(await book.cases()) == MOST_OF_ONE
        assert (await book.known())["door"].refused == 300
        for number in range(50):
            book.note(Sorted(refused=(Refusal(place="$", message="no", device=f"d{number}"),)))
        assert len(await book.cases(limit=5_000)) == 30
        for number in (*range(150), 3):
            stranger = Refusal(place="$", message="somebody else's", stranger=True, device=f"{number:016x}")
            book.note(Sorted(refused=(stranger,)))
            if number == 99:
                await book.flush()
        assert len(await book.strangers()) == MOST_STRANGERS
        assert len(await book.known()) == 51
