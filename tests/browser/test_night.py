"""A whole night with a telephone: a warning, an order by two people, a shelter that opens and fills, a correction, the
lifting. Every tap counts."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from playwright.async_api import Browser, Locator, expect

from hub.clock import utc_now
from tests.browser.console_hub import RESIDENTS, Hub
from tests.browser.test_console import Clerk, clerk
from yobikake.rehearsal.telegram import FORECAST_AREA, flood_forecast

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

TAPS_TO_SUBMIT = 6
TAPS_TO_APPROVE = 3
JAPANESE = RESIDENTS * 3 // 4
SITE = "昭島市立瑞雲中学校"


@dataclass(slots=True)
class Phone:
    clerk: Clerk
    taps: int = 0

    async def tap(self, what: Locator) -> None:
        self.taps += 1
        await what.tap()

    async def button(self, name: str) -> None:
        await self.tap(self.clerk.page.get_by_role("button", name=name))


async def a_phone(chromium: Browser, hub: Hub, login: str) -> Phone:
    return Phone(await clerk(chromium, hub, login, has_touch=True, is_mobile=True))


def river_rises(hub: Hub) -> None:
    """A telegram in earnest about this city is laid into the folder."""
    telegram = flood_forecast(utc_now()).decode().replace(FORECAST_AREA, hub.assembly.city.jma_code)
    folder = hub.assembly.settings.telegrams
    (folder / "river.part").write_text(telegram.replace("<Status>訓練</Status>", "<Status>通常</Status>"))
    (folder / "river.part").rename(folder / "river.xml")


async def submit(phone: Phone) -> None:
    page = phone.clerk.page
    await phone.tap(page.locator("button[value=submit]"))
    await expect(page.get_by_role("heading", level=1)).to_contain_text("承認を求めています")


async def approve(phone: Phone) -> None:
    """What waits is read, its level (or the number of its areas) typed, the countdown let run out."""
    page = phone.clerk.page
    await page.clock.install()
    await phone.tap(page.get_by_role("link", name="内容を見て承認する").first)
    await page.locator("#typed").fill(await page.locator("#typed").get_attribute("data-digit") or "")
    await phone.tap(page.locator("#approve button").first)
    await page.clock.run_for(10_500)
    await expect(page.locator("#alert-live")).to_be_visible()
    await page.clock.resume()


async def everybody_has(phone: Phone) -> None:
    accepted = phone.clerk.page.locator("tr[data-channel=mail] [data-share=accepted]")
    await expect(accepted).to_have_text(str(RESIDENTS))


async def test_a_night_from_the_warning_to_the_lifting(
    chromium: Browser, hub: Hub, record_property: Callable[[str, object], None]
) -> None:
    author, approver = await a_phone(chromium, hub, "sato"), await a_phone(chromium, hub, "tanaka")
    page = author.clerk.page
    began = time.monotonic()

    river_rises(hub)
    await expect(page.get_by_role("heading", name="判断を待っている情報")).to_be_visible()
    await author.tap(page.get_by_role("link", name="案を作る").first)
    await author.tap(page.locator("button[value=flood-4]"))
    await expect(page.locator("#grounds")).not_to_have_value("")  # in the words of the telegram
    await submit(author)
    assert author.taps <= TAPS_TO_SUBMIT

    await approve(approver)
    assert approver.taps <= TAPS_TO_APPROVE
    await everybody_has(approver)
    assert len(hub.mails("避難指示")) == RESIDENTS  # the official word stands in the English one, too

    await author.clerk.open("/shelters")
    await author.tap(page.get_by_role("checkbox", name=SITE))
    await author.button("開設準備を始める")
    for _ in range(4):  # 職員到着, 解錠, 安全確認, 受入開始
        await author.tap(page.get_by_role("checkbox", name=SITE))
        await author.button("それぞれ次の段階へ")
    await author.tap(page.get_by_role("link", name=SITE))
    await page.locator("#people").fill("284")
    await author.button("報告する")
    await expect(page.locator("[data-waiting]")).to_contain_text("つながっています")
    await author.button("「満員」にする")
    await expect(page.get_by_role("heading", level=1)).to_contain_text("満員")
    await author.clerk.open("/shelters")
    await expect(page.locator("#list-inside")).to_contain_text("284")

    (order,) = await hub.sent()
    await approver.button("誤りを知らせる（訂正）")
    await submit(approver)
    await author.clerk.open("/")
    await approve(author)
    await everybody_has(author)
    assert len(hub.mails("訂正")) == JAPANESE

    await author.clerk.open(f"/alerts/{order.alert.identifier}")
    await author.button("避難指示を解除する")
    await page.locator("#grounds").fill("水位が氾濫注意水位を下回った（4:10）")
    await submit(author)
    await approver.clerk.open("/")
    await approve(approver)
    await everybody_has(approver)
    assert len(hub.mails("解除")) == JAPANESE
    assert author.clerk.complaints == approver.clerk.complaints == []
    record_property("taps", author.taps + approver.taps)
    record_property("seconds", round(time.monotonic() - began, 1))
