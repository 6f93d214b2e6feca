"""The site as files says what the listener says, in every language, and only what is true."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio
from lxml import html

from hub.alert import Mode
from hub.cap import MsgType
from hub.errors import HubError
from hub.language import Language
from hub.shelter_list import Crowding
from operator_ui.residents.data_files import CATALOGUE, Subject, data_files
from operator_ui.residents.static_site import StaticSite
from shelters.history import Point
from shelters.shelter import Stage
from tests.unit.residents.portal_setup import (
    CITY,
    FLOOD,
    NOT_FLOOD,
    SITES,
    Town,
    flood_order,
    open_some,
    served,
)
from tests.unit.residents.test_app import read
from tests.unit.residents.test_open_data import receives

SECOND = timedelta(seconds=1)


@pytest_asyncio.fixture
async def site(town: Town) -> AsyncIterator[StaticSite]:
    made = StaticSite(town.portal())
    yield made
    await made.close()


async def files(site: StaticSite) -> dict[str, str]:
    return {path: body.decode() for path, body in (await site.site()).files.items()}


async def test_every_language_has_its_pages_and_says_of_when_they_are(town: Town, site: StaticSite) -> None:
    open_some(town.shelters)
    await town.publish(flood_order(), "2026-0147")
    found = await files(site)
    for language in Language:
        names = (
            "index.html",
            "part.html",
            "history.html",
            "ask.html",
            "banner.html",
            "404.html",
            "500.html",
            "feed.atom",
            "feed.rss",
            "feed.json",
            "a/2026-0147.html",
        )
        assert all(f"{language}/{name}" in found for name in names)
        for name in ("index.html", "a/2026-0147.html"):
            page = html.fromstring(found[f"{language}/{name}"])
            assert page.get("lang") == language.value
            (checked, *_) = page.find_class("checked")
            assert checked.get("datetime") == "2026-09-12T21:49:00+09:00"
            assert "12" in checked.text_content(), "the day too: it may be another one when this is read"
            refresh = page.find(".//noscript/meta")
            assert refresh is not None
            assert refresh.get("http-equiv") == "refresh"
    assert found["index.html"] == found["ja/index.html"]


async def test_a_page_without_shelters_says_of_when_it_is_too(town: Town, site: StaticSite) -> None:
    first = flood_order()
    await town.publish(first, "2026-0147")
    lifted = flood_order(
        number="2026-0148", msg_type=MsgType.CANCEL, references=(first.identifier,), sequence=2
    )
    await town.publish(lifted, "2026-0148")
    found = await files(site)
    for name in ("ja/index.html", "ja/a/2026-0148.html"):
        assert html.fromstring(found[name]).find_class("checked"), name


async def test_it_says_what_the_listener_says(town: Town, site: StaticSite) -> None:
    import aiohttp

    open_some(town.shelters)
    await town.publish(flood_order(), "2026-0147")
    found = await files(site)
    async with served(town) as url, aiohttp.ClientSession(url, auto_decompress=False) as web:
        for path, name in (
            ("/ne/", "ne/index.html"),
            ("/ja/?part", "ja/part.html"),
            ("/en/a/2026-0147", "en/a/2026-0147.html"),
            ("/api/alerts.json", "api/alerts.json"),
            ("/api/shelters.json", "api/shelters.json"),
            ("/vi/feed.atom", "vi/feed.atom"),
            ("/ne/feed.rss", "ne/feed.rss"),
            ("/feed.json", "feed.json"),
            ("/ko/history", "ko/history.html"),
            ("/vi/banner", "vi/banner.html"),
            ("/vi/open-data", "vi/open-data.html"),
            *((path, path[1:]) for path in (CATALOGUE, *(file.path for file in data_files(CITY)))),
            ("/api/banner.json", "api/banner.json"),
            (f"/cap/{flood_order().identifier}.xml", f"cap/{flood_order().identifier}.xml"),
            ("/sw.js", "sw.js"),
            ("/favicon.ico", "favicon.ico"),
        ):
            assert found[name].replace(town.url, "") == (await read(web, path)).replace(town.url, ""), path
        script = next(name for name in found if name.startswith("static/residents."))
        assert f'src="/{script}"' in found["ja/index.html"]
        assert found[script] == await read(web, f"/{script}")


async def test_no_file_names_a_site_that_is_not_for_floods_or_that_stopped(
    town: Town, site: StaticSite
) -> None:
    for each in SITES.values():
        town.shelters.put(each, Stage.RECEIVING, people=1, capacity=100, crowding=Crowding.HAS_ROOM)
    await town.publish(flood_order(), "2026-0147")
    await files(site)
    town.shelters.put(FLOOD[0], Stage.CLOSED)
    town.now += SECOND
    found = await files(site)
    for file in data_files(CITY):  # the law's own list, which says of no site that it is open
        if file.subject is Subject.DESIGNATED:
            assert NOT_FLOOD[0].name.ja in found.pop(file.path[1:])
    for gone in (*NOT_FLOOD, FLOOD[0]):
        marks = (f"{gone.name.ja}<", f'"{gone.name.ja}"')
        assert [path for path, text in found.items() if any(mark in text for mark in marks)] == []
    assert FLOOD[1].name.ja in found["ja/index.html"]


async def test_a_staff_drill_is_in_no_file(town: Town, site: StaticSite) -> None:
    await town.publish(flood_order(mode=Mode.STAFF_DRILL), "2026-0147")
    found = await files(site)
    assert [path for path, text in found.items() if "0147" in path + text] == []


async def test_one_that_is_over_says_so_and_is_no_longer_in_force(town: Town, site: StaticSite) -> None:
    alert = flood_order()
    await town.publish(alert, "2026-0147")
    before = await site.site()
    await town.stop(alert.identifier)
    town.now += SECOND
    after = await site.site()
    assert before.edition != after.edition
    assert "この情報は終わりました" in after.files["ja/a/2026-0147.html"].decode()
    assert "避難指示" not in after.files["ja/index.html"].decode()
    assert json.loads(after.files["api/alerts.json"])["alerts"] == []
    again = await site.site()
    assert again.files["ja/a/2026-0147.html"] is after.files["ja/a/2026-0147.html"], "written once"


async def test_when_the_ledger_is_away_the_files_come_to_say_so(town: Town, site: StaticSite) -> None:
    open_some(town.shelters)
    await receives(town, FLOOD[0])
    town.past.append(Point(site=FLOOD[0].code, at=town.now - timedelta(minutes=5), people=86))
    await town.publish(flood_order(sent=town.now - timedelta(minutes=30)), "2026-0147")
    before = await site.site()
    past = ("open-data/occupancy.csv", "open-data/occupancy.json")
    assert all(FLOOD[0].name.ja in before.files[name].decode() for name in past)
    assert "420人中86人" in before.files["ja/index.html"].decode()
    await town.ledger.close()
    town.now += timedelta(hours=1)
    after = await site.site()
    assert before.edition != after.edition
    assert before.files.keys() == after.files.keys()
    for name in ("ja/index.html", "ja/a/2026-0147.html"):
        page = after.files[name].decode()
        assert "9月12日(土) 21時49分から情報を確かめられていません" in page, name
        assert "避難指示" in page
        assert "420人中86人" not in page, "a count that nobody renewed is not known any more"
    for name in (*past, "open-data/shelters.geojson", "api/shelters.json"):
        assert FLOOD[0].name.ja not in after.files[name].decode(), "what is in force now is not known"


async def test_without_the_ledger_from_the_start_nothing_is_written(town: Town, site: StaticSite) -> None:
    await town.ledger.close()
    with pytest.raises(HubError, match="Nothing can be read"):
        await site.site()
