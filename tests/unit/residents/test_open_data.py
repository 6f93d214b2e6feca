"""The files of open data as a program meets them."""

import csv
import dataclasses
import io
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from lxml import html
from msgspec.structs import replace
from shapely.geometry import shape

from config import folder
from hub.alert import Mode
from hub.cap import MsgType
from hub.hazard import Hazard
from hub.language import Language
from hub.outbound import Deployment
from operator_ui.residents.catalogue import catalogue
from operator_ui.residents.data_files import CATALOGUE, Form, Subject, data_files
from operator_ui.residents.data_routes import AT_ONCE
from operator_ui.residents.news import STUCK_AFTER
from operator_ui.residents.publisher import load_publisher
from shelters.history import Point
from shelters.shelter import Stage
from shelters.site import Site
from shelters.tables import shelter_steps
from tests.unit.residents.portal_setup import (
    CITY,
    FLOOD,
    NOT_FLOOD,
    NOW,
    SITES,
    Town,
    a_town,
    flood_order,
    open_some,
    served,
)

FILES = [each for each in data_files(CITY) if not each.old]
NOW_GEOJSON, FLOOD_GEOJSON = "/open-data/shelters.geojson", "/open-data/shelters-flood.geojson"
STANDING = "/open-data/132071_evacuation_space"
SECRET = ("device", "sato", "need_support", "households", "medical")
"""Names of what no file may hold: sensors, staff, people who need support."""


