"""What staff see of counting devices: who was heard, how it is, and what was refused of it, also after a restart."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from shelters import device_book
from shelters.device import Counts, Device, Devices
from shelters.device_book import LASTING, MOST_BYTES, MOST_OF_ONE, MOST_STRANGERS, DeviceBook
from shelters.inspector import Inspector
from shelters.intake import Sorted, Vital
from shelters.reading import DoorTotals, Reading, Refusal
from shelters.sensors.counting import Condition, condition
from shelters.sensors.decoding import decode
from shelters.site import SiteCode

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
        tired = Condition(battery=12, trouble=("Devices Misaligned",))
        inspector.inspect(Sorted(heard=(Vital(device="door", what="uplink", condition=tired),)))
        inspector.inspect(Sorted(heard=(Vital(device="door", what="join"),)))
        refused = inspector.inspect(counted(50_000), b"x" * 10_000)
        assert refused.taken == ()
        assert "cannot have passed" in refused.refused[0].message
    again = DeviceBook(url, clock=lambda: NOW)
    async with again.kept():
        (known,) = (await again.known()).values()
        assert (known.device, known.heard_at, known.what) == ("door", NOW, "join")
        assert (known.battery, known.trouble) == (12, ("Devices Misaligned",))
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
    assert await trouble(stands) == ("TPC_STOPPED", "Devices Misaligned", "Counting Anomaly")
    assert await trouble(ends) == ("Counting Anomaly",)
    now += LASTING
    assert await trouble(Condition()) == ()


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
    monkeypatch.setattr(device_book, "MOST_CASES", 30)
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
