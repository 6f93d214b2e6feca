"""The staff console in a real browser, over the real program: what staff do in an emergency, and cannot do."""

import re
from dataclasses import dataclass, field

import pytest
from playwright.async_api import Browser, Page, expect

from hub.alert import Mode
from tests.browser.console_hub import PASSWORD, RESIDENTS, STAFF, Hub
from tests.browser.looking import PATIENCE_MS
from tests.browser.sending import GROUNDS, sent
from tests.unit.test_measure import TEXTS

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


@dataclass(slots=True)
class Clerk:
    """Somebody signed in, and what their browser complained about."""

    page: Page
    hub: Hub
    complaints: list[str] = field(default_factory=list)

    async def open(self, path: str) -> None:
        await self.page.goto(self.hub.url + path)

    async def draft(self, template: str = "flood-4", mode: str = "live") -> str:
        """Begin a draft, give the grounds, submit it. Returns its path."""
        await self.open(f"/new/{mode}")
        await self.page.locator(f"button[value={template}]").click()
        await self.page.locator("#grounds").fill(GROUNDS)
        await self.page.locator("button[value=submit]").click()
        asked = "確認" if mode == "staff_drill" else "承認を求めています"
        await expect(self.page.get_by_role("heading", level=1)).to_contain_text(asked)
        return self.page.url.removeprefix(self.hub.url)


async def clerk(chromium: Browser, hub: Hub, login: str, **options: object) -> Clerk:
    context = await chromium.new_context(  # type: ignore[arg-type]
        **{
            "viewport": {"width": 390, "height": 844},
            "locale": "ja-JP",
            "reduced_motion": "reduce",
            **options,
        }
    )
    context.set_default_timeout(PATIENCE_MS)
    page = await context.new_page()
    someone = Clerk(page, hub)
    page.on("pageerror", lambda error: someone.complaints.append(str(error)))
    page.on("console", lambda said: someone.complaints.append(said.text) if said.type == "error" else None)
    await someone.open("/signin")
    await page.locator("#login").fill(login)
    await page.locator("#password").fill(PASSWORD)
    await page.locator("main button").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("いまの状況")
    return someone


async def test_two_people_send_an_alert_and_watch_it_arrive(chromium: Browser, hub: Hub) -> None:
    author, approver = await clerk(chromium, hub, "sato"), await clerk(chromium, hub, "tanaka")
    path = await author.draft()
    await expect(author.page.locator("#approve")).to_contain_text("作成した人は承認できません")
    await approver.page.clock.install()
    await approver.open(path)
    await expect(approver.page.locator("#approve")).to_contain_text(f"登録者 {RESIDENTS}人へ本番配信を開始")
    await approver.page.locator("#typed").fill("４")  # as a Japanese keyboard types it
    await approver.page.locator("#approve button").click()
    await expect(approver.page.get_by_role("dialog")).to_be_visible()
    await approver.page.clock.run_for(10_500)
    await expect(approver.page.locator("tr[data-channel=mail] [data-share=planned]")).to_have_text(
        str(RESIDENTS)
    )
    accepted = approver.page.locator("tr[data-channel=mail] [data-share=accepted]")
    await expect(accepted).to_have_text(str(RESIDENTS))  # by the page's own refreshing
    drawn = approver.page.locator("#growth .chart").first
    await expect(drawn).to_have_attribute("aria-label", re.compile(f"受付済み以上 {RESIDENTS}人"))
    await expect(approver.page.locator("#growth .small-charts")).to_be_hidden()
    await approver.page.get_by_role("link", name="訂正・続報・解除へ").click()
    await expect(approver.page.get_by_role("button", name="誤りを知らせる（訂正）")).to_be_in_viewport()
    (newest, *_) = await hub.sent()
    assert sorted(hub.mails("避難指示")) == sorted(f"r{number}@mail.example" for number in range(RESIDENTS))
    assert (newest.author, newest.approver) == ("sato", "tanaka")
    assert approver.complaints == author.complaints == []


