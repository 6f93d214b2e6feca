"""Readings from outside: each is understood by itself, and a mistake is named with its place."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import BadInput
from hub.shelter_list import Crowding
from shelters.reading import MOST_READINGS, DoorDeltas, DoorTotals, HeadCount, Refusal, Sent, StaffWord, parse

NOW = datetime(2026, 9, 12, 13, 3, tzinfo=UTC)


def one(**fields: object) -> dict[str, object]:
    return {"id": "1", "device": "gym", "at": "2026-09-12T22:03:00+09:00"} | fields


def parsed(*readings: object) -> list[Sent | Refusal]:
    return list(parse(json.dumps({"readings": readings}).encode(), now=NOW))


def test_every_kind_is_understood() -> None:
    found = parsed(
        one(kind="door_totals", **{"in": 312, "out": 40}),
        one(kind="door_deltas", **{"in": 5, "out": 1}),
        one(kind="head_count", people=196),
        one(kind="staff_word", people=200, crowding="some"),
        one(kind="staff_word", crowding="full", battery=87),
    )
    assert [sent.measure for sent in found if isinstance(sent, Sent)] == [
        DoorTotals(entered=312, left=40),
        DoorDeltas(entered=5, left=1),
        HeadCount(people=196),
        StaffWord(people=200, crowding=Crowding.SOME),
        StaffWord(crowding=Crowding.FULL),
    ]
    assert {sent.at for sent in found if isinstance(sent, Sent)} == {NOW}


@pytest.mark.parametrize(
    ("reading", "place", "says"),
    [
        (one(kind="door_totals", **{"in": "many", "out": 0}), "$.readings[1].in", "Expected `int`"),
        (one(kind="door_totals", **{"in": 1, "out": -1}), "$.readings[1].out", ">= 0"),
        (one(kind="door_totals", **{"in": 1}), "$.readings[1]", "`out`"),
        (one(kind="door_totals", bits=8, **{"in": 256, "out": 0}), "$.readings[1]", "of 8 bits"),
        (one(kind="head_count", people=1e300), "$.readings[1].people", "Expected `int`"),
        (one(kind="cat_count", cats=3), "$.readings[1].kind", "cat_count"),
        (one(people=3), "$.readings[1]", "`kind`"),
        (one(kind="staff_word"), "$.readings[1]", "neither"),
        (one(kind="staff_word", crowding="unknown"), "$.readings[1]", "leave `crowding` out"),
        (one(kind="head_count", people=1, id=""), "$.readings[1].id", "length"),
        (one(kind="head_count", people=1, at="2026-09-12T22:03:00"), "$.readings[1].at", "timezone"),
        (one(kind="head_count", people=1, at="2026-09-12T22:09:00+09:00"), "$.readings[1].at", "future"),
        (one(kind="head_count", people=1, at="2026-09-11T22:02:59+09:00"), "$.readings[1].at", "a day old"),
        (one(kind="head_count", people=1, at="0001-01-01T00:00:00+23:59"), "$.readings[1].at", "a day old"),
        ("hello", "$.readings[1]", "Expected `object`"),
    ],
)
def test_a_mistake_is_named_and_spoils_no_other(reading: object, place: str, says: str) -> None:
    good = one(kind="head_count", people=3)
    before, refused, after = parsed(good, reading, good)
    assert isinstance(before, Sent)
    assert isinstance(after, Sent)
    assert isinstance(refused, Refusal)
    assert refused.place == place
    assert says in refused.message


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"", "$"),
        (b"\xff", "$"),
        (b"[]", "$"),
        (b"{}", "$"),
        (b'{"readings": 3}', "$.readings"),
        (b'{"readings": ' + b"[" * 200_000, "$"),
        (json.dumps({"readings": [1] * (MOST_READINGS + 1)}).encode(), "$.readings"),
    ],
)
def test_a_body_that_is_none_is_refused_as_a_whole(body: bytes, place: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse(body, now=NOW)
    assert refused.value.path == place


def test_broken_text_in_one_reading_spoils_no_other() -> None:
    body = b'{"readings": [{"id": "\xff"}, ' + json.dumps(one(kind="head_count", people=3)).encode() + b"]}"
    refused, good = parse(body, now=NOW)
    assert isinstance(refused, Refusal)
    assert isinstance(good, Sent)


def test_a_clock_may_run_a_little_ahead() -> None:
    ahead = (NOW + timedelta(minutes=4, seconds=59)).isoformat()
    assert isinstance(parsed(one(kind="head_count", people=3, at=ahead))[0], Sent)


@given(st.binary(max_size=300))
def test_no_body_does_worse_than_being_refused(body: bytes) -> None:
    with suppress(BadInput):
        assert all(isinstance(item, Refusal) for item in parse(body, now=NOW))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["id", "device", "at", "kind", "in", "out", "people", "readings"]), inner
        )
    ),
    max_leaves=12,
)


@given(st.lists(JSON, max_size=5))
def test_every_reading_is_taken_or_refused(readings: list[object]) -> None:
    found = parsed(*readings)
    assert len(found) == len(readings)
    assert all(item.place.startswith(f"$.readings[{i}]") for i, item in enumerate(found))
