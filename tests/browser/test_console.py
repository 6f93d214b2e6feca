"""The staff console in a real browser, over the real program: what staff do in an emergency, and cannot do."""

import os
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect

from hub.alert import Mode
from tests.browser.console_hub import PASSWORD, RESIDENTS, STAFF, Hub, a_hub
from tests.servers.absence import absent

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
GROUNDS = "石原水位観測所で氾濫危険水位に到達（21:36）"
BUDGET_BYTES = 60 * 1024
"""Of a whole page with its script and style, compressed (the screens' rules, Tests)."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium() -> AsyncIterator[Browser]:
    if not CHROMIUM.exists():
        absent(f"{CHROMIUM} is not there: install Debian's chromium, or name one in CHROMIUM")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Hub]:
    async with a_hub(tmp_path_factory.mktemp("console") / "hub") as made:
        yield made


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
        await expect(self.page.get_by_role("heading", level=1)).to_contain_text("承認を求めています")
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
    await approver.page.locator("#typed").fill("4")
    await approver.page.locator("#approve button").click()
    await expect(approver.page.get_by_role("dialog")).to_be_visible()
    await approver.page.clock.run_for(10_500)
    await expect(approver.page.locator("tr[data-channel=mail] [data-share=planned]")).to_have_text(
        str(RESIDENTS)
    )
    accepted = approver.page.locator("tr[data-channel=mail] [data-share=accepted]")
    await expect(accepted).to_have_text(str(RESIDENTS), timeout=20_000)  # by the page's own refreshing
    (sent, *_) = await hub.sent()
    assert sorted(hub.mails("避難指示")) == sorted(f"r{number}@mail.example" for number in range(RESIDENTS))
    assert (sent.author, sent.approver) == ("sato", "tanaka")
    assert approver.complaints == author.complaints == []


async def test_a_wrong_digit_starts_nothing(chromium: Browser, hub: Hub) -> None:
    author, approver = await clerk(chromium, hub, "sato"), await clerk(chromium, hub, "tanaka")
    before = len(await hub.sent())
    await approver.open(await author.draft())
    await approver.page.locator("#typed").fill("3")
    await approver.page.locator("#approve button").click()
    await expect(approver.page.locator("[data-digit-said]").first).to_have_text("提出はレベル4です")
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
    await expect(accepted).to_have_text(str(STAFF), timeout=20_000)
    await expect(someone.page.locator(".band")).to_contain_text("住民には届きません")
    assert sorted(hub.mails("【訓練】")) == [f"s{number}@work.example" for number in range(STAFF)]
    (sent, *_) = await hub.sent()
    assert sent.alert.mode is Mode.STAFF_DRILL


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
    await author.open("/new/live")
    await author.page.locator("button[value=flood-4]").click()
    await author.page.locator("#grounds").fill("途中まで書いた根拠")
    await expect(author.page.locator("input[name=version]")).to_have_value("2", timeout=15_000)
    await expect(author.page.locator("[data-saved-said]")).to_contain_text("下書きを保存しました")
    await author.page.get_by_text("町を選ぶ").click()
    await author.page.locator("input[name=town]:checked").first.wait_for()
    await author.page.get_by_text("市全域", exact=True).click()
    await expect(author.page.locator("#what")).to_contain_text("昭島市全域")
    await author.page.reload()
    await expect(author.page.locator("#grounds")).to_have_value("途中まで書いた根拠")
    await expect(author.page.locator("input[name=area][value=whole]")).to_be_checked()
    assert author.complaints == []


async def test_with_the_stream_cut_the_page_still_comes_up_to_date(chromium: Browser, hub: Hub) -> None:
    someone, watcher = await clerk(chromium, hub, "sato"), await clerk(chromium, hub, "tanaka")
    alert = next(each.alert for each in await hub.sent() if each.alert.mode is Mode.LIVE)
    await watcher.page.route("**/changes", lambda route: route.abort())
    await watcher.page.clock.install()
    for each in (someone, watcher):
        await each.open(f"/alerts/{alert.identifier}")
    left = await watcher.page.get_by_role("button", name="入力した").count()
    assert left > 0
    await someone.page.get_by_role("button", name="入力した").first.click()
    await expect(someone.page.get_by_role("button", name="入力した")).to_have_count(left - 1)
    await expect(watcher.page.get_by_role("button", name="入力した")).to_have_count(left)
    await watcher.page.clock.run_for(12_000)
    await expect(watcher.page.get_by_role("button", name="入力した")).to_have_count(left - 1)


async def test_when_nothing_comes_any_more_the_page_says_so(chromium: Browser, hub: Hub) -> None:
    watcher = await clerk(chromium, hub, "tanaka")
    (sent, *_) = await hub.sent()
    await watcher.page.clock.install()
    await watcher.open(f"/alerts/{sent.alert.identifier}")
    await watcher.page.route("**/alerts/**", lambda route: route.abort())
    await expect(watcher.page.locator("[data-stale-said]")).to_be_hidden()
    await watcher.page.clock.run_for(45_000)
    await expect(watcher.page.locator("[data-stale-said]")).to_contain_text("更新が止まっています")


async def test_a_draft_that_waits_appears_at_home_by_itself(chromium: Browser, hub: Hub) -> None:
    author, approver = await clerk(chromium, hub, "sato"), await clerk(chromium, hub, "tanaka")
    waiting = approver.page.get_by_role("link", name="内容を見て承認する")
    before = await waiting.count()
    await author.draft("landslide-4")
    await expect(waiting).to_have_count(before + 1, timeout=15_000)
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


async def pages_of(someone: Clerk) -> list[str]:
    """A path of every kind of page."""
    draft = await someone.draft()
    await someone.open("/new/live")
    await someone.page.locator("button[value=flood-4]").click()
    editing = someone.page.url.removeprefix(someone.hub.url)
    (sent, *_) = await someone.hub.sent()
    return [
        "/", "/new/live", "/new/staff_drill", "/new/resident_drill", editing, draft,
        f"/alerts/{sent.alert.identifier}", "/alerts", "/shelters", "/shelters/E1320700001", "/no-such-page",
    ]  # fmt: skip


async def test_no_page_is_wider_than_a_small_telephone_or_a_large_letter(chromium: Browser, hub: Hub) -> None:
    someone = await clerk(chromium, hub, "sato")
    for path in await pages_of(someone):
        for width, font in ((320, "100%"), (390, "200%"), (1280, "100%")):
            await someone.page.set_viewport_size({"width": width, "height": 800})
            await someone.open(path)
            await someone.page.evaluate("size => { document.documentElement.style.fontSize = size }", font)
            over = await someone.page.evaluate(
                "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            assert over <= 0, f"{path} at {width}px and {font}"


async def test_every_page_can_be_used_without_seeing_it(chromium: Browser, hub: Hub) -> None:
    someone = await clerk(chromium, hub, "sato")
    for path in await pages_of(someone):
        await someone.open(path)
        assert await someone.page.evaluate(_FAULTS) == [], path
    assert [said for said in someone.complaints if "404" not in said] == []


_FAULTS = """() => {
  const faults = [];
  const all = (selector) => [...document.querySelectorAll(selector)];
  if (all("h1").length !== 1) faults.push(`${all("h1").length} h1`);
  const ids = all("[id]").map((element) => element.id);
  for (const id of new Set(ids)) if (ids.filter((each) => each === id).length > 1) faults.push(`id ${id} twice`);
  const named = (element) => element.getAttribute("aria-label") || element.labels?.length ||
    element.getAttribute("aria-labelledby") || element.title;
  for (const input of all("input:not([type=hidden]),select,textarea")) if (!named(input)) faults.push(`unnamed ${input.name}`);
  for (const button of all("button,a[href]")) if (!button.textContent.trim() && !named(button)) faults.push(`unnamed ${button.outerHTML.slice(0, 80)}`);
  for (const svg of all("svg[role=img]")) if (!svg.getAttribute("aria-label")) faults.push("unnamed drawing");
  for (const reference of all("[aria-describedby],[aria-labelledby]"))
    for (const id of `${reference.getAttribute("aria-describedby") ?? ""} ${reference.getAttribute("aria-labelledby") ?? ""}`.trim().split(/\\s+/))
      if (!document.getElementById(id)) faults.push(`${id} is nowhere`);
  if (document.documentElement.lang !== "ja") faults.push("lang");
  return faults;
}"""


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


async def test_pages_are_small_and_ask_no_other_origin(chromium: Browser, hub: Hub) -> None:
    someone = await clerk(chromium, hub, "sato")
    asked: list[str] = []
    someone.page.on("request", lambda request: asked.append(request.url))
    script = (await (await someone.page.request.get(hub.url + "/static/staff.js")).body()).decode()
    for path in await pages_of(someone):
        await someone.open(path)
        whole = await someone.page.content() + script
        assert len(zlib.compress(whole.encode(), 9)) <= BUDGET_BYTES, path
    assert {url for url in asked if not url.startswith(hub.url)} == set()


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
