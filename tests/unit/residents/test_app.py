"""The listener as a browser, a script and a cache meet it."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from datetime import timedelta

import aiohttp
import pytest
import pytest_asyncio
from lxml import etree, html
from msgspec.structs import replace

from hub.alert import Mode
from hub.exposure import NOBODY_FIRST
from hub.hazard import Hazard
from hub.language import Language
from hub.shelter_list import Crowding
from operator_ui.pages import Pages
from operator_ui.residents.portal import alert_path, cap_path, history_path, home_path
from shelters.plans import AtOnce, origins_of
from shelters.shelter import Stage
from shelters.site import Facility
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

PAGE_LIMIT_BYTES = 20_000
"""Of a page as it is sent, by gzip: whatever packs better is below it too."""
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest_asyncio.fixture
async def web(town: Town) -> AsyncIterator[aiohttp.ClientSession]:
    async with served(town) as url, aiohttp.ClientSession(url, auto_decompress=False) as session:
        yield session


async def read(web: aiohttp.ClientSession, path: str, *, status: int = 200) -> str:
    async with web.get(path, headers={"Accept-Encoding": "identity"}) as answer:
        assert answer.status == status
        return await answer.text()


async def test_with_nothing_in_force_it_says_so_and_when_that_was_checked(
    web: aiohttp.ClientSession,
) -> None:
    page = await read(web, "/ja/")
    assert "いま緊急の情報はありません" in page
    assert "9月12日(土) 21時49分 確認" in page
    assert not [site.name.ja for site in SITES.values() if site.name.ja in page]


@pytest.mark.parametrize("language", Language)
async def test_an_alert_stands_there_in_the_readers_language(
    web: aiohttp.ClientSession, town: Town, language: Language
) -> None:
    open_some(town.shelters)
    alert = flood_order()
    await town.publish(alert, "2026-0147")
    for path in (home_path(language), alert_path("2026-0147", language)):
        page = html.fromstring(await read(web, path))
        assert page.get("lang") == language.value
        article = page.find_class("alert")[0]
        assert article.get("lang") == language.value
        heading = "".join(article.find(".//h2").itertext()).replace("（ひなんしじ）", "")
        assert heading == alert.info(language).event.replace("（ひなんしじ）", "")
        assert "4" in article.find_class("digit")[0].text_content()
        links = {link.get("lang") for link in page.find_class("langs")[0].iter("a")}
        assert links == {each.value for each in Language}


async def test_the_browsers_wish_chooses_the_language_of_the_root(web: aiohttp.ClientSession) -> None:
    async with web.get("/", headers={"Accept-Language": "vi-VN", "Accept-Encoding": "identity"}) as answer:
        assert answer.headers["Content-Language"] == "vi"
        assert answer.headers["Vary"] == "Accept-Encoding, Accept-Language"


@pytest.mark.parametrize("language", Language)
async def test_a_page_is_small(web: aiohttp.ClientSession, town: Town, language: Language) -> None:
    for site in FLOOD:
        town.shelters.put(site, Stage.RECEIVING, people=99, capacity=420, crowding=Crowding.HAS_ROOM)
        town.shelters.facilities[site.code] = frozenset(Facility)
    await town.publish(flood_order(), "2026-0147")
    for path in (home_path(language), alert_path("2026-0147", language), history_path(language)):
        async with web.get(path, headers={"Accept-Encoding": "gzip"}) as answer:
            body = await answer.read()
        assert len(body) <= PAGE_LIMIT_BYTES, path
        assert (FLOOD[-1].name.ja in gzip.decompress(body).decode()) == (path != history_path(language))


async def test_what_was_sent_before_is_listed_and_no_staff_drill(
    web: aiohttp.ClientSession, town: Town
) -> None:
    assert "これまでに出した情報はありません" in await read(web, "/ja/history")
    first = flood_order(number="2026-0146")
    await town.publish(first, "2026-0146")
    await town.stop(first.identifier)
    await town.publish(flood_order(), "2026-0147")
    await town.publish(flood_order(number="S-2026-001", mode=Mode.STAFF_DRILL), "S-2026-001")
    town.now += timedelta(seconds=1)
    for language in Language:
        page = html.fromstring(await read(web, f"/{language}/history"))
        found = [link.get("href") for entry in page.find_class("past-name") for link in entry.iter("a")]
        assert found == [alert_path("2026-0147", language), alert_path("2026-0146", language)]
    (now, over) = html.fromstring(await read(web, "/ja/history")).find_class("past")[0].findall("li")
    assert ("いま有効" in now.text_content(), "終わりました" in over.text_content()) == (True, True)


async def test_the_json_says_what_is_known_to_be_there(web: aiohttp.ClientSession, town: Town) -> None:
    open_some(town.shelters)
    await town.publish(flood_order(), "2026-0147")
    sites = json.loads(await read(web, "/api/shelters.json"))["hazards"]["flood"]
    found = {site["code"]: site["facilities"] for site in sites}
    assert found[FLOOD[0].code] == ["wheelchair", "pets", "infants"]
    assert found[FLOOD[1].code] == ["wheelchair"]
    assert found[FLOOD[2].code] == []


async def test_a_page_is_built_once_however_many_read_it(
    web: aiohttp.ClientSession, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[str] = []
    written = Pages.written

    def counted(self: Pages, template: str, language: str, /, **values: object) -> str:
        if template == "home.html":
            built.append(template)
        return written(self, template, language, **values)

    monkeypatch.setattr(Pages, "written", counted)
    for _ in range(5):
        await read(web, "/ja/")
    assert built == ["home.html"]
    await town.publish(flood_order(), "2026-0147")
    town.now += timedelta(seconds=1)
    assert "避難指示" in await read(web, "/ja/")
    assert built == ["home.html"] * 2


async def test_a_reader_who_has_the_page_gets_it_only_when_it_changed(
    web: aiohttp.ClientSession, town: Town
) -> None:
    async with web.get("/ja/") as answer:
        known = {"If-None-Match": answer.headers["ETag"]}
    async with web.get("/ja/", headers=known) as answer:
        assert (answer.status, await answer.read()) == (304, b"")
    await town.publish(flood_order(), "2026-0147")
    town.now += timedelta(seconds=1)
    async with web.get("/ja/", headers=known) as answer:
        assert answer.status == 200


async def test_many_readers_of_a_new_alert_have_each_page_written_once(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[str] = []
    written = Pages.written

    def counted(self: Pages, template: str, language: str, /, **values: object) -> str:
        built.append(f"{template} {language}")
        return written(self, template, language, **values)

    monkeypatch.setattr(Pages, "written", counted)
    await town.publish(flood_order(), "2026-0147")
    connector = aiohttp.TCPConnector(limit=200)
    async with served(town) as url, aiohttp.ClientSession(url, connector=connector) as session:

        async def ask(path: str) -> int:
            async with session.get(path) as answer:
                await answer.read()
                return answer.status

        asked = [ask(f"/{language}/?part") for language in ("ja", "en") for _ in range(500)]
        asked += [ask("/ja/feed.atom") for _ in range(500)]
        assert set(await asyncio.gather(*asked)) == {200}
    assert sorted(each for each in built if "stuck" not in each) == ["part.html en", "part.html ja"]


async def test_nothing_is_stored_in_the_browser_and_nothing_comes_from_elsewhere(
    web: aiohttp.ClientSession, town: Town
) -> None:
    await town.publish(flood_order(), "2026-0147")
    for path in ("/ja/", alert_path("2026-0147", Language.JA), "/api/alerts.json", "/nothing"):
        async with web.get(path) as answer:
            assert "Set-Cookie" not in answer.headers
            policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy


async def test_a_site_not_designated_for_floods_is_in_no_answer(
    web: aiohttp.ClientSession, town: Town
) -> None:
    for site in SITES.values():
        town.shelters.put(site, Stage.RECEIVING, people=1, capacity=100, crowding=Crowding.HAS_ROOM)
    await town.publish(flood_order(), "2026-0147")
    paths = ["/ja/", "/en/", "/ja/?part", alert_path("2026-0147", Language.JA), "/api/shelters.json"]
    paths += ["/open-data/shelters.geojson", "/open-data/shelters-flood.geojson", "/open-data/occupancy.json"]
    paths += ["/ja/open-data", "/api/alerts.json", "/ja/feed.atom", cap_path(flood_order().identifier)]
    for path in paths:
        page = await read(web, path)
        named = [
            site.name.ja for site in NOT_FLOOD if f"{site.name.ja}<" in page or f'"{site.name.ja}"' in page
        ]
        assert named == [], path
    assert FLOOD[0].name.ja in await read(web, "/ja/")


async def test_a_staff_drill_has_no_page(web: aiohttp.ClientSession, town: Town) -> None:
    await town.publish(flood_order(mode=Mode.STAFF_DRILL), "2026-0147")
    assert "この番号の情報はありません" in await read(web, alert_path("2026-0147", Language.JA), status=404)
    await read(web, cap_path(flood_order().identifier), status=404)
    assert "いま緊急の情報はありません" in await read(web, "/ja/")
    assert json.loads(await read(web, "/api/alerts.json"))["alerts"] == []
    assert etree.fromstring((await read(web, "/ja/feed.atom")).encode()).find(f"{ATOM}entry") is None


async def test_a_resident_drill_says_so_in_its_title_and_on_its_block(
    web: aiohttp.ClientSession, town: Town
) -> None:
    await town.publish(flood_order(mode=Mode.RESIDENT_DRILL), "2026-0147")
    page = html.fromstring(await read(web, "/ja/"))
    assert page.findtext(".//title").startswith("【訓練】")
    assert "これは訓練です" in page.find_class("drill-mark")[0].text_content()


async def test_an_alert_that_is_over_says_so_and_names_no_place_to_go(
    web: aiohttp.ClientSession, town: Town
) -> None:
    open_some(town.shelters)
    alert = flood_order()
    await town.publish(alert, "2026-0147")
    town.now = alert.expires
    page = await read(web, alert_path("2026-0147", Language.JA))
    assert "この情報は終わりました" in page
    assert FLOOD[0].name.ja not in page


async def test_a_full_site_is_said_to_be_full_and_people_in_danger_may_enter(
    web: aiohttp.ClientSession, town: Town
) -> None:
    open_some(town.shelters)
    await town.publish(flood_order(), "2026-0147")
    page = html.fromstring(await read(web, "/ja/"))
    said = {
        site.find(".//h3").text_content().strip(): site.text_content() for site in page.find_class("site")
    }
    assert "420人中86人" in said[FLOOD[0].name.ja]
    assert "21時46分の報告" in said[FLOOD[0].name.ja]
    assert "危険が迫っているときは、ここにも入れます。" in said[FLOOD[3].name.ja]
    assert "人数は不明" in said[FLOOD[4].name.ja]
    assert "いま41人" in said[FLOOD[5].name.ja]
    assert "22時30分 開設予定" in said[FLOOD[6].name.ja]


async def test_each_zone_that_is_named_reads_where_to_go_and_why_it_is_not_the_nearest(
    web: aiohttp.ClientSession, town: Town
) -> None:
    open_some(town.shelters)
    town.shelters.put(FLOOD[8], Stage.RECEIVING, people=3, capacity=5_000, crowding=Crowding.HAS_ROOM)
    town.shelters.at_once = AtOnce(origins_of(CITY, NOBODY_FIRST))
    await town.publish(flood_order(), "2026-0147")
    board = town.shelters.board(town.clock())
    zones = {CITY.zones[code].name.ja: code for code in board.made[Hazard.FLOOD].plan.zones}
    for language in Language:
        page = await read(web, home_path(language))
        assert len(gzip.compress(page.encode())) <= PAGE_LIMIT_BYTES
        listed = html.fromstring(page).xpath("//*[contains(@class, 'directions')]//li")
        assert listed
        if language is Language.JA:
            for item in listed:
                zone, said = item.text_content().strip().split("：", 1)
                first, choice = board.sent(Hazard.FLOOD, zones[zone])[0]
                assert said.startswith(first.site.name.ja)
                if choice.reason.nearer:
                    assert SITES[choice.reason.nearer].name.ja in said


async def test_the_map_and_the_list_name_the_same_sites(web: aiohttp.ClientSession, town: Town) -> None:
    open_some(town.shelters)
    await town.publish(flood_order(), "2026-0147")
    page = html.fromstring(await read(web, "/ja/"))
    listed = [
        f"{number} {site.find('.//h3').text_content().strip()}"
        for number, site in enumerate(page.find_class("site"), start=1)
    ]
    drawn = [group.findtext("title") for group in page.find_class("map-marker")]
    assert drawn == listed
    assert len(listed) == 7


async def test_open_data_says_the_same_and_may_be_read_from_anywhere(
    web: aiohttp.ClientSession, town: Town
) -> None:
    open_some(town.shelters)
    await town.publish(flood_order(), "2026-0147")
    async with web.get("/api/alerts.json", headers={"Accept-Encoding": "identity"}) as answer:
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        (alert,) = (await answer.json())["alerts"]
    assert (alert["level"], alert["hazard"]) == (4, "flood")
    assert alert["level_name"] == {"ja": "避難指示", "en": "Evacuation Order"}
    assert alert["texts"].keys() == {language.value for language in Language}
    assert alert["sent"] == "2026-09-12T21:48:00+09:00"
    sites = json.loads(await read(web, "/api/shelters.json"))["hazards"]["flood"]
    silent = next(site for site in sites if site["code"] == FLOOD[4].code)
    assert (silent["people"], silent["crowding"], silent["as_of"]) == (None, None, None)


async def test_the_feed_leads_to_the_page_and_to_the_cap_document(
    web: aiohttp.ClientSession, town: Town
) -> None:
    await town.publish(flood_order(), "2026-0147")
    root = etree.fromstring((await read(web, "/en/feed.atom")).encode())
    entry = root.find(f"{ATOM}entry")
    assert entry is not None
    assert "Evacuation Order" in entry.findtext(f"{ATOM}title", "")
    links = {link.get("rel"): link.get("href", "") for link in entry.iterfind(f"{ATOM}link")}
    assert links["alternate"].endswith("/en/a/2026-0147")
    cap = etree.fromstring((await read(web, links["related"])).encode())
    assert cap.findtext("{urn:oasis:names:tc:emergency:cap:1.2}identifier") == flood_order().identifier


async def test_a_number_or_document_that_does_not_exist_is_404(web: aiohttp.ClientSession) -> None:
    assert "この番号の情報はありません" in await read(web, "/ja/a/2026-9999", status=404)
    await read(web, "/cap/nothing.xml", status=404)
    await read(web, "/xx/", status=404)


async def test_an_event_says_only_that_the_version_changed(web: aiohttp.ClientSession, town: Town) -> None:
    async with web.get("/events", headers={"Accept": "text/event-stream"}) as stream:
        assert stream.content_type == "text/event-stream"
        first = await event(stream)
        page = await read(web, "/ja/")
        assert f'data-version="{first}"' in page
        await town.publish(flood_order(), "2026-0147")
        town.now += timedelta(seconds=1)
        second = await event(stream)
        assert second != first
        assert f'data-version="{second}"' in await read(web, "/ja/")


async def event(stream: aiohttp.ClientResponse) -> str:
    async for line in stream.content:
        if line.startswith(b"data: "):
            return line.removeprefix(b"data: ").decode().strip()
    raise AssertionError("the stream ended")


async def test_the_citys_number_can_be_called(web: aiohttp.ClientSession) -> None:
    page = await read(web, "/ja/")
    assert f'href="tel:{CITY.contact.telephone.replace("-", "")}"' in page


async def test_a_character_that_xml_cannot_hold_breaks_neither_feed_nor_document(
    web: aiohttp.ClientSession, town: Town
) -> None:
    alert = flood_order()
    ours = tuple(replace(info, headline=f"\x01{info.headline}") for info in alert.infos)
    order = replace(alert.order, issuer="昭島\x01市長")
    await town.publish(replace(alert, infos=ours, order=order), "2026-0147")
    etree.fromstring((await read(web, "/ja/feed.atom")).encode())
    cap = etree.fromstring((await read(web, cap_path(alert.identifier))).encode())
    assert cap.findtext("{urn:oasis:names:tc:emergency:cap:1.2}source") == "昭島市長"


async def test_a_fault_speaks_to_residents_and_not_of_sending(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object, **_values: object) -> bytes:
        raise ValueError

    monkeypatch.setattr("operator_ui.residents.open_data.alerts_json", fail)
    async with (
        served(town) as url,
        aiohttp.ClientSession(url) as session,
        session.get("/api/alerts.json", headers={"Accept-Language": "ja"}) as answer,
    ):
        assert answer.status == 500
        page = await answer.text()
    assert "テレビ・ラジオでも確かめてください" in page
    assert "配信" not in page
    assert "担当者" not in page