@pytest_asyncio.fixture
async def web(town: Town) -> AsyncIterator[aiohttp.ClientSession]:
    async with served(town) as url, aiohttp.ClientSession(url) as session:
        yield session


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def busy(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[aiohttp.ClientSession]:
    """A rehearsal's listener during an alert, for tests that only read."""
    async with a_town(tmp_path_factory.mktemp("busy"), deployment=Deployment.REHEARSAL) as town:
        open_some(town.shelters)
        town.shelters.put(FLOOD[8], Stage.RECEIVING, people=3)
        await receives(town, FLOOD[0])
        town.past.append(Point(site=FLOOD[0].code, at=NOW - timedelta(minutes=5), people=86))
        await town.publish(flood_order(sent=NOW - timedelta(minutes=30)), "2026-0147")
        async with served(town) as url, aiohttp.ClientSession(url) as session:
            yield session


async def read(web: aiohttp.ClientSession, path: str) -> bytes:
    async with web.get(path) as answer:
        assert answer.status == 200, path
        return await answer.read()


async def features(web: aiohttp.ClientSession, path: str) -> list[dict[str, Any]]:
    """Checked as RFC 7946 has them."""
    found = json.loads(await read(web, path))
    assert found["type"] == "FeatureCollection"
    assert (found["license"], found["attribution"]) == ("CC-BY-4.0", "昭島市")
    assert "国土地理院" in found["source"]
    assert "crs" not in found
    for each in found["features"]:
        assert {*each} == {"type", "id", "geometry", "properties"}
        assert (each["type"], each["geometry"]["type"]) == ("Feature", "Point")
        point = shape(each["geometry"])
        assert (point.is_valid, point.has_z) == (True, False)
        assert abs(point.x - CITY.centre.longitude) < 0.1, "longitude comes first"
        assert abs(point.y - CITY.centre.latitude) < 0.1
    return list(found["features"])


def codes(found: list[dict[str, Any]]) -> set[str]:
    return {each["id"] for each in found}


async def test_without_an_alert_only_the_standing_list_names_sites(
    web: aiohttp.ClientSession, town: Town
) -> None:
    open_some(town.shelters)
    assert await features(web, NOW_GEOJSON) == []
    assert await features(web, FLOOD_GEOJSON) == []
    standing = await features(web, f"{STANDING}.geojson")
    assert codes(standing) == {*SITES}
    for each in standing:
        assert {"state", "people", "crowding", "opens_at", "as_of"} & {*each["properties"]} == set()
    await town.publish(flood_order(mode=Mode.RESIDENT_DRILL), "2026-0147")
    town.now += timedelta(seconds=1)
    assert await features(web, NOW_GEOJSON) == [], "a drill opens nothing"
    assert json.loads(await read(web, "/api/shelters.json"))["drills"] == ["flood"]
    plain, marked = await read(web, f"{STANDING}.csv"), await read(web, f"{STANDING}_bom.csv")
    assert marked == b"\xef\xbb\xbf" + plain
    assert len(list(csv.DictReader(io.StringIO(plain.decode(), newline="")))) == len(SITES)


async def test_of_two_hazards_the_file_for_all_names_what_is_for_both(
    web: aiohttp.ClientSession, town: Town
) -> None:
    trap = next(site for site in NOT_FLOOD if site.designated_for(Hazard.EARTHQUAKE))
    both = next(site for site in FLOOD if site.designated_for(Hazard.EARTHQUAKE))
    flood_only = replace_hazards(town, FLOOD[9], Hazard.FLOOD)
    for site in (trap, both, flood_only):
        town.shelters.put(site, Stage.RECEIVING)
    await town.publish(flood_order(), "2026-0147")
    quake = replace(flood_order(number="2026-0148"), hazard=Hazard.EARTHQUAKE)
    await town.publish(quake, "2026-0148")
    assert codes(await features(web, NOW_GEOJSON)) == {both.code}
    assert codes(await features(web, FLOOD_GEOJSON)) == {both.code, flood_only.code}
    assert codes(await features(web, "/open-data/shelters-earthquake.geojson")) == {both.code, trap.code}


def replace_hazards(town: Town, site: Site, *hazards: Hazard) -> Site:
    town.shelters.hazards[site.code] = frozenset(hazards)
    return replace(site, hazards=frozenset(hazards))


async def test_what_could_not_be_checked_names_nothing(town: Town) -> None:
    open_some(town.shelters)
    await town.publish(flood_order(), "2026-0147")
    async with served(town) as url, aiohttp.ClientSession(url) as web:
        assert len(await features(web, NOW_GEOJSON)) == 7
        await town.ledger.close()
        town.now += timedelta(minutes=3)
        await read(web, "/ja/")  # whoever looks finds the ledger away
        assert await features(web, NOW_GEOJSON) == []
        assert json.loads(await read(web, "/api/shelters.json"))["hazards"] == {"flood": []}


async def receives(town: Town, site: Site, *, closes: bool = False) -> None:
    """Since an hour before `NOW`; closed a minute before it."""
    steps = [(Stage.RECEIVING, NOW - timedelta(hours=1)), (Stage.CLOSED, NOW - timedelta(minutes=1))]
    rows = [
        {
            "site": site.code,
            "number": number,
            "stage": stage,
            "at": at,
            "recorded_at": at,
            "by": "sato",
            "note": "",
        }
        for number, (stage, at) in enumerate(steps[: 2 if closes else 1], start=1)
    ]
    await town.ledger.write(lambda conn: conn.execute(shelter_steps.insert(), rows))


async def past(web: aiohttp.ClientSession) -> dict[str, list[tuple[int | None, bool]]]:
    """As both forms have it."""
    found = json.loads(await read(web, "/open-data/occupancy.json"))
    as_json = {
        site["code"]: [(each["at"], each["people"], each["few"]) for each in site["samples"]]
        for site in found["sites"]
    }
    rows = list(
        csv.DictReader(io.StringIO((await read(web, "/open-data/occupancy.csv")).decode(), newline=""))
    )
    as_csv: dict[str, list[tuple[str, int | None, bool]]] = {}
    for row in rows:
        people = int(row["人数"]) if row["人数"] else None
        as_csv.setdefault(row["ID"], []).append((row["日時"], people, row["少人数"] == "1"))
    assert as_json == as_csv
    return {code: [(people, few) for _, people, few in samples] for code, samples in as_json.items()}


async def test_the_past_holds_what_was_public_and_in_an_alert_only_sites_of_its_list(
    web: aiohttp.ClientSession, town: Town
) -> None:
    open_, closed, never = FLOOD[0], FLOOD[1], NOT_FLOOD[0]
    for site in (open_, never):
        await receives(town, site)
        town.shelters.put(site, Stage.RECEIVING, people=30)
    await receives(town, closed, closes=True)
    town.shelters.put(closed, Stage.CLOSED)
    order = flood_order(sent=NOW - timedelta(minutes=30))
    await town.publish(order, "2026-0147")
    counts = (412, 20, 3, 0, 25)
    for site in (open_, closed, never):
        for people, minutes in zip(counts, (60, 25, 20, 15, 10), strict=True):
            town.past.append(Point(site=site.code, at=NOW - timedelta(minutes=minutes), people=people))
    seen = [(20, False), (None, True), (0, False), (25, False)]
    assert await past(web) == {open_.code: seen}
    lifted = flood_order(
        number="2026-0148", msg_type=MsgType.CANCEL, references=(order.identifier,), sequence=2, sent=NOW
    )
    await town.publish(lifted, "2026-0148")
    town.now += timedelta(seconds=1)
    assert await past(web) == {open_.code: seen, closed.code: seen}


async def test_who_asks_too_often_is_told_when_to_come_again(web: aiohttp.ClientSession, town: Town) -> None:
    async def ask(path: str, address: str) -> aiohttp.ClientResponse:
        async with web.get(path, headers={"X-Forwarded-For": address}) as answer:
            await answer.read()
            return answer

    first = await ask(f"{STANDING}.csv", "8.8.8.8"), await ask(NOW_GEOJSON, "8.8.8.8")
    for _ in range(AT_ONCE - len(first)):
        assert (await ask(NOW_GEOJSON, "8.8.8.8")).status == 200
    refused = await ask(CATALOGUE, "8.8.8.8")
    assert (refused.status, refused.headers["Retry-After"]) == (429, "1")
    assert refused.headers["Access-Control-Allow-Origin"] == "*"
    assert (await ask(NOW_GEOJSON, "9.9.9.9")).status == 200
    for path in ("/ja/", "/api/shelters.json", "/api/alerts.json", "/api/banner.json"):
        assert (await ask(path, "8.8.8.8")).status == 200, "what people need is not rationed"
    town.now += timedelta(minutes=2)
    later = await ask(f"{STANDING}.csv", "8.8.8.8"), await ask(NOW_GEOJSON, "8.8.8.8")
    assert later[0].headers["Last-Modified"] == first[0].headers["Last-Modified"], "nothing changed in it"
    assert later[1].headers["Last-Modified"] != first[1].headers["Last-Modified"], (
        "it says when it was checked"
    )


@pytest.mark.asyncio(loop_scope="module")
async def test_nothing_of_sensors_staff_or_people_who_need_support_is_in_any_file(
    busy: aiohttp.ClientSession,
) -> None:
    for file in data_files(CITY):
        if file.subject is not Subject.ALERTS:
            body = (await read(busy, file.path)).decode()
            assert [word for word in SECRET if word in body] == [], file.path


@pytest.mark.asyncio(loop_scope="module")
async def test_no_cache_names_shelters_when_the_hub_has_long_been_away(busy: aiohttp.ClientSession) -> None:
    kept = {}
    for path in (
        NOW_GEOJSON,
        FLOOD_GEOJSON,
        "/open-data/occupancy.csv",
        "/api/shelters.json",
        f"{STANDING}.csv",
    ):
        async with busy.get(path) as answer:
            kept[path] = int(answer.headers["Cache-Control"].rpartition("stale-if-error=")[2])
    assert kept.pop(f"{STANDING}.csv") == 86_400
    assert {*kept.values()} == {STUCK_AFTER // timedelta(seconds=1)}


@pytest.mark.asyncio(loop_scope="module")
async def test_in_an_alert_the_present_is_the_list_beside_it(busy: aiohttp.ClientSession) -> None:
    listed = json.loads(await read(busy, "/api/shelters.json"))
    for path in (NOW_GEOJSON, FLOOD_GEOJSON):
        found = await features(busy, path)
        assert codes(found) == {site["code"] for site in listed["hazards"]["flood"]}
        assert codes(found) == {site.code for site in (*FLOOD[:7], FLOOD[8])}
    said = {each["id"]: each["properties"] for each in found}
    room, full, unknown, planned, few = (said[FLOOD[i].code] for i in (0, 3, 4, 6, 8))
    assert (room["state_ja"], room["people"], room["capacity"], room["crowding"]) == (
        "受入中",
        86,
        420,
        "has_room",
    )
    assert (full["state"], full["crowding_ja"]) == ("full", "満")
    assert (unknown["people"], unknown["few"], unknown["crowding"]) == (None, False, None)
    assert (planned["state_ja"], planned["people"]) == ("開設予定", None)
    assert planned["opens_at"] == "2026-09-12T22:30:00+09:00"
    assert (few["people"], few["few"]) == (None, True)
    assert await features(busy, "/open-data/shelters-earthquake.geojson") == []
    page = await read(busy, "/ja/")
    assert "いま1〜4人" in page.decode()


@pytest.mark.asyncio(loop_scope="module")
async def test_a_program_asks_again_cheaply_from_any_site_and_knows_the_licence(
    busy: aiohttp.ClientSession,
) -> None:
    for path, form in [*((each.path, each.form) for each in FILES), (CATALOGUE, Form.JSON)]:
        async with busy.get(path, headers={"Accept-Encoding": "gzip"}) as answer:
            assert answer.status == 200
            assert answer.content_type == form.content_type
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            assert answer.headers["Link"] == '<https://creativecommons.org/licenses/by/4.0/>; rel="license"'
            assert answer.headers["Content-Encoding"] == "gzip"
            tag, since = answer.headers["ETag"], answer.headers["Last-Modified"]
        for known in ({"If-None-Match": tag}, {"If-Modified-Since": since}):
            async with busy.get(path, headers={"Accept-Encoding": "gzip", **known}) as answer:
                assert (answer.status, await answer.read()) == (304, b""), path
                assert answer.headers["Access-Control-Allow-Origin"] == "*"
        other = {"If-None-Match": '"other"', "If-Modified-Since": since}
        async with busy.get(path, headers=other) as answer:
            assert answer.status == 200, "a tag counts before a time"
    for method in ("OPTIONS", "POST"):
        async with busy.request(method, NOW_GEOJSON) as answer:
            assert answer.status == 405
            assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.asyncio(loop_scope="module")
async def test_the_catalogue_names_every_file_in_sets_that_ckan_takes(busy: aiohttp.ClientSession) -> None:
    found = json.loads(await read(busy, CATALOGUE))
    named = [resource["url"] for package in found["packages"] for resource in package["resources"]]
    assert sorted(named) == sorted(each.path for each in data_files(CITY))
    for package in found["packages"]:
        assert package["name"].startswith("132071-")
        assert set(package["name"]) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_")
        assert (package["owner_org"], package["license_id"]) == ("t132071", "cc-by")
        assert {"更新頻度", "所管部署"} <= {extra["key"] for extra in package["extras"]}
        assert "maintainer_email" not in package, "the city's address is a placeholder"
        for resource in package["resources"]:
            assert {"name", "format", "mimetype", "encoding", "description"} <= {*resource}
    real = dataclasses.replace(CITY, contact=replace(CITY.contact, placeholder=False))
    body = catalogue(
        data_files(real), city=real, publisher=load_publisher(folder("akishima")), url="https://x", head={}
    )
    first = json.loads(body)["packages"][0]
    assert first["maintainer_email"] == CITY.contact.mail
    assert first["resources"][0]["url"] == f"https://x{STANDING}.csv"


@pytest.mark.asyncio(loop_scope="module")
async def test_the_page_links_every_file_in_every_language(busy: aiohttp.ClientSession) -> None:
    for language in Language:
        page = html.fromstring(await read(busy, f"/{language}/open-data"))
        links = {link.get("href") for link in page.iter("a")}
        assert {CATALOGUE, *(each.path for each in data_files(CITY))} <= links
        assert "https://creativecommons.org/licenses/by/4.0/" in links
    assert "/ja/open-data" in (await read(busy, "/ja/")).decode()


@pytest.mark.asyncio(loop_scope="module")
async def test_a_rehearsals_files_say_so(busy: aiohttp.ClientSession) -> None:
    for path in (NOW_GEOJSON, "/open-data/occupancy.json", CATALOGUE):
        assert json.loads(await read(busy, path))["rehearsal"] is True
    assert "【訓練】" in (await read(busy, "/open-data/occupancy.csv")).decode()
