"""The residents' pages in a real browser: with and without scripts, narrow, large, offline, in a flood."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from msgspec.structs import replace
from playwright.async_api import Browser, Page, expect

from hub.cap import MsgType
from hub.exposure import NOBODY_FIRST
from hub.hazard import Hazard
from hub.language import Language
from hub.shelter_list import Crowding
from operator_ui.residents.portal import alert_path, home_path
from operator_ui.residents.static_site import StaticSite
from shelters.plans import AtOnce, origins_of
from shelters.shelter import Stage
from tests.browser.looking import letters, reader, width
from tests.servers.absence import absent
from tests.unit.residents.portal_setup import (
    CITY,
    FLOOD,
    NOT_FLOOD,
    SITES,
    Town,
    flood_order,
    open_some,
)
from yobikake.rehearsal.servers.nginx import Nginx
from yobikake.rehearsal.servers.program import advice, missing
from yobikake.site_folder import SiteFolder

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

NUMBER = "2026-0147"


async def test_an_alert_appears_and_goes_without_a_reload(chromium: Browser, town: Town, url: str) -> None:
    it = await reader(chromium)
    await it.page.goto(url + "/ja/")
    await expect(it.page.get_by_role("heading", level=2).first).to_have_text("いま緊急の情報はありません")
    first = flood_order()
    await town.publish(first, NUMBER)
    town.now += timedelta(seconds=1)
    await expect(it.page.locator(".alert h2")).to_have_text("避難指示")
    await expect(it.page.get_by_role("status").first).to_have_text("避難指示")
    lifted = flood_order(
        number="2026-0148", msg_type=MsgType.CANCEL, references=(first.identifier,), sequence=2
    )
    await town.publish(lifted, "2026-0148")
    town.now += timedelta(seconds=1)
    await expect(it.page.locator(".alert .kind")).to_have_text("解除")
    assert it.complaints == []
    await it.page.context.close()


async def test_nothing_is_asked_of_another_origin(chromium: Browser, town: Town, url: str) -> None:
    open_some(town.shelters)
    await town.publish(flood_order(), NUMBER)
    it = await reader(chromium)
    for path in ("/ja/", alert_path(NUMBER, Language.EN), "/api/alerts.json"):
        await it.page.goto(url + path)
    assert {urlsplit(request.url).netloc for request in it.asked} == {urlsplit(url).netloc}
    assert await it.page.context.cookies() == []
    assert it.complaints == []
    await it.page.context.close()


@pytest.mark.parametrize("language", Language)
async def test_nothing_is_wider_than_the_screen(
    chromium: Browser, town: Town, url: str, language: Language
) -> None:
    open_some(town.shelters)
    await town.publish(flood_order(), NUMBER)
    it = await reader(chromium, viewport={"width": 320, "height": 640})
    await it.page.goto(url + home_path(language))
    assert await width(it.page) <= 320
    await it.page.set_viewport_size({"width": 390, "height": 844})
    await letters(it.page, "200%")
    assert await width(it.page) <= 390
    await it.page.context.close()


async def test_it_works_without_scripts(chromium: Browser, town: Town, url: str) -> None:
    open_some(town.shelters)
    await town.publish(flood_order(), NUMBER)
    it = await reader(chromium, java_script_enabled=False)
    await it.page.goto(url + "/ja/")
    await expect(it.page.locator(".alert h2")).to_have_text("避難指示")
    await expect(it.page.locator(".site")).to_have_count(7)
    await expect(it.page.locator(".sort")).to_be_hidden()
    await expect(it.page.locator("#print")).to_be_hidden()
    await it.page.get_by_role("link", name="English").click()
    await expect(it.page.locator(".alert h2")).to_have_text("Evacuation Order")
    await it.page.get_by_role("link", name="See the evacuation places you can use").click()
    await expect(it.page.get_by_role("heading", name="Evacuation places for floods")).to_be_in_viewport()
    await it.page.context.close()


@pytest.mark.parametrize("scripts", [True, False])
async def test_the_list_is_narrowed_to_what_the_reader_needs(
    chromium: Browser, town: Town, url: str, *, scripts: bool
) -> None:
    open_some(town.shelters)
    await town.publish(flood_order(), NUMBER)
    it = await reader(chromium, java_script_enabled=scripts)
    await it.page.goto(url + "/ja/")
    shown = it.page.locator(".site:visible h3")
    said = it.page.get_by_text("あると分かっている避難場所だけを表示しています")
    await expect(said).to_be_hidden()
    await it.page.get_by_label("車いす").check()
    await expect(shown).to_have_text([FLOOD[0].name.ja, FLOOD[1].name.ja])
    await expect(said).to_be_visible()
    await it.page.get_by_label("ペット").check()
    await expect(shown).to_have_text([FLOOD[0].name.ja])
    if scripts:  # and a page that is fetched anew stays so
        await town.publish(flood_order(number="2026-0149"), "2026-0149")
        town.now += timedelta(seconds=1)
        await expect(it.page.locator(".alert")).to_have_count(2)
        await expect(it.page.get_by_label("ペット")).to_be_checked()
        await expect(shown).to_have_text([FLOOD[0].name.ja])
    await it.page.emulate_media(media="print")
    await expect(shown).to_have_count(7)
    await it.page.context.close()


async def test_where_nothing_is_known_of_facilities_there_is_nothing_to_choose(
    chromium: Browser, town: Town, url: str
) -> None:
    open_some(town.shelters)
    town.shelters.facilities.clear()
    await town.publish(flood_order(), NUMBER)
    it = await reader(chromium)
    await it.page.goto(url + "/ja/")
    await expect(it.page.locator(".site")).to_have_count(7)
    await expect(it.page.locator(".filters")).to_have_count(0)
    await it.page.context.close()


@pytest.mark.parametrize("scripts", [True, False])
async def test_letters_grow_and_stay_large_where_that_can_be_kept(
    chromium: Browser, url: str, *, scripts: bool
) -> None:
    it = await reader(chromium, java_script_enabled=scripts)
    await it.page.goto(url + "/ja/")
    await it.page.get_by_label("文字を大きく").check()
    await expect(it.page.locator("html")).to_have_css("font-size", "21.28px")
    if scripts:
        await it.page.goto(url + "/en/history")
        await expect(it.page.get_by_label("Larger text")).to_be_checked()
        await expect(it.page.locator("html")).to_have_css("font-size", "21.28px")
    assert await it.page.context.cookies() == []
    await it.page.context.close()


async def test_what_is_over_is_found_again(chromium: Browser, town: Town, url: str) -> None:
    first = flood_order()
    await town.publish(first, NUMBER)
    await town.stop(first.identifier)
    it = await reader(chromium, java_script_enabled=False)
    await it.page.goto(url + "/en/")
    await it.page.get_by_role("link", name="Earlier information").click()
    await expect(it.page.locator(".past li")).to_contain_text("Over")
    await it.page.get_by_role("link", name="Evacuation Order").click()
    await expect(it.page).to_have_url(url + alert_path(NUMBER, Language.EN))
    await it.page.context.close()


async def test_in_a_flood_only_sites_designated_for_floods_are_ever_named(
    chromium: Browser, town: Town, url: str
) -> None:
    for site in SITES.values():
        town.shelters.put(site, Stage.RECEIVING, people=1, capacity=100, crowding=Crowding.HAS_ROOM)
    await town.publish(flood_order(), NUMBER)
    it = await reader(chromium)
    await it.page.goto(url + "/ja/")
    names = it.page.locator(".site h3")
    await expect(names).to_have_count(len(FLOOD))
    assert set(await names.all_text_contents()) == {site.name.ja for site in FLOOD}
    town.shelters.put(FLOOD[0], Stage.CLOSED)
    town.shelters.put(NOT_FLOOD[0], Stage.RECEIVING, people=2, capacity=100, crowding=Crowding.HAS_ROOM)
    town.now += timedelta(seconds=1)
    await expect(names).to_have_count(len(FLOOD) - 1)
    assert set(await names.all_text_contents()) == {site.name.ja for site in FLOOD[1:]}
    await it.page.context.close()


async def test_the_nearest_come_first_and_nobody_learns_where_the_reader_is(
    chromium: Browser, town: Town, url: str
) -> None:
    open_some(town.shelters)
    await town.publish(flood_order(), NUMBER)
    here = FLOOD[6].position
    it = await reader(
        chromium,
        geolocation={"latitude": here.latitude, "longitude": here.longitude},
        permissions=["geolocation"],
    )
    await it.page.goto(url + "/ja/")
    await it.page.get_by_role("button", name="近い順").click()
    await expect(it.page.locator(".site h3").first).to_have_text(FLOOD[6].name.ja)
    await expect(it.page.locator(".site .distance").first).to_have_text("直線0.0km")
    metres = await it.page.locator(".site").evaluate_all("sites => sites.map(site => site.metres)")
    assert metres == sorted(metres)
    straight = here.distance_m(FLOOD[0].position)
    assert any(abs(each - straight) < straight / 100 for each in metres)
    assert not [request.url for request in it.asked if str(here.latitude) in request.url or request.post_data]
    await it.page.get_by_role("button", name="空きのある順").click()
    await expect(it.page.locator(".site h3").first).to_have_text(FLOOD[0].name.ja)
    town.shelters.put(FLOOD[8], Stage.RECEIVING, people=0, capacity=9_000, crowding=Crowding.HAS_ROOM)
    town.shelters.at_once = AtOnce(origins_of(CITY, NOBODY_FIRST))
    town.now += timedelta(seconds=1)
    await it.page.clock.set_fixed_time(town.now)  # by the reader's own, the counts would be long past belief
    await it.page.goto(url + "/ja/")
    await it.page.get_by_role("button", name="近くて空きのある順").click()
    board = town.shelters.board(town.now)
    planned = board.prices(Hazard.FLOOD)
    by_plan = [row for row in board.shown(Hazard.FLOOD, near=here) if row.site.code in planned]
    await expect(it.page.locator(".site h3").first).to_have_text(by_plan[0].site.name.ja)
    names = await it.page.locator(".site h3").all_text_contents()
    assert names[: len(planned)] == [row.site.name.ja for row in by_plan]
    assert len(planned) > 1
    await it.page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_levels_colour_is_the_official_one_in_any_theme(
    chromium: Browser, town: Town, url: str, scheme: str
) -> None:
    await town.publish(flood_order(), NUMBER)
    it = await reader(chromium, color_scheme=scheme)
    await it.page.goto(url + "/ja/")
    await expect(it.page.locator(".alert-top")).to_have_css("background-color", "rgb(170, 0, 170)")
    await expect(it.page.locator(".digit")).to_contain_text("4")
    await it.page.context.close()


async def test_a_finger_and_a_keyboard_reach_everything(chromium: Browser, town: Town, url: str) -> None:
    open_some(town.shelters)
    await town.publish(flood_order(), NUMBER)
    it = await reader(chromium)
    await it.page.goto(url + "/ja/")
    for target in await it.page.locator("nav a, button:visible, .tel").all():
        box = await target.bounding_box()
        assert box is not None
        assert box["height"] >= 48
    await it.page.keyboard.press("Tab")
    await expect(it.page.locator(":focus")).to_have_text("本文へ移動")
    await it.page.keyboard.press("Enter")
    await expect(it.page.locator(":focus")).to_have_attribute("id", "main")
    await expect(it.page.locator("h1")).to_have_count(1)
    await it.page.context.close()


async def test_the_numbers_to_call_stand_before_the_sites_on_a_telephone_and_beside_them_on_a_desk(
    chromium: Browser, town: Town, url: str
) -> None:
    open_some(town.shelters)
    await town.publish(flood_order(), NUMBER)
    it = await reader(chromium)
    await it.page.goto(url + "/ja/")
    names = (".alert", ".danger", ".tel >> nth=0", ".shelters")
    alert, danger, tel, sites = [await top(it.page, name) for name in names]
    assert alert < danger < tel < sites
    await it.page.set_viewport_size({"width": 1280, "height": 844})
    assert await top(it.page, ".shelters") == await top(it.page, ".alert") < await top(it.page, ".danger")
    await it.page.context.close()


async def top(page: Page, name: str) -> float:
    """In CSS pixels."""
    box = await page.locator(name).bounding_box()
    assert box is not None
    return box["y"]


async def test_on_paper_the_alert_and_the_list_stay(chromium: Browser, town: Town, url: str) -> None:
    open_some(town.shelters)
    await town.publish(flood_order(), NUMBER)
    it = await reader(chromium)
    await it.page.goto(url + "/ja/")
    await it.page.emulate_media(media="print")
    await expect(it.page.locator(".langs")).to_be_hidden()
    await expect(it.page.locator(".sort")).to_be_hidden()
    await expect(it.page.locator(".alert")).to_be_visible()
    await expect(it.page.locator(".site")).to_have_count(7)
    await it.page.context.close()


async def test_a_file_that_nobody_writes_anew_comes_to_say_so(
    chromium: Browser, town: Town, tmp_path: Path
) -> None:
    """The hub is gone, and a web server goes on serving what it left: scripts take back what has no life left."""
    open_some(town.shelters)
    town.now = datetime.now(UTC)
    known = {"as_of": town.now - timedelta(minutes=3), "fresh_until": town.now + timedelta(seconds=5)}
    for site, count in town.shelters.counts.items():
        town.shelters.counts[site] = replace(count, **known)
    await town.publish(flood_order(sent=town.now), NUMBER)
    pages = StaticSite(town.portal())
    with SiteFolder(tmp_path / "site", deployment=town.deployment, city=CITY).opened() as into:
        into.put((await pages.site()).files)
    await pages.close()
    async with left_alone(tmp_path / "site") as address:
        it = await reader(chromium)
        await it.page.goto(f"{address}/ja/index.html")
        page = it.page
        await expect(page.locator(".site")).to_have_count(7)
        for place in (".site", ".map-marker"):
            with_room = page.locator(
                ", ".join(f"{place}.s-{state}" for state in ("has_room", "some", "crowded"))
            )
            await expect(with_room).to_have_count(0)
            await expect(page.locator(f"{place}.s-unknown")).to_have_count(5)
            await expect(page.locator(f"{place}.s-full")).to_have_count(1)
            await expect(page.locator(f"{place}.s-planned")).to_have_count(1)
        await expect(page.locator(".site .chip").filter(has_text="不明")).to_have_count(5)
        await expect(page.get_by_text("420人中86人")).to_have_count(0)
        assert [said for said in it.complaints if "404" not in said] == []  # the events are not there
        await it.page.context.close()


@asynccontextmanager
async def left_alone(folder: Path) -> AsyncIterator[str]:
    """A server of files that knows nothing of us."""

    async def answer(request: web.Request) -> web.StreamResponse:
        path = folder / request.path.lstrip("/")
        if not path.is_file():
            raise web.HTTPNotFound
        return web.FileResponse(path)

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/")


async def test_a_page_that_is_written_after_its_event_is_asked_for_again(
    chromium: Browser, town: Town, url: str, tmp_path: Path
) -> None:
    """nginx has the files, the hub says that something changed: whichever comes first, the alert appears."""
    if lacking := missing(Nginx.needs()):
        absent(advice(lacking))
    town.now = datetime.now(UTC)
    pages = StaticSite(town.portal())
    (tmp_path / "nginx").mkdir()
    nginx = Nginx(tmp_path / "nginx", site=tmp_path / "site", hub=urlsplit(url).netloc)
    with SiteFolder(tmp_path / "site", deployment=town.deployment, city=CITY).opened() as into:
        into.put((await pages.site()).files)
        await nginx.start()
        it = await reader(chromium)
        await it.page.goto(nginx.address + "/ja/")
        await expect(it.page.locator(".calm")).to_be_visible()
        async with it.page.expect_response(lambda answer: "part" in answer.url):
            await town.publish(flood_order(sent=town.now), NUMBER)
            town.now += timedelta(seconds=2)
        await expect(it.page.locator(".calm")).to_be_visible()
        into.put((await pages.site()).files)
        await expect(it.page.locator(".alert h2")).to_have_text("避難指示")
        assert it.complaints == []
        await it.page.context.close()
    await pages.close()
    await nginx.stop()


async def test_the_page_of_one_alert_follows_too_until_it_is_over(
    chromium: Browser, town: Town, url: str
) -> None:
    open_some(town.shelters)
    first = flood_order()
    await town.publish(first, NUMBER)
    it = await reader(chromium)
    await it.page.goto(url + alert_path(NUMBER, Language.JA))
    await expect(it.page.locator(".site.s-full")).to_have_count(1)
    town.shelters.put(FLOOD[0], Stage.FULL)
    town.now += timedelta(seconds=2)
    await expect(it.page.locator(".site.s-full")).to_have_count(2)
    await town.stop(first.identifier)
    town.now += timedelta(seconds=2)
    await expect(it.page.get_by_text("この情報は終わりました")).to_be_visible()
    await expect(it.page.locator(".site")).to_have_count(0)
    assert it.complaints == []
    await it.page.context.close()
