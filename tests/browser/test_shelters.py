"""Shelters' pages in a real browser: steps, reports and ticks that wait for a line, and arrive once."""

import pytest
from playwright.async_api import Browser, Error, expect
from sqlalchemy import Connection

from hub.clock import utc_now
from shelters import checklist, record
from shelters.manual import Item
from shelters.shelter import OPENING_ORDER, Stage, Step
from shelters.site import SiteCode
from tests.browser.console_hub import Hub
from tests.browser.looking import keep, violations
from tests.browser.test_console import clerk

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


async def opened(hub: Hub, site: str, *, to: Stage = Stage.RECEIVING) -> str:
    """The path of its page."""

    def steps(conn: Connection) -> None:
        last = record.current(conn, SiteCode(site))
        for number, stage in enumerate(OPENING_ORDER[: OPENING_ORDER.index(to) + 1], start=last.number + 1):
            step = Step(site=SiteCode(site), number=number, stage=stage, at=utc_now(), by="sato")
            record.take_step(conn, hub.assembly.records, step, people=0, recorded_at=utc_now())

    await hub.assembly.ledger.write(steps)
    return f"/shelters/{site}"


async def reported(hub: Hub, site: str) -> record.Received | None:
    return await hub.assembly.ledger.read(lambda conn: record.latest_report(conn, SiteCode(site)))


async def taken(hub: Hub, site: str) -> list[Step]:
    return list(await hub.assembly.ledger.read(lambda conn: record.history(conn, SiteCode(site))))


async def test_what_is_done_without_a_line_waits_and_is_sent_with_its_own_time(
    chromium: Browser, hub: Hub
) -> None:
    someone = await clerk(chromium, hub, "sato")
    page, site = someone.page, "E1320700035"
    await someone.open(await opened(hub, site, to=Stage.UNLOCKED))
    said = page.locator("[data-waiting]")
    await expect(said).to_contain_text("つながっています")
    await page.context.set_offline(True)
    await page.locator("#people").fill("284")
    before = utc_now()
    await page.get_by_role("button", name="報告する").click()
    await expect(said).to_contain_text("送信待ち 1件")
    after = utc_now()
    await page.get_by_role("button", name="入口に表示を出した").click()
    await expect(said).to_contain_text("送信待ち 2件")
    await page.get_by_role("button", name="「安全確認」にする").dblclick()
    await page.get_by_label("いま中にいる人数").fill("280")
    await page.get_by_role("button", name="「受入開始」にする").click()
    await expect(page.get_by_role("button", name="「満員」にする")).to_be_visible()
    await expect(said).to_contain_text("送信待ち 4件")
    await expect(page.locator("#course-receiving")).to_contain_text("送信待ち")
    await keep(page, "shelter-waiting")
    assert len(await taken(hub, site)) == 3
    assert await reported(hub, site) is None
    await page.context.set_offline(False)
    await expect(page.get_by_role("status").filter(has_text="報告を記録しました")).to_be_visible()
    await expect(said).to_contain_text("つながっています")
    found = await reported(hub, site)
    assert found is not None
    assert found.report.people == 280
    assert before.replace(microsecond=0) <= found.report.at
    assert found.recorded_at > after
    steps = await taken(hub, site)
    assert [step.stage for step in steps[3:]] == [Stage.SAFETY_CHECKED, Stage.RECEIVING]
    assert all(after <= step.at < found.recorded_at for step in steps[3:])
    ticked = await hub.assembly.ledger.read(lambda conn: checklist.ticked(conn, SiteCode(site), 1))
    assert list(ticked) == [Item.SIGNS]


async def test_an_answer_that_is_lost_makes_no_second_report(chromium: Browser, hub: Hub) -> None:
    someone = await clerk(chromium, hub, "sato")
    page, site = someone.page, "E1320700009"
    await someone.open(await opened(hub, site))
    lost: list[str] = []

    async def lose(route: object) -> None:
        await route.fetch()  # type: ignore[attr-defined]
        lost.append("one")
        await route.abort()  # type: ignore[attr-defined]

    await page.route("**/report", lose, times=1)
    await page.locator("#people").fill("12")
    async with page.expect_event("requestfailed"):
        await page.get_by_role("button", name="報告する").click()
    await expect(page.locator("[data-waiting]")).to_contain_text("送信待ち 1件")
    first = await reported(hub, site)
    await page.evaluate("window.dispatchEvent(new Event('online'))")
    await expect(page.get_by_role("status").filter(has_text="報告を記録しました")).to_be_visible()
    assert lost == ["one"]
    assert await reported(hub, site) == first