async def test_a_wrong_digit_starts_nothing(chromium: Browser, hub: Hub) -> None:
    author, approver = await clerk(chromium, hub, "sato"), await clerk(chromium, hub, "tanaka")
    before = len(await hub.sent())
    await approver.open(await author.draft())
    await approver.page.locator("#typed").fill("3")
    await approver.page.locator("#approve button").click()
    wrong = approver.page.locator("#approve .problem:has(svg)")
    await expect(wrong).to_have_text("入力した数字がレベルと違います（提出はレベル4）")
    await expect(wrong).to_be_visible()
    await expect(approver.page.get_by_role("dialog")).to_have_count(0)
    await expect(approver.page.locator("#typed")).to_be_focused()
    assert len(await hub.sent()) == before


async def test_within_the_countdown_escape_takes_it_back(chromium: Browser, hub: Hub) -> None:
    author, approver = await clerk(chromium, hub, "sato"), await clerk(chromium, hub, "tanaka")
    before = len(await hub.sent())
    path = await author.draft()
    await approver.page.clock.install()
    await approver.open(path)
    await approver.page.locator("#typed").fill("4")
    await approver.page.locator("#approve button").click()
    await approver.page.clock.run_for(5_000)
    await approver.page.keyboard.press("Escape")
    await expect(approver.page.get_by_role("dialog")).to_have_count(0)
    await approver.page.clock.run_for(60_000)
    await approver.open(path)
    await expect(approver.page.locator("#approve button")).to_be_enabled()
    assert len(await hub.sent()) == before


async def test_a_double_click_at_level_5_sends_once(chromium: Browser, hub: Hub) -> None:
    author, approver = await clerk(chromium, hub, "sato"), await clerk(chromium, hub, "tanaka")
    before = len(await hub.sent())
    await approver.open(await author.draft("flood-5"))
    await approver.page.locator("#typed").fill("5")
    await approver.page.locator("#approve button").dblclick()
    await expect(approver.page.locator("#alert-live")).to_be_visible()
    assert len(await hub.sent()) == before + 1


async def test_a_drill_says_so_everywhere_and_reaches_staff_only(chromium: Browser, hub: Hub) -> None:
    someone = await clerk(chromium, hub, "sato")
    await someone.draft(mode="staff_drill")
    await expect(someone.page.locator(".band")).to_contain_text("職員訓練")
    await expect(someone.page.locator("body")).to_have_class("staff_drill")
    await someone.page.clock.install()
    await someone.page.locator("#typed").fill("4")
    await expect(someone.page.locator("#approve button")).to_contain_text(f"職員 {STAFF}人へ訓練の配信を開始")
    await someone.page.locator("#approve button").click()
    await someone.page.clock.run_for(10_500)
    accepted = someone.page.locator("tr[data-channel=mail] [data-share=accepted]")
    await expect(accepted).to_have_text(str(STAFF))
    await expect(someone.page.locator(".band")).to_contain_text("住民には届きません")
    assert sorted(hub.mails("【訓練】")) == [f"s{number}@work.example" for number in range(STAFF)]
    (newest, *_) = await hub.sent()
    assert newest.alert.mode is Mode.STAFF_DRILL


async def test_everything_works_without_a_script(chromium: Browser, hub: Hub) -> None:
    author = await clerk(chromium, hub, "sato", java_script_enabled=False)
    approver = await clerk(chromium, hub, "tanaka", java_script_enabled=False)
    await author.open("/new/live")
    await author.page.locator("button[value=flood-3]").click()
    await author.page.locator("button[value=submit]").click()
    await expect(author.page.locator("#problems")).to_contain_text("根拠を書いてください")
    await author.page.locator("#grounds").fill(GROUNDS)
    await author.page.get_by_text("市全域", exact=True).click()
    await author.page.locator("#language-en summary").click()
    await expect(author.page.locator("#text-en-headline")).to_be_visible()
    await author.page.locator("button[value=submit]").click()
    path = author.page.url.removeprefix(hub.url)
    await approver.open(path)
    await approver.page.locator("#typed").fill("4")
    await approver.page.locator("#approve button").click()
    await expect(approver.page.locator("#typed-problem")).to_contain_text("提出はレベル3")
    await approver.page.locator("#typed").fill("3")
    await approver.page.locator("#approve button").click()
    await expect(approver.page.locator("#alert-live h1")).to_contain_text("高齢者等避難")
    await expect(approver.page.locator("tr[data-channel=mail]")).to_be_visible()


