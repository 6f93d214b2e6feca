"""The banner of the city's website: one alert or nothing, for those websites alone that the city names."""

import json
import re
from datetime import timedelta

import aiohttp
import pytest
from lxml import html

from hub.alert import Mode
from hub.cap import MsgType
from hub.language import Language
from operator_ui.residents import news
from operator_ui.residents.portal import banner_path
from tests.unit.residents.portal_setup import Town, flood_order, served
from tests.unit.residents.test_app import read

WEBSITE = "https://www.city.example.lg.jp"
SECOND = timedelta(seconds=1)


def session(url: str) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(url, auto_decompress=False)


async def test_with_nothing_in_force_there_is_nothing_of_it(town: Town) -> None:
    async with served(town) as url, session(url) as web:
        page = html.fromstring(await read(web, "/ja/banner"))
        found = json.loads(await read(web, "/api/banner.json"))
    assert page.get_element_by_id("banner").text_content().strip() == ""
    assert (found["active"], found["level"], found["texts"]) == (False, None, {})


@pytest.mark.parametrize("language", Language)
async def test_what_is_in_force_stands_there_in_a_line(town: Town, language: Language) -> None:
    alert = flood_order()
    await town.publish(alert, "2026-0147")
    await town.publish(flood_order(number="2026-0148"), "2026-0148")
    async with served(town) as url, session(url) as web:
        page = html.fromstring(await read(web, banner_path(language)))
        found = json.loads(await read(web, "/api/banner.json"))
    (link,) = page.find_class("banner")
    assert (link.get("href"), link.get("target")) == (f"/{language}/", "_top")
    assert (found["active"], found["level"]) == (True, 4)
    text = found["texts"][language.value]
    part = html.fromstring(text["html"])
    assert part.get("href") == f"{town.url}/{language}/"
    assert part.text_content().split() == link.text_content().split()
    plain = re.sub("（[^）]*）", "", text["headline"])
    assert plain.split()[0] in re.sub("（[^）]*）", "", link.text_content())


async def test_drills_are_never_in_it(town: Town) -> None:
    await town.publish(flood_order(mode=Mode.STAFF_DRILL), "S-2026-001")
    await town.publish(flood_order(number="2026-0149", mode=Mode.RESIDENT_DRILL), "2026-0149")
    async with served(town) as url, session(url) as web:
        assert 'class="banner' not in await read(web, "/ja/banner")
        assert json.loads(await read(web, "/api/banner.json"))["active"] is False


async def test_a_lifted_order_is_told_without_a_level(town: Town) -> None:
    first = flood_order()
    await town.publish(first, "2026-0147")
    lifted = flood_order(
        number="2026-0148", msg_type=MsgType.CANCEL, references=(first.identifier,), sequence=2
    )
    await town.publish(lifted, "2026-0148")
    async with served(town) as url, session(url) as web:
        page = html.fromstring(await read(web, "/ja/banner"))
        assert json.loads(await read(web, "/api/banner.json"))["level"] is None
    assert page.find_class("banner")
    assert not page.find_class("level")


async def test_when_nothing_can_be_checked_it_says_so_instead_of_nothing(town: Town) -> None:
    async with served(town) as url, session(url) as web:
        await read(web, "/ja/banner")
        await town.ledger.close()
        town.now += news.STUCK_AFTER + SECOND
        page = await read(web, "/ja/banner")
        town.now += SECOND
        page = await read(web, "/ja/banner")
    assert "情報を確かめられていません" in page


@pytest.mark.parametrize(
    ("embedded_by", "said"),
    [((), "'none'"), ((WEBSITE, "https://b.example"), f"{WEBSITE} https://b.example")],
)
async def test_only_websites_that_the_city_names_may_frame_it_and_nothing_else(
    town: Town, embedded_by: tuple[str, ...], said: str
) -> None:
    town.embedded_by = embedded_by
    await town.publish(flood_order(), "2026-0147")
    async with served(town) as url, session(url) as web:
        async with web.get("/ja/banner") as answer:
            assert answer.headers["Content-Security-Policy"].endswith(f"frame-ancestors {said}")
            assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        for path in ("/ja/", "/ja/history", "/ja/a/2026-0147"):
            async with web.get(path) as answer:
                assert answer.headers["Content-Security-Policy"].endswith("frame-ancestors 'none'")


async def test_it_is_tiny(town: Town) -> None:
    await town.publish(flood_order(), "2026-0147")
    async with served(town) as url, session(url) as web:
        for path in ("/ja-x-easy/banner", "/api/banner.json"):
            async with web.get(path, headers={"Accept-Encoding": "gzip"}) as answer:
                assert len(await answer.read()) <= 2_500, path
