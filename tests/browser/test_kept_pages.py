"""What a browser keeps of the residents' pages for when the network is away, or so bad that nothing comes."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
import pytest_asyncio
from aiohttp import ClientSession, hdrs, web
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Page, expect

from tests.browser.looking import reader
from tests.unit.residents.portal_setup import Town, flood_order

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

NUMBER = "2026-0147"
KEPT = (
    "caches.open('kept-2').then(kept => kept.keys()).then(all => all.map(each => new URL(each.url).pathname))"
)


@dataclass(slots=True)
class Line:
    """Between a telephone and the city: passes everything on until it is `stuck`."""

    to: str
    url: str = ""
    stuck: asyncio.Event = field(default_factory=asyncio.Event)
    freed: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.Response:
        if self.stuck.is_set():
            await self.freed.wait()
        async with (
            ClientSession() as city,
            city.get(self.to + request.raw_path, headers={hdrs.ACCEPT_LANGUAGE: "ja"}) as got,
        ):
            kept = (hdrs.CONTENT_TYPE, hdrs.CACHE_CONTROL)
            headers = {name: got.headers[name] for name in kept if name in got.headers}
            return web.Response(status=got.status, body=await got.read(), headers=headers)


@pytest_asyncio.fixture(loop_scope="module")
async def line(url: str) -> AsyncIterator[Line]:
    line = Line(url)
    app = web.Application()
    app.router.add_get("/{path:.*}", line.answer)
    async with TestServer(app, host="127.0.0.1") as server:
        line.url = str(server.make_url("")).rstrip("/")
        yield line
        line.freed.set()


async def kept_by(chromium: Browser, url: str) -> Page:
    """A telephone that has the home page open, and its worker at work."""
    it = await reader(chromium, service_workers="allow")
    await it.page.goto(url + "/ja/")
    await it.page.evaluate("navigator.serviceWorker.ready")
    await it.page.wait_for_function("navigator.serviceWorker.controller !== null")
    await it.page.reload()
    await it.page.wait_for_function(f"{KEPT}.then(all => all.includes('/ja/'))")
    return it.page


async def test_without_a_network_the_last_copy_stays_and_says_its_time(
    chromium: Browser, town: Town, url: str
) -> None:
    await town.publish(flood_order(), NUMBER)
    page = await kept_by(chromium, url)
    await page.context.set_offline(True)
    await page.reload()
    await expect(page.locator(".alert h2")).to_have_text("避難指示")
    await expect(page.locator("#kept")).to_have_text("圏外です。21時49分に保存した情報です。")
    await page.context.close()


async def test_on_a_line_on_which_nothing_comes_the_last_copy_is_shown(
    chromium: Browser, town: Town, line: Line
) -> None:
    await town.publish(flood_order(), NUMBER)
    page = await kept_by(chromium, line.url)
    line.stuck.set()
    await page.reload(wait_until="commit")
    await expect(page.locator(".alert h2")).to_have_text("避難指示")
    assert not line.freed.is_set()
    await page.context.close()


async def test_what_is_somebodys_own_or_was_asked_is_not_kept(chromium: Browser, url: str) -> None:
    page = await kept_by(chromium, url)
    for own in ("/ja/push", "/ja/ask?q=病気", "/ja/ask"):
        await page.goto(url + own)
    await page.goto(url + "/ja/")
    await page.wait_for_function(f"{KEPT}.then(all => all.includes('/ja/ask'))")
    names = await page.evaluate(KEPT)
    assert "/ja/push" not in names
    assert names.count("/ja/ask") == 1
    await page.context.close()


async def test_what_an_earlier_release_kept_is_thrown_away(chromium: Browser, url: str) -> None:
    it = await reader(chromium, service_workers="allow")
    await it.page.goto(url + "/robots.txt")
    await it.page.evaluate("caches.open('kept-1').then(kept => kept.put('/ja/push', new Response('old')))")
    await it.page.goto(url + "/ja/")
    await it.page.wait_for_function("caches.keys().then(names => !names.includes('kept-1'))")
    await it.page.context.close()