async def test_what_is_typed_is_saved_and_counted_by_itself(chromium: Browser, hub: Hub) -> None:
    author = await clerk(chromium, hub, "sato")
    await author.page.add_init_script(_A_VOICE)
    await author.open("/new/live")
    await author.page.locator("button[value=flood-4]").click()
    await author.page.locator("#preview-manual summary").click()
    await author.page.get_by_role("button", name="この端末の声で聞く").first.click()
    assert "昭島市" in await author.page.evaluate("window.heard")
    counted = author.page.locator("#counts-text-ja-short span")
    await author.page.locator("#text-ja-short").fill("🏃 昭島市 {issued_at}")
    now = await counted.all_text_contents()
    assert await author.page.evaluate(_MISCOUNTED, TEXTS) == []
    await author.page.locator("#grounds").fill("途中まで書いた根拠")
    await expect(author.page.locator("input[name=version]")).to_have_value("2")
    assert await counted.all_text_contents() == now  # what the server says of it, which put it there anew
    await expect(author.page.locator("[data-saved-said]")).to_contain_text("下書きを保存しました")
    await author.page.get_by_text("町を選ぶ").click()
    await author.page.locator("input[name=town]:checked").first.wait_for()
    await author.page.get_by_text("市全域", exact=True).click()
    await expect(author.page.locator("#what")).to_contain_text("昭島市全域")
    await author.page.reload()
    await expect(author.page.locator("#grounds")).to_have_value("途中まで書いた根拠")
    await expect(author.page.locator("input[name=area][value=whole]")).to_be_checked()
    assert author.complaints == []


_A_VOICE = """
  window.SpeechSynthesisUtterance = class { constructor(text) { this.text = text; } };
  speechSynthesis.getVoices = () => [{ lang: "ja-JP" }];
  speechSynthesis.speak = (words) => { window.heard = words.text; };
"""
_MISCOUNTED = """async (texts) => {
  const { MEASURES } = await import(document.querySelector("script[src*=counters]").src);
  return texts.flatMap((each) => Object.entries(MEASURES)
    .map(([name, measure]) => [each.text, name, measure(each.text), each[name]])
    .filter(([, , counted, expected]) => counted !== expected));
}"""


@pytest.mark.parametrize("script", [True, False])
async def test_a_channel_turned_off_asks_why(chromium: Browser, hub: Hub, script: bool) -> None:
    author = await clerk(chromium, hub, "sato", java_script_enabled=script)
    await author.open("/new/live")
    await author.page.locator("button[value=flood-4]").click()
    await author.page.locator("#grounds").fill(GROUNDS)
    why = author.page.locator("#why-website")
    await expect(why).to_be_hidden()
    await author.page.get_by_role("switch", name="市ホームページで伝える").uncheck()
    await expect(why).to_be_visible()
    await author.page.locator("button[value=submit]").click()
    await expect(author.page.locator("#problems")).to_contain_text(
        "市ホームページを使わない理由を書いてください"
    )
    await why.fill("サーバーの点検中")
    await author.page.locator("button[value=submit]").click()
    await expect(author.page.get_by_role("heading", level=1)).to_contain_text("承認を求めています")
    await expect(author.page.locator("main")).to_contain_text("市ホームページは使いません：サーバーの点検中")