async def test_what_is_refused_is_said_and_numbers_are_stepped_with_a_thumb(
    chromium: Browser, hub: Hub
) -> None:
    someone = await clerk(chromium, hub, "sato")
    await someone.open(await opened(hub, "E1320700014"))
    await someone.page.get_by_role("button", name="報告する").click()
    await expect(someone.page.locator("[data-waiting]")).to_contain_text("何も入力されていません")
    await expect(someone.page.locator("[data-waiting]")).to_contain_text("つながっています")
    for name in ("+10", "+1", "−1", "−1"):
        await someone.page.locator(f"[data-for=people]:text-is('{name}')").click()
    await expect(someone.page.locator("#people")).to_have_value("9")


async def test_what_a_colleague_counts_and_does_is_seen_without_loading_the_page_anew(
    chromium: Browser, hub: Hub
) -> None:
    watcher, colleague = await clerk(chromium, hub, "sato"), await clerk(chromium, hub, "tanaka")
    path = await opened(hub, "E1320700001")
    await watcher.open(path)
    await watcher.page.evaluate("window.loaded = 'once'")
    await watcher.page.locator("#households").fill("3")
    await colleague.open(path)
    await colleague.page.locator("#people").fill("31")
    await colleague.page.get_by_role("button", name="報告する").click()
    await expect(watcher.page.locator("#shelter-people")).to_contain_text("31")
    await colleague.page.get_by_role("button", name="「一時停止」にする").click()
    await expect(watcher.page.get_by_role("heading", level=1)).to_contain_text("一時停止")
    await watcher.page.get_by_role("button", name="「受入開始」にする").click()
    await expect(colleague.page.get_by_role("heading", level=1)).to_contain_text("受入開始")
    assert await watcher.page.evaluate("window.loaded") == "once"
    await expect(watcher.page.locator("#households")).to_have_value("3")
    assert watcher.complaints == colleague.complaints == []


async def test_the_list_follows_and_leaves_ticks_and_the_keyboard_where_they_are(
    chromium: Browser, hub: Hub
) -> None:
    someone = await clerk(chromium, hub, "sato")
    page = someone.page
    await someone.open("/shelters?hazard=flood")
    kept, changed = page.locator("#site-E1320700059"), page.locator("#site-E1320700025")
    await changed.check()
    await kept.check()
    await opened(hub, "E1320700025", to=Stage.PREPARING)
    opening = page.locator("form[aria-labelledby=opening]")
    await expect(opening.locator("#site-E1320700025")).to_be_visible()
    await expect(changed).not_to_be_checked()
    said = page.get_by_text("は変わったため、選択を外しました")
    await expect(said).to_be_in_viewport()
    await expect(kept).to_be_checked()
    await expect(kept).to_be_focused()
    await keep(page, "shelters-unticked")
    await kept.uncheck()
    await expect(said).to_be_hidden()
    assert someone.complaints == []


async def test_the_manual_and_the_report_work_without_a_script(chromium: Browser, hub: Hub) -> None:
    someone = await clerk(chromium, hub, "sato", java_script_enabled=False)
    page = someone.page
    await someone.open(await opened(hub, "E1320700021", to=Stage.PREPARING))
    await page.get_by_role("button", name="鍵を持つ人に連絡した").click()
    row = page.locator("#tick-key_holder")
    await expect(row).to_contain_text("佐藤 花")
    await row.get_by_role("button", name="取り消す").click()
    await expect(row.get_by_role("button", name="鍵を持つ人に連絡した")).to_be_visible()
    await page.get_by_label("数えた人数").fill("30")
    await page.get_by_label("車いす").fill("2")
    await page.get_by_role("button", name="報告する").click()
    await expect(page.get_by_role("status").filter(has_text="報告を記録しました")).to_be_visible()


