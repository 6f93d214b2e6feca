"""The telephone desk in a real browser, with one thumb: an answer is written, calls are counted and taken back."""

import pytest
from playwright.async_api import Browser, expect

from tests.browser.console_hub import Hub
from tests.browser.test_console import Clerk, clerk

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

QUESTION = "水はどこでもらえますか"


async def write(someone: Clerk, question: str, reply: str) -> None:
    await someone.open("/phone-desk")
    await someone.page.get_by_role("link", name="質問と答えを加える").click()
    await someone.page.get_by_label("質問").fill(question)
    await someone.page.get_by_label("答え", exact=True).fill(reply)
    await someone.page.get_by_role("button", name="この答えにする").click()
    await expect(someone.page.get_by_role("heading", level=1)).to_have_text("電話対応")


async def test_without_a_script_answers_are_written_and_calls_counted(chromium: Browser, hub: Hub) -> None:
    someone = await clerk(chromium, hub, "sato", java_script_enabled=False)
    await write(someone, QUESTION, "拝島会館で、22時まで配っています。")
    row = someone.page.locator(".asked > li", has_text=QUESTION)
    await row.get_by_role("button", name="1件").click()
    await expect(row.locator(".tap > p")).to_have_text("きょう 1 件")
    await expect(row.get_by_role("status")).to_contain_text("数えました")
    await row.get_by_role("button", name="取り消す").click()
    await expect(row.locator(".tap > p")).to_have_text("きょう 0 件")
    await row.get_by_role("link").click()
    await someone.page.get_by_label("答え", exact=True).fill("市役所で、23時まで配っています。")
    await someone.page.get_by_role("button", name="この答えにする").click()
    await expect(row).to_contain_text("市役所で、23時まで")
    await row.get_by_role("link").click()
    await expect(someone.page.locator("ol ins").first).to_contain_text("市役所")
    await expect(someone.page.locator("ol del").first).to_contain_text("拝島会館")


async def test_a_colleagues_call_and_answer_appear_by_themselves(chromium: Browser, hub: Hub) -> None:
    one, other = await clerk(chromium, hub, "sato"), await clerk(chromium, hub, "tanaka")
    await write(one, "電話はいつまでつながりますか", "朝まで、だれかが出ます。")
    await other.open("/phone-desk")
    row = other.page.locator(".asked > li", has_text="電話はいつまで")
    before = await other.page.locator(".hours").text_content()
    await one.page.locator(".asked > li", has_text="電話はいつまで").get_by_role("button", name="1件").click()
    await expect(row.locator(".tap > p b")).to_have_text("1")
    await expect(other.page.locator(".hours")).not_to_have_text(before or "")
    await one.page.locator(".asked > li", has_text="電話はいつまで").get_by_role("link").click()
    await one.page.get_by_label("答え", exact=True).fill("24時間つながります。")
    await one.page.get_by_role("button", name="この答えにする").click()
    await expect(row).to_contain_text("24時間つながります。")
    assert one.complaints == other.complaints == []


async def test_pressed_twice_a_call_counts_once(chromium: Browser, hub: Hub) -> None:
    someone = await clerk(chromium, hub, "sato")
    await write(someone, "避難所にペットを連れて行けますか", "連れて行けます。かごに入れてください。")
    row = someone.page.locator(".asked > li", has_text="ペット")
    await row.get_by_role("button", name="1件").dblclick()
    await expect(row.locator(".tap > p b")).to_have_text("1")
