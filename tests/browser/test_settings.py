"""What staff set in the console, in a real browser: with plain forms, and for who does not see the screen."""

import asyncio
from datetime import datetime, timedelta

import pytest
from playwright.async_api import Browser, expect
from sqlalchemy import Connection

from hub.authorise import Role
from hub.clock import utc_now
from hub.ledger import accounts
from tests.browser.console_hub import Hub
from tests.browser.looking import keep, violations
from tests.browser.test_console import Clerk, clerk

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

NEW = "a long new sentence"


async def plain(chromium: Browser, hub: Hub, login: str) -> Clerk:
    """Without a script."""
    return await clerk(chromium, hub, login, java_script_enabled=False)


async def test_a_colleague_is_added_chooses_a_password_and_is_locked(chromium: Browser, hub: Hub) -> None:
    admin = await plain(chromium, hub, "sato")
    page = admin.page
    await admin.open("/accounts")
    await page.locator("#add summary").click()
    await page.locator("#login").fill("mizuno")
    await page.locator("#name").fill("水野 学")
    await page.locator("#department").select_option("water")
    await page.locator("input[name=role][value=composer]").check()
    await page.locator("#add button").click()
    link = await page.locator("#link").inner_text()
    await keep(page, "settings-link")
    looking = await chromium.new_page(locale="ja-JP")
    await looking.goto(link)
    await expect(looking.locator("#password")).to_be_visible()
    assert looking.url == f"{hub.url}/link"
    await looking.context.close()
    newcomer = await chromium.new_page(java_script_enabled=False, locale="ja-JP")
    await newcomer.goto(link)
    await newcomer.locator("#code").fill(link.partition("#")[2])
    await newcomer.locator("main button").click()
    await newcomer.locator("#password").fill(NEW)
    await newcomer.locator("#again").fill(NEW)
    await newcomer.locator("main button").click()
    await newcomer.locator("#login").fill("mizuno")
    await newcomer.locator("#password").fill(NEW)
    await newcomer.locator("main button").click()
    await expect(newcomer.get_by_role("heading", level=1)).to_have_text("いまの状況")
    await newcomer.goto(hub.url + "/new/live")
    await expect(newcomer.locator("button[value=flood-4]")).to_have_count(0)
    await admin.open("/accounts/mizuno")
    await page.get_by_role("button", name="このアカウントを止める").click()
    await expect(page.get_by_role("status")).to_have_text("保存しました")
    await newcomer.goto(hub.url + "/")
    await expect(newcomer.get_by_role("heading", level=1)).to_have_text("サインイン")


async def test_of_each_account_somebody_says_whether_it_is_still_needed(chromium: Browser, hub: Hub) -> None:
    long_ago = utc_now() - timedelta(days=800)
    for login in ("old-keep", "old-lock"):
        await hub.assembly.ledger.write(lambda conn, login=login: an_old_account(conn, login, long_ago))
    someone = await plain(chromium, hub, "sato")
    await expect(someone.page.locator("main")).to_contain_text("確かめていないアカウントが2件あります")
    await someone.page.get_by_role("link", name="年度の点検を開く").click()
    await keep(someone.page, "settings-review-390")
    assert await violations((await clerk(chromium, hub, "sato")).page) == []
    await someone.page.get_by_role("button", name="old-keepさんをそのままにする").click()
    await someone.page.get_by_role("button", name="old-lockさんを止める").click()
    await expect(someone.page.locator("#review")).to_contain_text("今年度の点検は済んでいます")
    await someone.open("/")
    await expect(someone.page.locator("main")).not_to_contain_text("確かめていないアカウント")


def an_old_account(conn: Connection, login: str, at: datetime) -> None:
    accounts.add(
        conn,
        login=login,
        name=login,
        password_hash=accounts.NO_PASSWORD,
        roles=frozenset({Role.VIEWER}),
        at=at,
    )


