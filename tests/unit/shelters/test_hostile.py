"""Whatever a stranger, a fault or somebody with a key sends beside them, the honest readings give the same number."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.errors import BadInput
from shelters import intake
from shelters.device import Counts, Device, Devices
from shelters.estimate import Ruler, estimate
from shelters.inspector import Inspector
from shelters.reading import Reading
from shelters.site import SiteCode
from shelters.tally import Tally, add

SITE = SiteCode("E1")
CAPACITY = 200
START = datetime(2026, 9, 12, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def device(name: str, counts: Counts, key: str = "gym") -> Device:
    return Device(id=name, site=SITE, counts=counts, key=key, interval=MINUTE, capacity=CAPACITY)


DEVICES = Devices(
    [
        device("north", Counts.DOOR_TOTALS),
        device("south", Counts.DOOR_DELTAS),
        device("camera", Counts.HEADS),
        device("elsewhere", Counts.DOOR_TOTALS, key="other"),
    ],
    {},
)

Json = dict[str, Any]


def honest(minute: int) -> list[Json]:
    at = (START + minute * MINUTE).isoformat()
    return [
        {
            "id": f"n{minute}",
            "device": "north",
            "at": at,
            "kind": "door_totals",
            "in": 50 + 3 * minute,
            "out": minute,
        },
        {"id": f"s{minute}", "device": "south", "at": at, "kind": "door_deltas", "in": 1, "out": 0},
        {"id": f"c{minute}", "device": "camera", "at": at, "kind": "head_count", "people": 40 + minute},
    ]


def _altered(change: Callable[[Json], Json]) -> st.SearchStrategy[Json]:
    """An honest reading of some minute, with a name of its own, made dishonest."""
    return st.tuples(st.integers(0, 20), st.integers(0, 2), st.integers(0, 10**6)).map(
        lambda drawn: change(honest(drawn[0])[drawn[1]] | {"id": f"x{drawn[2]}"})
    )


def _count(reading: Json, number: int) -> Json:
    return reading | ({"people": number} if "people" in reading else {"in": number})


HOSTILE = st.one_of(
    st.tuples(st.integers(0, 20), st.integers(0, 2)).map(
        lambda drawn: honest(drawn[0])[drawn[1]]
    ),  # a replay
    st.integers(-(10**9), -1).flatmap(lambda number: _altered(lambda reading: _count(reading, number))),
    st.integers(30 * CAPACITY, 2**40).flatmap(
        lambda number: _altered(lambda reading: _count(reading, number))
    ),
    _altered(lambda reading: reading | {"at": (START + timedelta(days=400)).isoformat()}),
    _altered(lambda reading: reading | {"at": (START - timedelta(days=2)).isoformat()}),
    _altered(lambda reading: reading | {"device": "elsewhere"}),
    _altered(lambda reading: reading | {"device": "nobody"}),
    _altered(lambda reading: reading | {"kind": "staff_word", "people": 1, "crowding": "space"}),
    _altered(lambda reading: {"id": reading["id"]}),
)


def _people(minutes: list[tuple[int, list[Json]]]) -> tuple[Tally, int | None]:
    """What is said after all of it has come in, minute by minute, with one key."""
    now = START
    inspector = Inspector(DEVICES, clock=lambda: now)
    taken: list[Reading] = []
    for minute, readings in minutes:
        now = START + minute * MINUTE
        body = json.dumps({"readings": readings}).encode()
        try:
            taken += inspector.inspect(intake.sort(body, DEVICES, now=now, key="gym")).taken
        except BadInput:
            continue
    tally = add(Tally(site=SITE), taken)
    ruler = Ruler(devices=DEVICES.at(SITE)[:3], capacity=CAPACITY)
    return tally, estimate(tally, ruler, now=now).people


@settings(deadline=None, max_examples=15)
@given(st.lists(st.lists(HOSTILE, max_size=4), min_size=21, max_size=21))
def test_hostile_input_moves_nobody(between: list[list[Json]]) -> None:
    quiet = _people([(minute, honest(minute)) for minute in range(21)])
    loud = _people([(minute, [*honest(minute), *between[minute]]) for minute in range(21)])
    assert loud == quiet
    assert quiet[1] is not None