async def test_a_sheets_code_opens_the_page_of_one_shelter(chromium: Browser, hub: Hub) -> None:
    """Printed on one sheet of A4; then on another telephone, without an account."""
    staff = await clerk(chromium, hub, "sato")
    site = "E1320700002"
    await staff.open(await opened(hub, site))
    await staff.page.get_by_role("button", name="QRを作る").click()
    await expect(staff.page.get_by_role("img", name="報告のページのQR")).to_be_visible()
    assert await violations(staff.page) == []
    await keep(staff.page, "shelter-link")
    door = await staff.page.locator(".address").inner_text()
    code = await staff.page.locator(".code").inner_text()
    await staff.page.emulate_media(media="print")
    await staff.page.set_viewport_size({"width": 720, "height": 1040})  # A4 with its margins
    tall = await staff.page.evaluate("document.querySelector('.sheet').getBoundingClientRect().bottom")
    assert tall <= 1040
    await keep(staff.page, "shelter-link-print")
    context = await chromium.new_context(viewport={"width": 390, "height": 844}, locale="ja-JP")
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    await page.goto(f"{door}#{code}")
    await expect(page.get_by_label("コード")).to_have_value(code)
    assert page.url == door
    assert await violations(page) == []
    await keep(page, "shelter-door")
    await page.get_by_role("button", name="はじめる").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("昭島市立瑞雲中学校")
    await keep(page, "shelter-here")
    assert complaints == []
    await page.locator("#people").fill("41")
    await page.get_by_role("button", name="報告する").click()
    await expect(page.get_by_role("status").filter(has_text="報告を記録しました")).to_be_visible()
    found = await reported(hub, site)
    assert found is not None
    assert (found.report.people, found.report.by[:5]) == (41, "link:")
    await page.wait_for_function("caches.match('/here').then(Boolean)")
    await page.context.set_offline(True)
    await page.goto(f"{door}#{code}")
    await expect(page.get_by_text("に開いたときの画面です")).to_be_visible()
    await page.get_by_role("button", name="「満員」にする").click()
    await expect(page.locator("[data-waiting]")).to_contain_text("送信待ち 1件")
    await keep(page, "shelter-copy")
    await headquarters_pause(hub, site)
    await page.context.set_offline(False)
    refused = page.get_by_role("region", name="受け付けられなかった入力")
    await expect(refused).to_contain_text("「満員」にする")
    await expect(refused).to_contain_text("いまは「一時停止」です")
    await expect(page.get_by_role("button", name="「受入開始」にする")).to_be_visible()
    await keep(page, "shelter-refused")
    await refused.get_by_role("button", name="消す").click()
    await expect(refused).to_be_hidden()
    await page.wait_for_function(
        "caches.match('/here').then(kept => kept.text()).then(text => text.includes('plain\">一時停止'))"
    )
    await page.evaluate(COPY_IS_OVER)
    await page.context.set_offline(True)
    with pytest.raises(Error, match="ERR_"):
        await page.goto(f"{hub.url}/here")
    await page.context.set_offline(False)
    await page.goto(f"{hub.url}/here")
    await page.wait_for_function("caches.match('/here').then(Boolean)")
    await page.get_by_role("button", name="終わる").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("避難所の報告")
    assert not await page.evaluate("caches.match('/here').then(Boolean)")


COPY_IS_OVER = """async () => {
  for (const name of await caches.keys()) {
    const kept = await caches.open(name);
    const copy = await kept.match("/here");
    if (copy) await kept.put("/here", new Response(await copy.text(), { headers: { "Yobikake-Kept-Until": "2026-01-01T00:00:00+09:00" } }));
  }
}"""
"""As if the link had ended while there was no line."""


async def headquarters_pause(hub: Hub, site: str) -> None:
    last = (await taken(hub, site))[-1]
    step = Step(site=last.site, number=last.number + 1, stage=Stage.PAUSED, at=utc_now(), by="tanaka")
    await hub.assembly.ledger.write(
        lambda conn: record.take_step(conn, hub.assembly.records, step, people=None, recorded_at=utc_now())
    )