async def test_what_is_typed_offline_is_kept_and_sent_when_the_line_is_back(
    chromium: Browser, hub: Hub
) -> None:
    author = await clerk(chromium, hub, "sato")
    await author.open("/new/live")
    await author.page.locator("button[value=flood-4]").click()
    await author.page.context.set_offline(True)
    await author.page.locator("#grounds").fill("トンネルの中で書いた根拠")
    await expect(author.page.locator("[data-offline]")).to_have_text("圏外です。入力は保存しました")
    await author.page.locator("button[value=submit]").click()
    await expect(author.page.locator("[data-saved-said]")).to_contain_text("この端末に保存しました")
    await expect(author.page.locator("#grounds")).to_have_value("トンネルの中で書いた根拠")
    await author.page.context.set_offline(False)
    await expect(author.page.locator("[data-saved-said]")).to_contain_text("下書きを保存しました")
    await expect(author.page.locator("[data-offline]")).to_be_hidden()
    await author.page.reload()
    await expect(author.page.locator("#grounds")).to_have_value("トンネルの中で書いた根拠")


async def test_what_was_typed_before_the_page_was_closed_comes_back(chromium: Browser, hub: Hub) -> None:
    author, other = await clerk(chromium, hub, "sato"), await clerk(chromium, hub, "tanaka")
    await author.open("/new/live")
    await author.page.locator("button[value=flood-4]").click()
    path = author.page.url.removeprefix(hub.url)
    for colleague in (None, "先に書いた根拠"):
        await author.page.context.set_offline(True)
        await author.page.locator("#grounds").fill("消えてはいけない根拠")
        await expect(author.page.locator("[data-saved-said]")).to_contain_text("この端末に保存しました")
        if colleague:
            await other.open(f"{path}/edit")
            await other.page.locator("#grounds").fill(colleague)
            await expect(other.page.locator("[data-saved-said]")).to_contain_text("保存しました")
            await expect(other.page.locator("input[name=version]")).to_have_value("3")
        await author.page.goto("about:blank")
        await author.page.context.set_offline(False)
        await author.open(path)
        await expect(author.page.locator("#grounds")).to_have_value("消えてはいけない根拠")
        if not colleague:
            await expect(author.page.locator("input[name=version]")).to_have_value("2")
            await author.page.locator("#grounds").fill("")
    await expect(author.page.locator("#conflict")).to_contain_text("先に書いた")
    await author.page.get_by_role("button", name="自分の入力で保存する").click()
    await expect(author.page.locator("#conflict section")).to_have_count(0)
    await other.page.reload()
    await expect(other.page.locator("#grounds")).to_have_value("消えてはいけない根拠")


async def test_with_the_stream_cut_the_page_still_comes_up_to_date(chromium: Browser, hub: Hub) -> None:
    someone, watcher = await clerk(chromium, hub, "sato"), await clerk(chromium, hub, "tanaka")
    alert = await sent(hub)
    await watcher.page.route("**/changes", lambda route: route.abort())
    await watcher.page.clock.install()
    for each in (someone, watcher):
        await each.open(f"/alerts/{alert}")
    left = await watcher.page.get_by_role("button", name="入力した").count()
    assert left > 0
    await someone.page.get_by_role("button", name="入力した").first.click()
    await expect(someone.page.get_by_role("button", name="入力した")).to_have_count(left - 1)
    await expect(watcher.page.get_by_role("button", name="入力した")).to_have_count(left)
    await watcher.page.clock.run_for(12_000)
    await expect(watcher.page.get_by_role("button", name="入力した")).to_have_count(left - 1)


async def test_when_nothing_comes_any_more_the_page_says_so(chromium: Browser, hub: Hub) -> None:
    watcher = await clerk(chromium, hub, "tanaka")
    alert = await sent(hub)
    await watcher.page.clock.install()
    await watcher.open(f"/alerts/{alert}")
    await watcher.page.route("**/alerts/**", lambda route: route.abort())
    await expect(watcher.page.locator("[data-stale-said]")).to_be_hidden()
    await watcher.page.clock.run_for(45_000)
    await expect(watcher.page.locator("[data-stale-said]")).to_contain_text("更新が止まっています")


