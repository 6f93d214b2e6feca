"""The report in a real browser: locked, corrected, and one sheet of A4 when it is printed."""

import re
from datetime import timedelta

import pytest
from playwright.async_api import Browser, expect
from sqlalchemy import update

from hub.clock import utc_now
from hub.ledger import tables
from tests.browser.console_hub import Hub
from tests.browser.looking import SCREENSHOTS, keep
from tests.browser.sending import sent
from tests.browser.test_console import clerk

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


async def test_an_alert_that_ended_is_locked_and_corrected_without_a_script(
    chromium: Browser, hub: Hub
) -> None:
    author = await clerk(chromium, hub, "sato", java_script_enabled=False)
    approver = await clerk(chromium, hub, "tanaka", java_script_enabled=False)
    watcher = await clerk(chromium, hub, "tanaka")
    await approver.open(await author.draft())
    await approver.page.locator("#typed").fill("4")
    await approver.page.locator("#approve button").click()
    (order, *_) = await hub.sent()
    path = f"/alerts/{order.alert.identifier}"
    await watcher.open(path)
    accepted = watcher.page.locator("tr[data-channel=mail] [data-share=accepted]")
    await expect(accepted).to_have_text("40")
    for number in range(3):
        await approver.page.get_by_role("button", name="入力した").nth(number % 2).click()
    await author.open(f"{path}/report")
    await expect(author.page.locator("main")).to_contain_text("まだ終わっていない配信です")
    await author.open(path)
    await author.page.get_by_role("button", name="避難指示を解除する").click()
    await author.page.locator("#grounds").fill("水位が避難判断水位を下回った（5:20）")
    await author.page.locator("button[value=submit]").click()
    await approver.open(author.page.url.removeprefix(hub.url))
    asked = await approver.page.locator("#approve .label").first.text_content()
    assert asked == "地区の数を入れてください"
    towns = len(hub.assembly.city.presets["tamagawa-flood"].towns)
    await approver.page.locator("#typed").fill(str(towns))
    await approver.page.locator("#approve button").click()
    await expect(approver.page.get_by_role("heading", level=1)).to_contain_text("解除")
    await hub.assembly.ledger.write(  # mail that bounces comes back within days: they are over
        lambda conn: conn.execute(
            update(tables.batches)
            .where(tables.batches.c.alert == order.alert.identifier)
            .values(settles_at=utc_now() - timedelta(seconds=1))
        )
    )
    await author.open(f"{path}/report")
    await author.page.get_by_role("button", name="この数字で確定する").click()
    await expect(author.page.locator(".lock")).to_contain_text(re.compile("SHA-256 [0-9a-f]{64}"))
    await expect(author.page.get_by_role("button", name="この数字で確定する")).to_have_count(0)
    await author.page.get_by_label("何が、どう違っていたか").fill(
        "広報車の出発は、記録より5分早い21時59分でした。"
    )
    await author.page.get_by_role("button", name="書き足す").click()
    await expect(author.page.locator(".report")).to_contain_text("訂正1")


async def test_printed_it_is_one_sheet(chromium: Browser, hub: Hub) -> None:
    viewer = await clerk(chromium, hub, "sato", viewport={"width": 1280, "height": 900})
    await viewer.open(f"/alerts/{await sent(hub)}/report")
    await expect(viewer.page.get_by_role("button", name="印刷・PDF")).to_be_visible()
    path = f"{SCREENSHOTS}/report.pdf" if SCREENSHOTS else None
    printed = await viewer.page.pdf(prefer_css_page_size=True, path=path)
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", printed)) == 1
    await viewer.page.emulate_media(media="print")
    for hidden in (".bar", ".report ~ section", ".head"):
        await expect(viewer.page.locator(hidden)).to_be_hidden()
    await expect(viewer.page.locator(".ruled")).to_be_visible()
    await viewer.page.set_viewport_size({"width": 695, "height": 1035})
    await keep(viewer.page, "report-print")
