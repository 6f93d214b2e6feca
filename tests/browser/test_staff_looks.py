"""Every page of the console as everybody meets it. The pages are those of the routes: a new one is looked at without
anybody adding it here, or is named with the reason why it is none."""

import re
from urllib.parse import urlsplit

import pytest
from aiohttp import web
from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Browser, Page, Request, Response

from operator_ui.staff import app
from tests.browser.console_hub import Hub
from tests.browser.filled import Filled, filled, warned
from tests.browser.looking import Colours, faults
from tests.browser.test_console import clerk

pytestmark = [pytest.mark.browser]

STREAM = "a stream of events"
PART = "a part of a page, for a script"
ELSEWHERE = "leads to another page"
FILE = "a file to download"
NO_PAGES = {
    "/changes": STREAM,
    "/alerts/{alert}/changes": STREAM,
    "/alerts/{alert}/live": PART,
    "/alerts/{alert}/poster.pdf": FILE,
    "/alerts/{alert}/report.csv": FILE,
    "/device-export": FILE,
    "/drills": ELSEWHERE,
    "/health": FILE,
    "/here/changes": STREAM,
    "/here/live": PART,
    "/here/in/{token}": "the same page as /here/in, of sheets that were printed before",
    "/here/worker.js": "a script",
    "/language/{language}": ELSEWHERE,
    "/link/{token}": "the same page as /link, of links that were made before",
    "/musters/{muster}/changes": STREAM,
    "/musters/{muster}/live": PART,
    "/phone-desk/changes": STREAM,
    "/phone-desk/live": PART,
    "/shelters/changes": STREAM,
    "/public-notices/{kind}.csv": FILE,
    "/shelters/{site}/changes": STREAM,
    "/shelters/{site}/live": PART,
    "/shelters/hourly.csv": FILE,
    "/shelters/live": PART,
    "/sounds/{name}.wav": FILE,
    "/wifi/changes": STREAM,
    "/wall/changes": STREAM,
    "/wall/live": PART,
}
SIGN_IN = "/signin"
"""Looked at last: whoever is signed in does not see it."""
THERE = {
    "drafts-draft": "audio", "drafts-draft-edit": "audio",
    "shelters": "#list-proposals .item button", "devices": "#retired", "device-keys": ".tag.warn",
    "trial-call-failed": ".item .tag.bad", "held-back": ".item .tag.warn",
}  # fmt: skip
"""By a page's name: what it must show when it is looked at."""
BUDGET_BYTES = 60 * 1024
"""Of a whole page with its scripts, as sent (the screens' rules, Tests)."""


def paths() -> set[str]:
    """Every address that is looked at, with the names of what stands in it."""
    made = web.Application()
    made.add_routes(route for route in app.routes() if route.method == "GET")
    return {resource.canonical for resource in made.router.resources()}


def test_what_is_no_page_is_an_address_of_the_console() -> None:
    assert NO_PAGES.keys() - paths() == set()