async def test_a_draft_that_waits_appears_at_home_by_itself(chromium: Browser, hub: Hub) -> None:
    author, approver = await clerk(chromium, hub, "sato"), await clerk(chromium, hub, "tanaka")
    waiting = approver.page.get_by_role("link", name="内容を見て承認する")
    before = await waiting.count()
    await author.draft("landslide-4")
    await expect(waiting).to_have_count(before + 1)
    assert approver.complaints == []


async def test_a_problem_in_a_folded_language_is_found_by_its_link(chromium: Browser, hub: Hub) -> None:
    author = await clerk(chromium, hub, "sato")
    await author.open("/new/live")
    await author.page.locator("button[value=flood-4]").click()
    await author.page.locator("#grounds").fill(GROUNDS)
    await author.page.get_by_role("tab", name="한국어").click()
    await author.page.locator("#text-ko-short").fill("훈련")
    await author.page.get_by_role("tab", name="日本語").first.click()
    await author.page.locator("button[value=submit]").click()
    await expect(author.page.locator("#problems")).to_be_focused()
    await author.page.get_by_role("tab", name="日本語").first.click()
    await author.page.locator("#problems a").click()
    await expect(author.page.locator("#text-ko-short")).to_be_focused()


async def test_in_forced_colours_the_chosen_level_can_be_told(chromium: Browser, hub: Hub) -> None:
    someone = await clerk(chromium, hub, "sato", forced_colors="active")
    await someone.open("/new/live")
    await someone.page.locator("button[value=flood-4]").click()
    dots = await someone.page.locator("input[name=level]").evaluate_all(
        "inputs => inputs.map(input => [input.checked, getComputedStyle(input, '::after').backgroundColor])"
    )
    chosen = {colour for checked, colour in dots if checked}
    others = {colour for checked, colour in dots if not checked}
    assert len(chosen) == 1
    assert len(others) == 1
    assert chosen != others


async def test_the_keyboard_alone_gets_to_the_end(chromium: Browser, hub: Hub) -> None:
    someone = await clerk(chromium, hub, "sato")
    await someone.open("/new/live")
    await someone.page.locator("button[value=flood-4]").click()
    await expect(someone.page.locator("#compose")).to_be_visible()
    await someone.page.keyboard.press("Tab")
    await expect(someone.page.locator(".skip")).to_be_focused()
    await someone.page.keyboard.press("Enter")
    await expect(someone.page.locator("#main")).to_be_focused()
    await someone.page.locator("input[name=level][value='4']").focus()
    await someone.page.keyboard.press("ArrowUp")
    await expect(someone.page.locator("input[name=level][value='5']")).to_be_checked()
    await someone.page.get_by_role("tab", selected=True).focus()
    await someone.page.keyboard.press("ArrowRight")
    await expect(someone.page.get_by_role("tab", name="やさしい日本語")).to_be_focused()
    await expect(someone.page.locator("#text-ja-x-easy-headline")).to_be_visible()


async def test_many_shelters_are_opened_and_taken_on_without_a_script(chromium: Browser, hub: Hub) -> None:
    someone = await clerk(chromium, hub, "sato", java_script_enabled=False)
    page = someone.page
    await someone.open("/shelters?hazard=flood")
    for name in ("昭島市立瑞雲中学校", "昭島市立拝島中学校"):
        await page.get_by_role("checkbox", name=name).check()
    await page.locator("form[aria-labelledby=openable]").get_by_label("開設予定の時刻").fill("22:30")
    await page.get_by_role("button", name="開設準備を始める").click()
    await expect(page.get_by_role("status").first).to_contain_text("2か所を進めました")
    opening = page.locator("form[aria-labelledby=opening]")
    await expect(opening).to_contain_text("22:30 開設予定")
    await opening.get_by_role("checkbox", name="昭島市立瑞雲中学校").check()
    await opening.get_by_role("button", name="それぞれ次の段階へ").click()
    await expect(opening).to_contain_text("次は 解錠")
    await expect(opening).to_contain_text("次は 職員到着")
