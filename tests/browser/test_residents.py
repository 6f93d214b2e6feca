"""The residents' pages in a real browser: with and without scripts, narrow, large, offline, in a flood."""

import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, Request, async_playwright, expect

from hub.cap import MsgType
from hub.language import Language
from hub.shelter_list import Crowding
from operator_ui.residents.portal import alert_path, home_path
from shelters.shelter import Stage
from tests.servers.absence import absent
from tests.unit.residents.portal_setup import (
    FLOOD,
    NOT_FLOOD,
    SITES,
    Town,
    a_town,
    flood_order,
    open_some,
    served,
)

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
NUMBER = "2026-0147"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium() -> AsyncIterator[Browser]:
    if not CHROMIUM.exists():
        absent(f"{CHROMIUM} is not there: install Debian's chromium, or name one in CHROMIUM")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with a_town(tmp_path) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def url(town: Town) -> AsyncIterator[str]:
    async with served(town) as address:
        yield address


class Reader:
    """A person with a browser; everything it asked for, and whatever it complained about."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.asked: list[Request] = []
        self.complaints: list[str] = []
        page.context.on("request", lambda request: self.asked.append(request))  # noqa: PLW0108 - Playwright keeps a note on the function it is given
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))


async def reader(chromium: Browser, **options: object) -> Reader:
    context: BrowserContext = await chromium.new_context(  # type: ignore[arg-type]
        **{"viewport": {"width": 390, "height": 844}, "service_workers": "block", **options}
    )
    return Reader(await context.new_page())


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
    await it.page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert await width(it.page) <= 390
    await it.page.context.close()


async def width(page: Page) -> int:
    return int(await page.evaluate("document.documentElement.scrollWidth"))


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
    await it.page.context.close()


async def test_without_a_network_the_last_copy_stays_and_says_its_time(
    chromium: Browser, town: Town, url: str
) -> None:
    await town.publish(flood_order(), NUMBER)
    it = await reader(chromium, service_workers="allow")
    await it.page.goto(url + "/ja/")
    await it.page.evaluate("navigator.serviceWorker.ready")
    await it.page.reload()  # the worker keeps what is read from now on
    await it.page.wait_for_function("caches.open('kept-1').then(kept => kept.match('/ja/'))")
    await it.page.context.set_offline(True)
    await it.page.reload()
    await expect(it.page.locator(".alert h2")).to_have_text("避難指示")
    await expect(it.page.locator("#kept")).to_have_text("圏外です。21時49分に保存した情報です。")
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
