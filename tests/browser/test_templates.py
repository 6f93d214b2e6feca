"""Choosing a template and filling in what it asks for, in a real browser: at a glance, with one thumb, without a script."""

import re

import pytest
from playwright.async_api import Browser, expect

from tests.browser.console_hub import Hub
from tests.browser.looking import keep
from tests.browser.sending import GROUNDS
from tests.browser.test_console import Clerk, clerk

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

WATER = {
    "place-ja": "昭島市役所の駐車場",
    "place-en": "Akishima City Hall car park",
    "from_at": "2026-12-10T09:00",
}


async def fill(someone: Clerk, values: dict[str, str]) -> None:
    for name, value in values.items():
        await someone.page.locator(f"#detail-{name}").fill(value)


async def test_every_template_is_within_reach_of_a_thumb(chromium: Browser, hub: Hub) -> None:
    someone = await clerk(chromium, hub, "sato")
    await someone.open("/new/live")
    await (
        someone.page.get_by_role("navigation", name="災害の種類").get_by_role("link", name="行方不明").click()
    )
    await expect(someone.page.locator("button[value=missing-person]")).to_be_in_viewport()
    small = await someone.page.locator("button.template, .jump a").evaluate_all(
        "all => all.map(each => each.getBoundingClientRect()).filter(box => box.height < 48 || box.width < 48).length"
    )
    assert small == 0


async def test_a_water_point_is_announced_without_a_script(chromium: Browser, hub: Hub) -> None:
    author = await clerk(chromium, hub, "sato", java_script_enabled=False)
    await author.open("/new/live")
    await author.page.locator("button[value=water-point]").click()
    await expect(author.page.get_by_role("heading", level=1)).to_have_text("断水・給水　給水所")
    await author.page.locator("#details .buttons button").click()
    await expect(author.page.locator("#problems a")).to_have_count(2)
    await fill(author, WATER)
    await author.page.locator("#details .buttons button").click()
    await expect(author.page.locator("#text-ja-description")).to_contain_text(
        "場所は、昭島市役所の駐車場です。"
    )
    await author.page.locator("#detail-until_at").fill("2026-12-10T17:00")
    await author.page.locator("#grounds").fill(GROUNDS)
    await author.page.locator("button[value=submit]").click()
    await expect(author.page.get_by_role("heading", level=1)).to_contain_text("承認を求めています")
    await expect(author.page.locator("main")).to_contain_text("終わりは、12月10日17時00分です。")


async def test_texts_that_followed_are_not_put_back_by_the_next_save(chromium: Browser, hub: Hub) -> None:
    author = await clerk(chromium, hub, "sato")
    await author.open("/new/live")
    await author.page.locator("button[value=water-point]").click()
    await fill(author, WATER)
    await author.page.locator("#details .buttons button").click()
    text = author.page.locator("#text-ja-description")
    await author.page.locator("#detail-place-ja").fill("くじら公園")
    await expect(text).to_have_value(re.compile("場所は、くじら公園です。"))
    await author.page.locator("#grounds").fill(GROUNDS)
    await expect(author.page.locator("input[name=version]")).to_have_value("3")
    await author.page.reload()
    await expect(text).to_have_value(re.compile("場所は、くじら公園です。"))
    await expect(author.page.locator("#state-ja")).to_have_text("要確認")
    assert author.complaints == []


async def test_a_desks_page_can_be_printed(chromium: Browser, hub: Hub) -> None:
    someone = await clerk(chromium, hub, "sato", viewport={"width": 794, "height": 1123})  # A4
    await someone.page.emulate_media(media="print")
    await someone.open("/pointing/vi")
    await expect(someone.page.get_by_role("navigation", name="言語")).to_be_hidden()
    await expect(someone.page.locator("#say-toilet")).to_be_visible()
    await keep(someone.page, "pointing-print")
    assert someone.complaints == []