async def test_whoever_is_on_call_is_called_and_can_be_telephoned(chromium: Browser, hub: Hub) -> None:
    someone = await plain(chromium, hub, "sato")
    page = someone.page
    await someone.open("/on-call")
    await page.locator("#name-0").fill("田中 一郎")
    await page.locator("#duty-0").select_option("deputy")
    await page.locator("#order-0").fill("２")  # as a Japanese keyboard types it
    await page.locator("#phone-0").fill("090-0000-0002")
    await page.locator("#name-1").fill("佐藤 花")
    await page.locator("#mail-1").fill("sato@work.example")
    await page.locator("#order-1").fill("1")
    await page.get_by_role("button", name="保存する").click()
    await expect(page.get_by_role("status")).to_have_text("保存しました")
    await expect(page.locator(".called b")).to_have_text(["佐藤 花", "田中 一郎"])
    await keep(page, "settings-on-call-390")
    hub.assembly.pager.page("mail", "smarthost に届きません / The smarthost cannot be reached")
    async with asyncio.timeout(120):
        while not hub.mails("[よびかけ] mail"):
            await asyncio.sleep(0.05)
    assert hub.mails("[よびかけ] mail") == ["sato@work.example"]
    await someone.open(await (await clerk(chromium, hub, "tanaka")).draft())
    await page.get_by_text("当番・代理に電話する").click()
    await expect(page.locator("a[href='tel:090-0000-0002']")).to_be_visible()


async def test_the_stage_of_the_headquarters_stands_at_home_and_on_the_wall(
    chromium: Browser, hub: Hub
) -> None:
    someone, room = await plain(chromium, hub, "sato"), await clerk(chromium, hub, "tanaka")
    await room.open("/wall")
    page = someone.page
    await someone.open("/headquarters")
    await page.get_by_text("災害対策本部 第1号配備").click()
    await page.locator("#note").fill("市長決定")
    await page.get_by_role("button", name="この体制にする").click()
    await keep(page, "settings-headquarters-390")
    await expect(page.locator("main ol")).to_contain_text("市長決定")
    await expect(room.page.locator(".standing")).to_contain_text("災害対策本部 第1号配備")
    await keep(room.page, "settings-wall")
    await someone.open("/")
    await expect(page.locator(".standing")).to_contain_text("災害対策本部 第1号配備")
    await keep(page, "settings-home-390")


async def test_thresholds_and_groups_are_set_with_plain_forms(chromium: Browser, hub: Hub) -> None:
    someone = await plain(chromium, hub, "sato")
    page = someone.page
    await someone.open("/thresholds")
    await page.locator("#some_from_percent").fill("80")
    await page.get_by_role("button", name="混み具合の値を保存する").click()
    await expect(page.locator("#crowded_from_percent-problem")).to_contain_text("80より大きく")
    await page.locator("#some_from_percent").fill("25")
    await page.get_by_role("button", name="混み具合の値を保存する").click()
    await expect(page.get_by_role("status")).to_have_text("保存しました")
    await someone.open("/group-new")
    for field, text in (
        ("ja", "駅前の町"),
        ("en", "By the river"),
        ("area_ja", "駅前の町"),
        ("area_en", "by the river"),
    ):
        await page.locator(f"#{field}").fill(text)
    await page.locator("summary").filter(has_text="拝島町").click()
    await page.get_by_label("拝島町一丁目").check()
    await page.get_by_role("button", name="保存する").click()
    await expect(page.locator("main")).to_contain_text("駅前の町")
    await someone.open("/new/live")
    await page.locator("button[value=flood-4]").click()
    await expect(page.locator("main")).to_contain_text("駅前の町")


async def test_one_changes_ones_own_password(chromium: Browser, hub: Hub) -> None:
    someone = await plain(chromium, hub, "tanaka")
    await someone.open("/account")
    for field, text in (("current", "not this one, sorry"), ("password", NEW), ("again", NEW)):
        await someone.page.locator(f"#{field}").fill(text)
    await someone.page.locator("main button").click()
    await expect(someone.page.locator("#current-problem")).to_contain_text("いまのパスワードが違います")
