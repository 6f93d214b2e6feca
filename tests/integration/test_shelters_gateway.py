"""Readings over HTTP: what is good is taken, what is not is named, and every refusal says what to do."""

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from hub import keys
from hub.bus import READINGS
from hub.bus.embedded import EmbeddedBus
from hub.clock import utc_now
from hub.codec import RecordCodec
from hub.live.memory import MemoryLive
from shelters.device import Counts, Device, Devices, Sensor, new_key
from shelters.gateway import BURST, MOST_BYTES, PATH, SENSORS, Gateway
from shelters.reading import MOST_READINGS, DoorTotals, HeadCount, Reading, Readings
from shelters.site import SiteCode

PATIENCE_S = 120.0
SITES = [SiteCode("E1320700035"), SiteCode("E1320700002")]
TOKEN, KEPT = new_key()
OTHER_TOKEN, OTHER_KEPT = new_key()
MINUTE = timedelta(minutes=1)

Http = TestClient[web.Request, web.Application]


def devices() -> Devices:
    doors = [
        Device(id=f"door-{i}", site=site, counts=Counts.DOOR_TOTALS, key="gym", interval=MINUTE)
        for i, site in enumerate(SITES)
    ]
    camera = Device(id="camera", site=SITES[0], counts=Counts.HEADS, key="hall", interval=MINUTE)
    axis = Sensor(vendor="axis", model="people-counter", address="00408cac512b", part="line")
    counter = Device(
        id="counter", site=SITES[0], counts=Counts.DOOR_TOTALS, key="hall", interval=MINUTE, sensor=axis
    )
    return Devices([*doors, camera, counter], {KEPT: "gym", OTHER_KEPT: "hall"})


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
async def http(bus: EmbeddedBus, records: RecordCodec) -> AsyncIterator[Http]:
    live = MemoryLive()
    await live.open()
    gateway = Gateway(devices=devices(), bus=bus, live=live, records=records, clock=utc_now)
    app = web.Application()
    app.add_routes(gateway.routes())
    async with TestClient(TestServer(app)) as client:
        yield client
    await live.close()


def door(number: int, **changes: object) -> dict[str, object]:
    at = datetime.now(UTC).isoformat()
    return {
        "id": f"r{number}",
        "device": "door-0",
        "at": at,
        "kind": "door_totals",
        "in": number,
        "out": 0,
    } | changes


async def post(http: Http, body: bytes | str | list[Any], token: str | None = TOKEN) -> tuple[int, Any]:
    data = json.dumps({"readings": body}) if isinstance(body, list) else body
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    async with http.post(PATH, data=data, headers=headers) as response:
        assert response.content_type == "application/json"
        return response.status, await response.json()


async def on_the_bus(bus: EmbeddedBus, records: RecordCodec, count: int) -> list[Reading]:
    found: list[Reading] = []
    async with asyncio.timeout(PATIENCE_S), bus.subscribe(READINGS, group="test") as subscription:
        while len(found) < count:
            got = await subscription.get()
            for record in got:
                found += records.unseal(Readings, READINGS, record.key, record.value).readings
            await subscription.commit(got)
    return found


async def test_many_readings_in_one_request(http: Http, bus: EmbeddedBus, records: RecordCodec) -> None:
    many = [door(number, device=f"door-{number % 2}") for number in range(50)]
    assert await post(http, many) == (200, {"taken": 50, "refused": []})
    found = await on_the_bus(bus, records, 50)
    for i, site in enumerate(SITES):
        of_site = [one.measure for one in found if one.site == site]
        assert of_site == [DoorTotals(entered=number, left=0) for number in range(i, 50, 2)]


async def test_the_good_ones_are_taken_and_each_bad_one_is_named(
    http: Http, bus: EmbeddedBus, records: RecordCodec
) -> None:
    mixed = [door(1), door(2, **{"in": "x"}), "?", door(3), door(4, device="camera"), door(5, at="yesterday")]
    status, answer = await post(http, mixed)
    assert (status, answer["taken"]) == (200, 2)
    assert [refused["place"] for refused in answer["refused"]] == [
        "$.readings[1].in",
        "$.readings[2]",
        "$.readings[4].device",
        "$.readings[5].at",
    ]
    assert all(refused["message"] for refused in answer["refused"])
    assert [one.id for one in await on_the_bus(bus, records, 2)] == ["r1", "r3"]


@pytest.mark.parametrize(
    ("body", "place"),
    [
        (b"", "$"),
        (b"\xff\xfe", "$"),
        (b"[1]", "$"),
        (b'{"readings": {}}', "$.readings"),
        (b'{"readings": ' + b"[" * 100_000, "$"),
        ([{}], "$.readings[0]"),
    ],
)
async def test_nothing_good_is_400_with_the_place(http: Http, body: Any, place: str) -> None:
    status, answer = await post(http, body)
    assert status == 400
    assert (answer["taken"], answer["refused"][0]["place"]) == (0, place)


