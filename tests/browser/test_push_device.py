"""The canary of notifications, whole: from the hub through a push service to a real service worker, and back."""

import asyncio
from collections.abc import AsyncIterator
from datetime import time, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, expect

from channels.webpush import Settings, Webpush, vapid
from hub import canary_device
from hub.canaries import Canaries
from hub.canary import DAY, Canary, Proof, only
from hub.canary_device import Device
from hub.ledger import canaries
from hub.ledger.canaries import Known
from hub.outbound import Deployment, Outbound
from hub.subscription import Subscription
from hub.testing.parcels import content
from tests.browser.looking import PATIENCE_MS
from tests.browser.test_pushing import BROWSER, pushed_to
from tests.unit.residents.portal_setup import Town
from tests.unit.residents.test_pushing import AUTH, P256DH, given
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.push import PushService

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(loop_scope="module")
async def context(chromium: Browser) -> AsyncIterator[BrowserContext]:
    made = await chromium.new_context(viewport={"width": 390, "height": 844})
    yield made
    await made.close()


async def test_what_the_device_shows_it_reports_and_a_resident_reports_nothing(
    context: BrowserContext, town: Town, url: str, tmp_path: Path
) -> None:
    worker, push = await pushed_to(context, url)
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    await push(content())
    await push(await sent(town, tmp_path))
    async with asyncio.timeout(PATIENCE_MS / 1000):
        while (known := await on_record(town)).waiting:
            pass
    assert (known.proven_at, known.missed) == (town.now, 0)
    shown = (await worker.evaluate("kept"))[-1]
    assert "試験" in shown["title"]
    assert (shown["silent"], shown["requireInteraction"]) == (True, False)
    assert [each for each in asked if "received" in each] == [f"{url}/push/received"], "once, of the canary"


async def test_staff_register_a_device_by_the_link_and_it_tells_of_its_new_address(
    context: BrowserContext, town: Town, url: str
) -> None:
    worker, _ = await pushed_to(context, url)
    await context.add_init_script(BROWSER)
    page = await context.new_page()
    good = canary_device.link_pass(town.keys, at=town.now)
    await page.goto(f"{url}/push/device#{canary_device.link_pass(town.keys, at=town.now - 2 * DAY)}")
    await page.get_by_role("button", name="この端末で受け取る").click()
    await expect(page.get_by_text("期限（1時間）が切れています")).to_be_visible()
    assert await device(town) is None
    await page.goto("about:blank")
    await page.goto(f"{url}/push/device#{good}")
    await page.get_by_role("button", name="この端末で受け取る").click()
    await expect(page.get_by_text("登録しました")).to_be_visible()
    assert (await device(town)) == Device(line=line(1), since=town.now)
    assert (await on_record(town)).asked_at == town.now, "a test message follows at once"
    await page.reload()
    await expect(page.get_by_text("この端末は登録されています")).to_be_visible()

    town.now += timedelta(days=30)
    await worker.evaluate("(said) => renew({ newSubscription: { ...said, toJSON: () => said } })", given(2))
    assert (await device(town)) == Device(line=line(2), since=town.now)


async def sent(town: Town, folder: Path) -> bytes:
    """What the device opens of a canary that a push service took."""
    key = folder / "webpush.key"
    public = vapid.create(key)
    async with PushService(Inbox(), clock=town.clock) as service:
        settings = Settings(key_file=key, subject="mailto:bosai@city.example", services=(service.url,))
        webpush = Webpush(settings, outbound=Outbound(deployment=Deployment.REHEARSAL), clock=town.clock)
        canary = Canary(
            kind="webpush", channel=webpush, to=only(service.subscribe(public).line), proof=Proof.SHOWN,
            every=DAY, wait=timedelta(minutes=10), at=time(0),
        )  # fmt: skip
        watch = Canaries(
            [canary], ledger=town.ledger, clock=town.clock, page=_never, recovered=_never, city="よびかけ市",
            link=town.url,
        )  # fmt: skip
        await webpush.open()
        await watch.look()
        await webpush.close()
    assert (await on_record(town)).waiting, "that a push service took it shows nothing yet"
    return service.opened[-1]


async def on_record(town: Town) -> Known:
    return (await town.ledger.read(canaries.known))["webpush"]


async def device(town: Town) -> Device | None:
    return await town.ledger.read(lambda conn: canary_device.current(conn, town.keys))


def line(number: int) -> str:
    return Subscription.made(f"https://push.example/{number}", P256DH, AUTH).line


def _never(topic: str, text: str) -> None:
    raise AssertionError(topic)
