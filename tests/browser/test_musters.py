"""A muster in a real browser: a list, a call, an answer on a telephone without scripts, seen live by 本部."""

import re

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.console_hub import Hub
from tests.browser.looking import SCREENSHOTS, keep, violations, width
from tests.browser.test_console import Clerk, clerk

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

LINK = re.compile(r"http://127\.0\.0\.1:\d+/answer/\S+")


async def add(someone: Clerk, name: str, address: str, choice: str) -> None:
    page = someone.page
    await someone.open("/roster/new")
    await page.locator("#name").fill(name)
    await page.locator("#mail").fill(address)
    await page.get_by_label("防災課").check()
    await page.locator("#site-0").select_option(index=1)
    await page.locator("#choice-0").select_option(choice)
    await page.get_by_role("button", name="保存する").click()
    await expect(page.get_by_role("status")).to_contain_text("保存しました")


async def link(hub: Hub, address: str, page: Page) -> str:
    await expect(page.locator("#muster-sent")).to_contain_text("受付済み")
    (arrival,) = hub.inbox.of("mail", address)
    found = LINK.search(arrival.text)
    assert found is not None
    return found[0]


async def test_staff_are_called_answer_on_the_telephone_and_are_counted_live(
    chromium: Browser, hub: Hub
) -> None:
    someone = await clerk(chromium, hub, "sato")
    page = someone.page
    await add(someone, "青葉 明", "aoba@work.example", "1")
    await add(someone, "泉 恵子", "izumi@work.example", "2")
    await someone.open("/musters/new/live")
    await page.locator("#reason").fill("多摩川の水位が上がっているため")
    await page.get_by_label("防災課").check()
    await page.get_by_label("避難所の鍵当番（全部）").check()
    await page.get_by_role("button", name="いま呼ぶ").click()
    await expect(page.locator("#muster-total tfoot td")).to_have_text("2")
    address = await link(hub, "izumi@work.example", page)
    context = await chromium.new_context(
        viewport={"width": 390, "height": 844}, java_script_enabled=False, locale="ja-JP"
    )
    telephone = await context.new_page()
    await telephone.goto(address)
    await telephone.get_by_role("button", name="30分で行ける").click()
    await expect(telephone.get_by_role("status")).to_contain_text("30分で行ける")
    await expect(page.locator("#muster-total .big")).to_have_text("1")
    await expect(page.locator("#muster-keys")).to_contain_text("泉 恵子（第2）")
    await expect(page.locator("#muster-silent")).to_contain_text("1人")
    assert await violations(page) == []
    await page.goto(address)
    assert await violations(page) == []
    await someone.open("/")
    await page.get_by_role("link", name="答えを見る").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("多摩川の水位が上がっているため")
    assert someone.complaints == []
    await context.close()
    if SCREENSHOTS:
        await _pictures(chromium, hub, address)


async def _pictures(chromium: Browser, hub: Hub, address: str) -> None:
    """Nothing is wider than the screen, by any theme."""
    paths = (
        "/musters/1",
        "/musters",
        "/musters/new/staff_drill",
        "/roster",
        "/roster/new",
        "/muster-rules",
        "/muster-rules/new",
    )
    for scheme in ("light", "dark"):
        for size in (390, 1280):
            someone = await clerk(
                chromium, hub, "sato", color_scheme=scheme, viewport={"width": size, "height": 900}
            )
            for path in (*paths, "/", "/wall", address):
                await someone.page.goto(path if path.startswith("http") else hub.url + path)
                await someone.page.evaluate(
                    "() => { for (const each of document.querySelectorAll('main details')) each.open = true }"
                )
                assert await width(someone.page) <= size, path
                name = re.sub(r"\W+", "-", path.replace(address, "answer")).strip("-") or "home"
                await keep(someone.page, f"muster-{name}-{size}-{scheme}")
            await someone.page.context.close()