@pytest.mark.asyncio(loop_scope="module")
async def test_every_page_can_be_used_by_everybody(
    chromium: Browser, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("yobikake.sounds.PATIENCE_S", 60)
    night = await filled(hub)
    await warned(hub)
    someone = await clerk(chromium, hub, "sato", service_workers="block")
    page, asked, found = someone.page, list[Request](), list[str]()
    page.set_default_navigation_timeout(90_000)
    page.on("request", lambda request: asked.append(request))  # noqa: PLW0108 - Playwright keeps a note on the function it is given
    await page.context.request.post(f"{hub.url}/here/in", form={"code": night.code})
    sizes, colours = await sizes_of_scripts(page, hub), Colours()
    await page.add_init_script(AXE_SCRIPT)
    for name, path in addresses(night).items():
        answer = await page.goto(hub.url + path)
        assert answer is not None
        found += [f"{name}: {fault}" for fault in await wrong_with(answer, path, sizes)]
        if name in THERE:
            await page.locator(THERE[name]).first.wait_for(state="attached")
        found += await faults(page, name, colours)
    for name, path in night.more.items():
        await page.goto(hub.url + path)
        found += await faults(page, name, colours, unfold=".follow details")
    assert someone.complaints == []
    for name, press in STATES.items():
        await press(page, hub)
        found += await faults(page, name, colours, unfold="none")
    assert found == []
    assert {urlsplit(request.url).netloc for request in asked} == {urlsplit(hub.url).netloc}


def addresses(night: Filled) -> dict[str, str]:
    """By a name for each. What stands in an address and is not known here fails."""
    pages = {path: path.format_map(night.values) for path in sorted(paths() - NO_PAGES.keys() - {SIGN_IN})}
    return {re.sub(r"\W+", "-", name).strip("-") or "home": path for name, path in pages.items()}


async def wrong_with(answer: Response, path: str, sizes: dict[str, int]) -> list[str]:
    """`sizes`: of the scripts, in bytes, by their names."""
    found = []
    if answer.status != 200 or answer.request.redirected_from is not None:
        found.append(f"{path} answered {answer.status}, from {answer.url}")
    policy = answer.headers.get("content-security-policy", "")
    if "default-src 'none'" not in policy or "unsafe" in policy or "frame-ancestors 'none'" not in policy:
        found.append(f"its policy is {policy}")
    size_bytes = (await answer.request.sizes())["responseBodySize"]
    for source in re.findall(r'<script[^>]* src="([^"]*)"', await answer.text()):
        size_bytes += next(size for name, size in sizes.items() if name.partition(".")[0] in source)
    if size_bytes > BUDGET_BYTES:
        found.append(f"{size_bytes} bytes with its scripts")
    return found


async def sizes_of_scripts(page: Page, hub: Hub) -> dict[str, int]:
    """As they are sent."""
    found = {}
    for name in ("staff.js", "counters.js", "report.js", "door.js"):
        answer = await page.context.request.get(
            f"{hub.url}/static/{name}", headers={"Accept-Encoding": "gzip"}
        )
        found[name] = int(answer.headers["content-length"])
    return found


async def asked_for_nothing(page: Page, hub: Hub) -> None:
    """A template asks what it needs, and nothing was typed."""
    await page.goto(f"{hub.url}/new/live")
    await page.locator("button[value=missing-person]").click()
    await page.locator("#details .buttons button").click()
    await page.locator("#problems").wait_for()


async def wrong_digit(page: Page, hub: Hub) -> None:
    """The page says it, before anything is posted."""
    await page.goto(f"{hub.url}/")
    await page.get_by_role("link", name="内容を見て承認する").first.click()
    await page.locator("#typed").fill("2")
    await page.locator("#typed[aria-invalid=true]").wait_for()


async def a_token(page: Page, hub: Hub) -> None:
    await page.goto(f"{hub.url}/device-keys")
    await page.locator("#name").fill("hall")
    await page.get_by_role("button", name="鍵を作る").click()
    await page.locator("#token").wait_for()


async def a_device_without_a_place(page: Page, hub: Hub) -> None:
    await page.goto(f"{hub.url}/device-new")
    await page.locator("#id").fill("gym-south")
    await page.locator("#site").select_option(index=1)
    await page.locator("#interval_s").fill("0")
    await page.locator("form[action='/devices'] button").click()
    await page.locator("#interval_s-problem").wait_for()


async def nowhere(page: Page, hub: Hub) -> None:
    await page.goto(f"{hub.url}/no-such-page")


async def signed_out(page: Page, hub: Hub) -> None:
    await page.context.clear_cookies()
    await page.goto(f"{hub.url}{SIGN_IN}")


STATES = {
    "asked for nothing": asked_for_nothing,
    "wrong digit": wrong_digit,
    "a token": a_token,
    "a device that is wrong": a_device_without_a_place,
    "nowhere": nowhere,
    "signed out": signed_out,
}
