"""The history, what changed, and what was scheduled and not sent, in a real browser."""

from datetime import timedelta

import pytest
from playwright.async_api import Browser, expect

from hub.approval import Approval
from hub.authorise import Actor, Role
from hub.clock import utc_now
from hub.evacuation import Level
from hub.schedule import ASK_BEFORE
from tests.browser.console_hub import Hub
from tests.browser.looking import violations
from tests.browser.test_console import clerk

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

TANAKA = Actor(login="tanaka", name="田中 一郎", roles=frozenset(Role))


async def test_an_alert_is_found_and_its_update_is_compared(chromium: Browser, hub: Hub) -> None:
    author = await clerk(chromium, hub, "sato", java_script_enabled=False)
    approver = await clerk(chromium, hub, "tanaka", java_script_enabled=False)
    await approver.open(await author.draft())
    await approver.page.locator("#typed").fill("4")
    await approver.page.locator("#approve button").click()
    await author.open("/alerts")
    await author.page.get_by_label("ことば・配信番号").fill("多摩川")
    await author.page.get_by_label("警戒レベル").select_option("4")
    await author.page.get_by_label("本番・訓練").select_option("live")
    await author.page.get_by_role("button", name="探す").click()
    await author.page.get_by_role("link", name="避難指示（洪水）").click()
    await author.page.get_by_role("button", name="続報を作る").click()
    await author.page.locator("#grounds").fill("水位が計画高水位を超えた（23:10）")
    await author.page.locator("#text-ja-short").fill(
        "昭島市：川の水位がさらに上がっています。すぐに避難してください。"
    )
    await author.page.locator("button[value=submit]").click()
    await author.page.get_by_role("link", name="前の版・前の配信から変わったところ").click()
    await expect(author.page.locator("main ins").first).to_be_visible()
    await expect(author.page.locator("#order")).to_be_visible()
    await expect(author.page.locator("main del").filter(has_text="21")).not_to_have_count(0)
    await author.open("/alerts?level=5")
    await expect(author.page.get_by_role("status")).to_have_text("0件")


async def test_what_was_scheduled_asks_at_home_by_itself_and_is_found_when_it_was_called_off(
    chromium: Browser, hub: Hub
) -> None:
    someone = await clerk(chromium, hub, "sato")
    page = someone.page
    draft = (await someone.draft(mode="staff_drill")).rpartition("/")[2]
    await someone.open("/")
    soon = utc_now() + ASK_BEFORE + timedelta(seconds=1)
    version = (await hub.assembly.intake.read(draft, TANAKA)).version
    approval = Approval(draft=draft, version=version, typed=Level.EVACUATE)
    await hub.assembly.intake.schedule(approval, soon, TANAKA)
    card = page.locator("section", has=page.get_by_role("heading", name="予約した配信を送りますか"))
    await expect(card.get_by_role("button", name="に送る")).to_be_visible()
    assert await violations(page) == []
    await card.locator("summary").click()
    await card.locator("input[name=reason]").fill("台風が近い")
    await card.get_by_role("button", name="送るのを取りやめる").click()
    await someone.open("/alerts")
    await expect(page.locator("main")).to_contain_text("取りやめました（台風が近い）")
    assert someone.complaints == []