@pytest.mark.parametrize(
    "token", [None, "", "wrong", pytest.param(KEPT, id="its hash"), "日本語".encode().decode("latin-1")]
)
async def test_without_one_of_our_keys_it_is_401(http: Http, token: str | None) -> None:
    status, answer = await post(http, [door(1)], token)
    assert (status, answer["taken"]) == (401, 0)


async def test_a_key_speaks_for_its_own_devices_only(http: Http) -> None:
    status, answer = await post(http, [door(1)], OTHER_TOKEN)
    assert (status, answer["refused"][0]["place"]) == (400, "$.readings[0].device")


async def test_too_large_is_413_whether_the_length_is_announced_or_not(http: Http) -> None:
    large = b'{"readings": [' + b" " * MOST_BYTES + b"]}"
    assert (await post(http, large))[0] == 413

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(large), 16_384):
            yield large[start : start + 16_384]

    async with http.post(PATH, data=chunks(), headers={"Authorization": f"Bearer {TOKEN}"}) as response:
        assert response.status == 413


async def test_too_many_is_429_and_says_when_to_come_back(http: Http) -> None:
    many = [door(number) for number in range(MOST_READINGS)]

    async def once() -> tuple[int, str | None]:
        async with http.post(
            PATH, json={"readings": many}, headers={"Authorization": f"Bearer {TOKEN}"}
        ) as response:
            return response.status, response.headers.get("Retry-After")

    answers = await asyncio.gather(*(once() for _ in range(2 * int(BURST / MOST_READINGS) + 1)))
    refused = [retry_after for status, retry_after in answers if status == 429]
    assert refused
    assert all(retry_after is not None and int(retry_after) >= 1 for retry_after in refused)
    assert (await post(http, [door(1, device="camera", kind="head_count", people=3)], OTHER_TOKEN))[0] == 200


async def test_what_cannot_be_stored_is_503_and_is_taken_when_it_comes_again(
    http: Http, bus: EmbeddedBus, records: RecordCodec
) -> None:
    await bus.close()
    async with http.post(
        PATH, json={"readings": [door(1)]}, headers={"Authorization": f"Bearer {TOKEN}"}
    ) as response:
        assert response.status == 503
        assert int(response.headers["Retry-After"]) >= 1
        assert (await response.json())["taken"] == 0
    await bus.open()
    assert await post(http, [door(1)]) == (200, {"taken": 1, "refused": []})
    assert [one.id for one in await on_the_bus(bus, records, 1)] == ["r1"]


async def test_a_token_is_never_answered_back(http: Http) -> None:
    _, answer = await post(http, [door(1, device=TOKEN[:10])], "secret-token")
    assert "secret-token" not in json.dumps(answer)


async def push(
    http: Http, source: str, body: bytes | BytesIO, token: str = OTHER_TOKEN, *, basic: bool = False
) -> tuple[int, Any]:
    told = b64encode(f"counter:{token}".encode()).decode() if basic else token
    headers = {"Authorization": f"{'Basic' if basic else 'Bearer'} {told}"}
    async with http.post(f"{SENSORS}/{source}", data=body, headers=headers) as response:
        return response.status, await response.json()


def live_sum(**changes: object) -> bytes:
    told = {"serial": "00408CAC512B", "timestamp": "20170503112756", "in": 12, "out": 318}
    return json.dumps(told | changes).encode()


async def test_what_counters_push_in_their_own_words_is_taken(
    http: Http, bus: EmbeddedBus, records: RecordCodec
) -> None:
    taken = {"taken": 1, "refused": []}
    assert await push(http, "axis", live_sum()) == (200, taken)
    assert await push(http, "axis", live_sum(), basic=True) == (200, taken)
    assert await push(http, "check-in?device=camera", b"name\nA\nB\n") == (200, taken)
    status, answer = await push(http, "axis", live_sum(serial="somebody"))
    assert (status, answer["taken"], answer["refused"][0]["stranger"]) == (200, 0, True)
    status, answer = await push(http, "things-stack/up", b"{}")
    assert (status, answer["refused"][0]["place"]) == (400, "$")
    assert (await push(http, "check-in?device=camera", 'name\n昭島花子,"'.encode()))[0] == 400
    assert (await push(http, "toaster", live_sum()))[0] == 404
    assert (await push(http, "axis", live_sum(), "wrong"))[0] == 401
    assert (await push(http, "axis", live_sum(), "wrong", basic=True))[0] == 401
    assert (await push(http, "axis", BytesIO(b" " * 10_000_000)))[0] == 413
    first, again, listed = await on_the_bus(bus, records, 3)
    assert (first.id, first.measure) == (again.id, again.measure)
    assert first.measure == DoorTotals(entered=12, left=318)
    assert (listed.device, listed.measure) == ("camera", HeadCount(people=2))
