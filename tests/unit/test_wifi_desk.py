"""What staff want of the Wi-Fi, when they are asked, and what a drill of it showed."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from msgspec.structs import replace

from hub import keys as key_files
from hub import wifi_desk, wifi_drill
from hub.alert import Mode
from hub.authorise import Actor, Role
from hub.errors import BadInput, Conflict, Forbidden
from hub.keys import Keys
from hub.ledger import Ledger
from hub.testing.databases import with_schema
from hub.wifi_desk import Change, Desk, Trial, question
from hub.wifi_drill import followed
from hub.wifi_state import FacilityState, Known, Look, failing

NOW = datetime(2026, 9, 12, 12, 47, tzinfo=UTC)
HOUR = timedelta(hours=1)
SATO = Actor(login="sato", name="佐藤", roles=frozenset({Role.COMPOSER}))
ONO = Actor(login="ono", name="小野", roles=frozenset({Role.VIEWER}))
REFS = ("a", "b")
DISASTER, DRILL, EVERYDAY = "00000JAPAN", "kunren-wifi", "City-Free"


def known(*states: FacilityState, at: datetime = NOW) -> Known:
    return Known(at=at, ssid_name=DISASTER, drill_ssid_name=DRILL, ask_after_s=6 * 3600, states=states)


def test_staff_are_asked_after_some_hours_and_again() -> None:
    desk, six = Desk(), 6 * HOUR

    def due(desk: Desk, at: datetime) -> datetime | None:
        found = question(desk, [("A", NOW), ("B", NOW + HOUR)], at=at, ask_after=six)
        return found and found.due_at

    assert due(desk, NOW) == NOW + six
    assert due(replace(desk, needed_until=NOW + 8 * HOUR), NOW) == NOW + 8 * HOUR
    assert due(replace(desk, needed_until=NOW - HOUR), NOW) == NOW + six, "of an earlier night"
    assert due(replace(desk, released=("A",)), NOW) == NOW + 7 * HOUR
    assert due(replace(desk, released=("A", "B")), NOW) is None


def test_a_hold_is_asked_about_too_until_it_ends() -> None:
    hold = wifi_desk.Hold(ref="a", since=NOW, until=NOW + HOUR, by="sato", reason="停電")
    desk = Desk(holds=(hold,))
    assert question(desk, [], at=NOW, ask_after=HOUR)
    assert question(desk, [], at=NOW + HOUR, ask_after=HOUR) is None


@pytest.mark.parametrize(
    ("state", "look"),
    [
        (FacilityState(ref="a", shows=DISASTER, wanted=Mode.LIVE), Look.DISASTER),
        (FacilityState(ref="a", shows=DRILL), Look.DRILL),
        (FacilityState(ref="a", shows=EVERYDAY), Look.EVERYDAY),
        (FacilityState(ref="a", shows=""), Look.EVERYDAY),
        (FacilityState(ref="a"), Look.UNKNOWN),
        (FacilityState(ref="a", shows=EVERYDAY, wanted=Mode.LIVE, problem="503", failed=2), Look.CHANGING),
        (FacilityState(ref="a", shows=EVERYDAY, wanted=Mode.LIVE, problem="503", failed=3), Look.FAILED),
        (FacilityState(ref="a", wanted=Mode.LIVE, problem="503", failed=1), Look.FAILED),
        (FacilityState(ref="a", problem="503", failed=9), Look.UNKNOWN),
    ],
)
def test_a_look_is_what_was_read_never_what_was_ordered(state: FacilityState, look: Look) -> None:
    assert known(state).look(state) is look


def test_somebody_is_told_once_of_a_facility_that_fails() -> None:
    states = [FacilityState(ref=str(failed), failed=failed) for failed in range(6)]
    assert [state.ref for state in failing(states)] == ["3"]


@pytest_asyncio.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    ledger = Ledger(with_schema(tmp_path / "ledger.db"))
    await ledger.open()
    yield ledger
    await ledger.close()


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    key_files.create(tmp_path / "keys")
    return key_files.load(tmp_path / "keys")


async def test_what_staff_do_is_kept_and_audited(ledger: Ledger, keys: Keys) -> None:
    def change(seen: int, at: datetime = NOW, actor: Actor = SATO):  # type: ignore[no-untyped-def]
        return lambda conn: Change(conn, keys, actor, seen=seen, at=at)

    async def desk() -> Desk:
        return await ledger.read(lambda conn: wifi_desk.read(conn, keys))

    await ledger.write(lambda conn: change(0)(conn).hold(["a"], REFS, hours=2, reason="停電"))
    assert [hold.ref for hold in (await desk()).held(NOW + HOUR)] == ["a"]
    assert (await desk()).held(NOW + 2 * HOUR) == []
    await ledger.write(lambda conn: change(1)(conn).keep(hours=6))
    assert (await desk()).needed_until == NOW + 6 * HOUR
    assert len((await desk()).held(NOW + 5 * HOUR)) == 1, "what is still needed does not end before"
    with pytest.raises(Conflict):
        await ledger.write(lambda conn: change(1)(conn).put_back(["A"], reason="水が引いた"))
    await ledger.write(lambda conn: change(2)(conn).put_back(["A"], reason="水が引いた"))
    assert (await desk()).released == ("A",)
    assert (await desk()).held(NOW) == []
    with pytest.raises(Forbidden):
        await ledger.write(lambda conn: change(3, actor=ONO)(conn).keep(hours=1))
    with pytest.raises(BadInput, match="drill"):
        await ledger.write(lambda conn: change(3)(conn).begin_trial(["b"], ["a"], minutes=10))
    await ledger.write(lambda conn: change(3)(conn).begin_trial(["a"], ["a"], minutes=10))
    with pytest.raises(BadInput, match="already"):
        await ledger.write(lambda conn: change(4)(conn).begin_trial(["a"], ["a"], minutes=10))
    await ledger.write(lambda conn: change(4, NOW + timedelta(minutes=2))(conn).end_trial())
    assert (await desk()).drilled(NOW + timedelta(minutes=3)) is None


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"refs": []}, "refs"),
        ({"refs": ["z"]}, "refs"),
        ({"hours": 0}, "hours"),
        ({"hours": 73}, "hours"),
        ({"hours": None}, "hours"),
        ({"reason": ""}, "reason"),
        ({"reason": "あ" * 201}, "reason"),
    ],
)
async def test_what_is_wrong_with_a_hold_is_named(
    ledger: Ledger, keys: Keys, wrong: dict[str, object], field: str
) -> None:
    right = {"refs": ["a"], "hours": 1, "reason": "停電"} | wrong
    refs, hours, reason = right["refs"], right["hours"], right["reason"]
    with pytest.raises(BadInput) as raised:
        await ledger.write(
            lambda conn: Change(conn, keys, SATO, seen=0, at=NOW).hold(  # type: ignore[arg-type]
                refs, REFS, hours=hours, reason=reason
            )
        )
    assert raised.value.path == field


async def test_a_drills_report_says_what_was_read_back(ledger: Ledger, keys: Keys) -> None:
    trial = Trial(id="t1", refs=REFS, begun_at=NOW, until=NOW + timedelta(minutes=10), by="sato")
    minute = timedelta(minutes=1)

    async def follow(at: datetime, *states: FacilityState) -> wifi_drill.Record:
        await ledger.write(lambda conn: wifi_drill.follow(conn, keys, trial, known(*states, at=at), at=at))
        return await ledger.read(lambda conn: wifi_drill.get(conn, keys, "t1"))

    off = FacilityState(ref="b", name="B", wanted=Mode.STAFF_DRILL, read_at=NOW, problem="503", failed=1)
    on = FacilityState(ref="a", name="A", wanted=Mode.STAFF_DRILL, shows=DRILL, read_at=NOW + minute)
    record = await follow(NOW + minute, on, off)
    assert [(part.name, part.shown_at, part.problem) for part in record.parts] == [
        ("A", NOW + minute, ""),
        ("B", None, "503"),
    ]
    after = NOW + 11 * minute
    still = replace(on, wanted=None, problem="no answer", failed=1)
    record = await follow(after, still, replace(off, wanted=None))
    assert record.parts[0].restored_at is None
    assert not record.done(after)
    back = FacilityState(ref="a", name="A", shows=EVERYDAY, read_at=after + minute)
    record = await follow(
        after + minute, back, FacilityState(ref="b", name="B", shows=EVERYDAY, read_at=after)
    )
    assert record.parts[0].restored_at == after + minute
    assert record.parts[1].shown_at is None
    assert record.done(after + minute)
    later = await follow(after + 5 * minute, replace(on, read_at=after + 5 * minute), off)
    assert later == record, "what comes after a drill is no part of it"


def test_a_disaster_that_comes_into_a_drill_is_said() -> None:
    trial = Trial(id="t1", refs=("a",), begun_at=NOW, until=NOW + HOUR, by="sato")
    record = wifi_drill.Record(
        id="t1",
        by="sato",
        begun_at=NOW,
        ended_at=NOW + HOUR,
        ssid_name=DRILL,
        parts=(wifi_drill.Part(ref="a", name="A"),),
    )
    live = FacilityState(ref="a", wanted=Mode.LIVE, shows=DISASTER, read_at=NOW)
    assert followed(record, trial, known(live)).parts[0].problem == wifi_drill.DISASTER
