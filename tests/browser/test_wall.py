"""The display on the wall in a real browser: it follows, it says when it cannot, and its letters are large."""

import pytest
from playwright.async_api import Browser, expect

from hub.ledger import audit, ticks
from tests.browser.console_hub import Hub
from tests.browser.sending import sent
from tests.browser.test_console import clerk

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

SMALLEST_PX = 24


async def test_an_alert_appears_by_itself_and_a_tick_too(chromium: Browser, hub: Hub) -> None:
    wall = await clerk(chromium, hub, "sato", viewport={"width": 1920, "height": 1080})
    await wall.open("/wall")
    await expect(wall.page.locator(".wall-mode")).to_contain_text("いま発令・配信中のものはありません")
    author = await clerk(chromium, hub, "sato", java_script_enabled=False)
    approver = await clerk(chromium, hub, "tanaka", java_script_enabled=False)
    await approver.open(await author.draft())
    await expect(wall.page.locator(".wall-waiting")).to_contain_text("承認待ちの下書き 1件")
    await approver.page.locator("#typed").fill("4")
    await approver.page.locator("#approve button").click()
    await expect(wall.page.locator(".wall-mode b")).to_have_text("本番")
    await expect(wall.page.locator("[data-channel=mail]")).to_contain_text("40 / 40")
    undone = await wall.page.locator(".wall-channels .undone").count()
    await approver.page.get_by_role("button", name="入力した").first.click()
    await expect(wall.page.locator(".wall-channels .undone")).to_have_count(undone - 1)
    assert wall.complaints == []


async def test_every_letter_is_large_and_all_fits_on_one_screen(chromium: Browser, hub: Hub) -> None:
    wall = await clerk(chromium, hub, "tanaka", viewport={"width": 1920, "height": 1080})
    await wall.open("/wall")
    small = await wall.page.evaluate(
        """smallest => [...document.querySelectorAll("body *")]
        .filter(each => !each.closest(".vh,.skip,svg,noscript,script,style") && each.offsetParent && [...each.childNodes].some(node => node.nodeType === 3 && node.textContent.trim()))
        .filter(each => parseFloat(getComputedStyle(each).fontSize) < smallest).map(each => each.outerHTML.slice(0, 80))""",
        SMALLEST_PX,
    )
    assert small == []
    lettered = await wall.page.locator(".map-marker text").evaluate_all(
        "texts => texts.map(text => text.getBoundingClientRect().height)"
    )
    assert all(height >= SMALLEST_PX for height in lettered)
    assert await wall.page.evaluate("document.documentElement.scrollHeight") <= 1080


async def test_when_nothing_comes_for_thirty_seconds_it_greys_and_says_so(
    chromium: Browser, hub: Hub
) -> None:
    wall = await clerk(chromium, hub, "tanaka", viewport={"width": 1920, "height": 1080})
    await wall.page.clock.install()
    await wall.open("/wall")
    before = await wall.page.locator("[data-clock]").text_content()
    await wall.page.route("**/wall/**", lambda route: route.abort())
    await wall.page.clock.run_for(20_000)
    await expect(wall.page.locator("[data-stale-said]")).to_be_hidden()
    await wall.page.clock.run_for(15_000)
    await expect(wall.page.locator("[data-stale-said]")).to_contain_text("更新が止まっています")
    await expect(wall.page.locator(".stopped .wall-live")).to_have_css("filter", "grayscale(1)")
    assert await wall.page.locator("[data-clock]").text_content() != before, "the time goes on"
    await wall.page.unroute("**/wall/**")
    await wall.page.clock.run_for(12_000)
    await expect(wall.page.locator("[data-stale-said]")).to_be_hidden()
    await expect(wall.page.locator(".stopped")).to_have_count(0)


async def test_without_a_script_it_reloads_itself(chromium: Browser, hub: Hub) -> None:
    wall = await clerk(chromium, hub, "tanaka", java_script_enabled=False)
    await wall.open("/wall")
    assert await wall.page.locator("meta[http-equiv=refresh]").get_attribute("content") == "15"


async def test_looking_leaves_no_trace_and_changes_nothing(chromium: Browser, hub: Hub) -> None:
    wall = await clerk(chromium, hub, "tanaka")
    ledger, identifier = hub.assembly.ledger, await sent(hub)
    before = await ledger.read(
        lambda conn: (ticks.of_alert(conn, identifier), audit.verify(conn, hub.assembly.keys))
    )
    await wall.open("/wall")
    assert await wall.page.locator("form,button,input").count() == 0
    after = await ledger.read(
        lambda conn: (ticks.of_alert(conn, identifier), audit.verify(conn, hub.assembly.keys))
    )
    assert after == before
