"""Notifications in a real browser: its service worker reads what is pushed, and the page registers it and takes it out.

Chromium's headless shell denies every notification, so what the worker asks to be shown is kept instead of shown; the
message itself comes as a push service's does.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec
import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Worker, expect

from channels.webpush.message import payload
from hub.channel import Content, Span
from hub.ledger import enrolment, packs
from hub.subscription import Subscription
from hub.testing.parcels import NOW, content
from tests.browser.looking import PATIENCE_MS
from tests.unit.residents.portal_setup import CITY, PUSH, Town
from tests.unit.residents.test_pushing import AUTH, ELSEWHERE, P256DH, given

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

KEEPING = """() => {
  self.kept = [];
  registration.getNotifications = async ({ tag }) => kept.filter((each) => each.tag === tag);
  registration.showNotification = async (title, options) => {
    kept = [...kept.filter((each) => each.tag !== options.tag), { title, ...options, silent: options.silent ?? false }];
    self.asked = (self.asked ?? 0) + 1;
  };
}"""
BROWSER = f"""
Object.defineProperty(Notification, "permission", {{ get: () => "granted" }});
Notification.requestPermission = async () => "granted";
const said = {msgspec.json.encode(given()).decode()};
const made = (key) => ({{
  ...said, options: {{ applicationServerKey: key }}, toJSON: () => said,
  unsubscribe: async () => localStorage.removeItem("key"),
}});
const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
PushManager.prototype.getSubscription = async () => {{
  const key = localStorage.getItem("key");
  return key && made(bytes(key).buffer);
}};
PushManager.prototype.subscribe = async (options) => {{
  localStorage.setItem("key", options.applicationServerKey);
  return made(bytes(options.applicationServerKey).buffer);
}};
"""
"""In place of the browser maker's push service, which no test may ask."""

Push = Callable[[Content | bytes], Awaitable[None]]


@pytest_asyncio.fixture(loop_scope="module")
async def context(chromium: Browser) -> AsyncIterator[BrowserContext]:
    made = await chromium.new_context(viewport={"width": 390, "height": 844})
    yield made
    await made.close()


async def test_the_newest_of_an_event_is_shown_and_only_news_makes_a_sound(
    context: BrowserContext, url: str
) -> None:
    worker, push = await pushed_to(context, url)
    first = content()
    update = msgspec.structs.replace(
        first,
        identifier="rehearsal-2026-0148",
        thread=first.identifier,
        headline=(Span("【警戒レベル5】緊急安全確保"),),
        sent=NOW.replace(hour=13),
    )
    for said, silent in [(first, False), (first, True), (update, False), (first, True), (update, True)]:
        await push(said)
        (shown,) = await worker.evaluate("kept")
        newest = first if said is first and shown["title"] != "【警戒レベル5】緊急安全確保" else update
        assert shown["title"] == newest.text(newest.headline)
        assert shown["body"] == newest.text(newest.short)
        assert (shown["silent"], shown["lang"], shown["requireInteraction"]) == (silent, "ja", True)
        assert shown["data"]["url"] == newest.link
    assert shown["title"] == "【警戒レベル5】緊急安全確保"
    await push(msgspec.structs.replace(first, identifier="another", thread="another"))
    assert len(await worker.evaluate("kept")) == 2


async def test_an_address_that_the_push_service_changed_is_told(
    context: BrowserContext, town: Town, url: str
) -> None:
    worker, _ = await pushed_to(context, url)
    town_code = next(iter(CITY.towns))
    chosen = {"subscription": given(1), "town": town_code, "language": "ne", "drills": False, "key": PUSH.key}
    await worker.evaluate(
        "(chosen) => caches.open(CHOICES).then((all) => all.put('/push/choice', new Response(JSON.stringify(chosen))))",
        chosen,
    )
    for number in (2, 3):
        await worker.evaluate(
            "(said) => renew({ newSubscription: { ...said, toJSON: () => said } })", given(number)
        )
        line = Subscription.made(f"https://push.example/{number}", P256DH, AUTH).line
        found = await town.ledger.read(
            lambda conn: enrolment.standing(conn, town.keys, "webpush", line)  # noqa: B023
        )
        assert found is not None
        assert (found.home.town, found.home.language) == (town_code, "ne")
        assert len(await town.ledger.read(lambda conn: packs.everyone(conn, "webpush"))) == 1


async def test_a_resident_registers_changes_and_leaves(context: BrowserContext, town: Town, url: str) -> None:
    await context.add_init_script(BROWSER)
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    await page.goto(f"{url}/ja/")
    await page.get_by_role("link", name="通知を受け取る").click()
    await page.get_by_label("住んでいる町").select_option(ELSEWHERE)
    await page.get_by_label("通知の言語").select_option("vi")
    await page.get_by_role("button", name="通知を受け取る").click()
    await expect(page.get_by_text("登録しました")).to_be_visible()
    line = Subscription.made("https://push.example/1", P256DH, AUTH).line
    found = await town.ledger.read(lambda conn: enrolment.standing(conn, town.keys, "webpush", line))
    assert found is not None
    assert (found.home.town, found.home.language, found.home.drills) == (ELSEWHERE, "vi", False)
    await page.reload()
    await expect(page.get_by_text("このブラウザは登録されています")).to_be_visible()
    await expect(page.get_by_label("住んでいる町")).to_have_value(ELSEWHERE)
    await page.get_by_role("button", name="通知をやめる").click()
    await expect(page.get_by_text("通知をやめました")).to_be_visible()
    await expect(page.get_by_role("button", name="通知を受け取る")).to_be_visible()
    assert await town.ledger.read(lambda conn: enrolment.standing(conn, town.keys, "webpush", line)) is None
    assert complaints == []


async def pushed_to(context: BrowserContext, url: str) -> tuple[Worker, Push]:
    """The page's service worker, and a way to push to it as a push service does."""
    page = await context.new_page()
    async with context.expect_event("serviceworker") as started:
        await page.goto(f"{url}/ja/")
    worker = await started.value
    await page.evaluate("navigator.serviceWorker.ready.then(() => null)")
    await worker.evaluate(KEEPING)
    session = await context.new_cdp_session(page)
    found: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def updated(event: dict[str, list[dict[str, str]]]) -> None:
        for each in event["registrations"]:
            if not found.done():
                found.set_result(each["registrationId"])

    session.on("ServiceWorker.workerRegistrationUpdated", updated)
    await session.send("ServiceWorker.enable")
    registration = await asyncio.wait_for(found, PATIENCE_MS / 1000)

    async def push(said: Content | bytes) -> None:
        before = await worker.evaluate("self.asked ?? 0")
        data = said if isinstance(said, bytes) else payload(said)
        assert data is not None
        await session.send(
            "ServiceWorker.deliverPushMessage",
            {"origin": url, "registrationId": registration, "data": data.decode()},
        )
        async with asyncio.timeout(PATIENCE_MS / 1000):
            while await worker.evaluate("self.asked ?? 0") == before:
                pass

    return worker, push
