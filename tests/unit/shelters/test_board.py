"""The board and what residents see of it."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub import codec
from hub.hazard import Hazard
from hub.language import Language
from hub.place import Name, Position
from hub.shelter_list import Crowding, fits, written
from shelters.ahead import Ahead
from shelters.board import Board, board
from shelters.occupancy import Occupancy, Source
from shelters.public_list import public_list
from shelters.shelter import Stage, Step
from shelters.site import Site, SiteCode
from shelters.suited import Suited

NOW = datetime(2026, 9, 12, 13, 18, tzinfo=UTC)
HERE = Position(latitude=35.700, longitude=139.380)
FLOOD = Hazard.FLOOD


def site(code: str, name: str, *, north: float, hazards: frozenset[Hazard] = frozenset({FLOOD})) -> Site:
    return Site(
        code=SiteCode(code),
        name=Name(ja=name, en=code.title()),
        address="1-1",
        position=Position(latitude=HERE.latitude + north, longitude=HERE.longitude),
        emergency_id=code,
        evacuation_id=None,
        hazards=hazards,
        capacity=100,
    )


SITES = {
    place.code: place
    for place in [
        site("near", "近い小学校", north=0.001),
        site("far", "遠い小学校", north=0.004),
        site("busy", "混む小学校", north=0.0005),
        site("full", "満員の小学校", north=0.0001),
        site("soon", "これから開く小学校", north=0.0002),
        site("river", "川の公園", north=0.0, hazards=frozenset({Hazard.EARTHQUAKE})),
        site("shut", "閉じた小学校", north=0.0003),
    ]
}


def step(code: str, stage: Stage, opens_at: datetime | None = None, number: int = 6) -> Step:
    return Step(site=SiteCode(code), number=number, stage=stage, at=NOW, by="tanaka", opens_at=opens_at)


def counted(code: str, people: int | None, crowding: Crowding | None, minutes_ago: int = 3) -> Occupancy:
    as_of = NOW - timedelta(minutes=minutes_ago)
    return Occupancy(
        site=SiteCode(code),
        version=4,
        people=people,
        capacity=100,
        crowding=crowding,
        source=Source.STAFF,
        as_of=as_of,
        fresh_until=as_of + timedelta(minutes=30),
    )


STEPS = {
    place.site: place
    for place in [
        step("near", Stage.RECEIVING),
        step("far", Stage.RECEIVING),
        step("busy", Stage.RECEIVING),
        step("full", Stage.FULL),
        step("soon", Stage.UNLOCKED, NOW + timedelta(hours=1)),
        step("river", Stage.RECEIVING),
    ]
}
COUNTS = {
    count.site: count
    for count in [
        counted("near", 5, Crowding.HAS_ROOM),
        counted("far", 2, Crowding.HAS_ROOM, minutes_ago=12),
        counted("busy", 70, Crowding.CROWDED),
        counted("full", 50, Crowding.SOME),
        counted("river", 3, Crowding.HAS_ROOM),
        counted("soon", 9, Crowding.HAS_ROOM),
    ]
}


def now_board(counts: Mapping[SiteCode, Occupancy] = COUNTS, now: datetime = NOW) -> Board:
    return board(SITES, STEPS, counts, now=now)


def test_residents_see_suited_sites_by_room_then_distance_with_the_rest_at_the_end() -> None:
    listed = public_list(now_board(), FLOOD, near=HERE)
    assert [entry.code for entry in listed] == ["near", "far", "busy", "soon", "full"]
    assert [entry.suited for entry in listed[3:]] == [Suited.PLANNED, Suited.FULL]


def test_a_full_site_reads_as_full_whatever_was_counted() -> None:
    full = public_list(now_board(), FLOOD)[-1]
    assert (full.ja, full.crowding, full.people) == ("満員の小学校", Crowding.FULL, 50)


def test_a_site_that_is_being_opened_shows_its_hour_and_no_people() -> None:
    soon = next(entry for entry in public_list(now_board(), FLOOD) if entry.code == "soon")
    assert (soon.opens_at, soon.people, soon.crowding) == (NOW + timedelta(hours=1), None, None)


def test_what_residents_get_names_no_member_of_staff_and_is_json() -> None:
    text = codec.encode(public_list(now_board(), FLOOD)).decode()
    assert "tanaka" not in text
    assert '"ja":"近い小学校"' in text


def test_a_text_names_only_where_people_may_be_sent() -> None:
    lines = now_board().lines(FLOOD, near=HERE)
    assert lines is not None
    assert [line.name for line in lines.lines] == ["近い小学校", "遠い小学校", "混む小学校"]
    assert lines.as_of == NOW - timedelta(minutes=12)
    for language in Language:
        assert fits(written(lines, language), language)
    assert "川の公園" not in written(lines, Language.JA)


def test_nobody_more_is_sent_to_what_is_full_before_they_arrive() -> None:
    """It is shown all the same, and those on their way are taken off its room."""
    counts = dict(COUNTS)
    for code, minutes in (("near", 30), ("far", 31)):
        counts[SiteCode(code)] = msgspec.structs.replace(
            COUNTS[SiteCode(code)],
            people=12,
            full_at=NOW + timedelta(minutes=minutes),
            ahead=(Ahead(at=NOW + timedelta(minutes=30), people=60, low=40, high=90),),
        )
    now = now_board(counts)
    assert [row.site.code for row in now.recommended(FLOOD, near=HERE)] == ["far", "busy"]
    near = next(entry for entry in public_list(now, FLOOD, near=HERE) if entry.code == "near")
    assert (near.suited, near.crowding) == (Suited.FILLING, Crowding.HAS_ROOM)
    rooms = {place.site: place.room for place in now.places(FLOOD)}
    assert (rooms[SiteCode("near")], rooms[SiteCode("far")]) == (None, 37)  # 97 − 12 − 48
    later = now.later(NOW + timedelta(minutes=1))
    assert later.version > now.version
    assert [row.site.code for row in later.recommended(FLOOD, near=HERE)] == ["busy"]
    silent = later.later(NOW + timedelta(hours=1))
    assert silent.version > later.version
    assert not any(row.full_expected for row in silent.rows)  # nobody knows


def expecting(code: str, people: int) -> Occupancy:
    """So many are inside when people who set out now arrive, which is not yet full."""
    ahead = (Ahead(at=NOW + timedelta(minutes=30), people=people, low=people - 5, high=people + 5),)
    return msgspec.structs.replace(COUNTS[SiteCode(code)], people=50, ahead=ahead)


def test_a_text_names_no_site_without_room_when_people_arrive() -> None:
    """It receives, it is not full, and it stays on the list that shows how full each is."""
    now = now_board(COUNTS | {SiteCode("near"): expecting("near", 98)})
    lines = now.lines(FLOOD, near=HERE)
    assert lines is not None
    assert [line.name for line in lines.lines] == ["遠い小学校", "混む小学校"]
    assert "near" in [entry.code for entry in public_list(now, FLOOD)]


def test_a_text_names_a_site_of_which_nobody_can_say_whether_there_will_be_room() -> None:
    cannot_say = (Ahead(at=NOW + timedelta(minutes=30)),)
    near = msgspec.structs.replace(COUNTS[SiteCode("near")], people=None, crowding=None, ahead=cannot_say)
    lines = now_board(COUNTS | {SiteCode("near"): near}).lines(FLOOD, near=HERE)
    assert lines is not None
    assert {line.name: line.crowding for line in lines.lines}["近い小学校"] is None


def test_where_nowhere_will_be_room_a_text_sends_nobody_anywhere() -> None:
    now = now_board(COUNTS | {SiteCode(code): expecting(code, 99) for code in ("near", "far", "busy")})
    assert now.lines(FLOOD, near=HERE) is None


def test_one_slow_counter_does_not_make_a_list_old() -> None:
    counts = {**COUNTS, SiteCode("near"): counted("near", 5, Crowding.HAS_ROOM, minutes_ago=25)}
    lines = now_board(counts).lines(FLOOD, near=HERE)
    assert lines is not None
    near = next(line for line in lines.lines if line.name == "近い小学校")
    assert (near.crowding, near.people, near.few) == (None, None, False)
    assert lines.as_of == NOW - timedelta(minutes=12), "the oldest that is said"


@pytest.mark.parametrize("hazard", [Hazard.LANDSLIDE, Hazard.CIVIL_PROTECTION])
def test_where_nothing_is_suited_a_text_names_nothing(hazard: Hazard) -> None:
    assert now_board().lines(hazard, near=HERE) is None
    assert public_list(now_board(), hazard) == []


def test_a_stale_count_is_unknown_on_the_board() -> None:
    later = now_board(now=NOW + timedelta(minutes=28))
    row = next(row for row in later.rows if row.site.code == "busy")
    assert (row.people, row.crowding) == (None, None)
    assert public_list(later, FLOOD, near=HERE)[0].crowding is None


def test_an_unknown_count_is_offered_after_room_and_not_after_a_crowd() -> None:
    counts = {code: count for code, count in COUNTS.items() if code != "near"}
    assert [entry.code for entry in public_list(now_board(counts), FLOOD, near=HERE)][:3] == [
        "far",
        "near",
        "busy",
    ]


def test_nobody_is_sent_across_the_city_for_a_better_word() -> None:
    across = [site("here", "here", north=0.002), site("there", "there", north=0.02)]  # 0.3 and 2.9 km on foot
    sites = {each.code: each for each in across}
    steps = {code: step(code, Stage.RECEIVING) for code in sites}
    counts = {SiteCode("there"): counted("there", None, Crowding.HAS_ROOM)}
    found = board(sites, steps, counts, now=NOW)
    assert [row.site.code for row in found.shown(FLOOD, near=HERE)] == ["here", "there"]
    assert [row.site.code for row in found.shown(FLOOD)] == ["there", "here"]
    assert [row.site.code for row in found.shown(FLOOD, about=HERE)] == [
        "there",
        "here",
    ]  # nobody stands there


def test_sites_without_steps_or_counts_stand_on_the_board_for_staff() -> None:
    shut = next(row for row in now_board().rows if row.site.code == "shut")
    assert shut.step.stage is Stage.UNOPENED
    assert not shut.occupancy.known


def test_the_boards_rows_are_json() -> None:
    assert len(msgspec.json.decode(codec.encode(now_board().rows))) == len(SITES)


@given(
    changes=st.lists(st.sampled_from(["step", "count", "unknown", "time"]), min_size=1, max_size=20),
)
def test_the_version_rises_with_every_change(changes: list[str]) -> None:
    """Whatever happens to a site, a page that knows an older version learns of it."""
    at, place, count = (
        NOW,
        step("near", Stage.RECEIVING),
        counted("near", 5, Crowding.HAS_ROOM, minutes_ago=0),
    )
    seen = board(SITES, {place.site: place}, {count.site: count}, now=at)
    for change in changes:
        match change:
            case "step":
                place = msgspec.structs.replace(place, number=place.number + 1)
            case "count":
                count = msgspec.structs.replace(
                    count, version=count.version + 1, people=7, fresh_until=at + timedelta(minutes=30)
                )
            case "unknown":
                count = msgspec.structs.replace(
                    count, version=count.version + 1, people=None, fresh_until=None
                )
            case _:
                at += timedelta(minutes=20)
        new = board(SITES, {place.site: place}, {count.site: count}, now=at)
        assert new.version >= seen.version
        assert (new.version > seen.version) == (new.rows != seen.rows)
        seen = new
