"""The banner inside another website, in a real browser."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, expect

from tests.browser.looking import reader, violations, width
from tests.unit.residents.portal_setup import Town, flood_order, served

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

NUMBER = "2026-0147"
FRAME = """<iframe src="{hub}/ja/banner" title="緊急情報" width="100%" height="130"
        style="border:0" sandbox="allow-same-origin allow-scripts allow-top-navigation-by-user-activation"></iframe>"""
"""As docs/operations.md has it."""


@asynccontextmanager
async def website(html: dict[str, str]) -> AsyncIterator[str]:
    """A website of its own origin, with `html["body"]` in its page."""

    async def page(_request: web.Request) -> web.Response:
        text = f"<!doctype html><html lang='ja'><title>市のサイト</title><main><h1>市のサイト</h1>{html['body']}</main></html>"
        return web.Response(text=text, content_type="text/html")

    app = web.Application()
    app.router.add_get("/", page)
    async with TestServer(app, host="127.0.0.1") as server:
        yield f"http://127.0.0.1:{server.port}"


async def test_the_citys_website_shows_it_and_others_cannot(chromium: Browser, town: Town) -> None:
    await town.publish(flood_order(), NUMBER)
    html = {"body": ""}
    async with website(html) as site:
        town.embedded_by = (site,)
        async with served(town) as hub:
            html["body"] = FRAME.format(hub=hub)
            it = await reader(chromium)
            await it.page.goto(site)
            banner = it.page.frame_locator("iframe").locator(".banner")
            await expect(banner).to_contain_text("避難指示")
            assert await violations(it.page) == []
            read = await it.page.evaluate(
                "async (url) => (await (await fetch(url)).json()).active", f"{hub}/api/banner.json"
            )
            assert read is True
            await banner.click()
            await expect(it.page).to_have_url(f"{hub}/ja/")
            assert [said for said in it.complaints if "404" not in said] == []  # the website has no icon
            await it.page.goto(site.replace("127.0.0.1", "localhost"))
            await expect(it.page.get_by_role("heading", name="市のサイト")).to_be_visible()
            await expect(banner).to_have_count(0)
            assert any("frame-ancestors" in said for said in it.complaints)
            await it.page.context.close()


async def test_it_comes_and_goes_by_itself(chromium: Browser, town: Town, url: str) -> None:
    it = await reader(chromium)
    await it.page.clock.install()
    await it.page.goto(f"{url}/ja/banner")
    await expect(it.page.locator("#banner")).to_have_text("")
    alert = flood_order()
    await town.publish(alert, NUMBER)
    town.now += timedelta(seconds=1)
    await it.page.clock.run_for(66_000)
    await expect(it.page.locator(".banner")).to_contain_text("避難指示")
    await town.stop(alert.identifier)
    town.now += timedelta(seconds=1)
    await it.page.clock.run_for(66_000)
    await expect(it.page.locator(".banner")).to_have_count(0)
    assert it.complaints == []
    await it.page.context.close()


@pytest.mark.parametrize("scripts", [True, False])
async def test_it_fits_a_narrow_frame(chromium: Browser, town: Town, url: str, *, scripts: bool) -> None:
    await town.publish(flood_order(), NUMBER)
    it = await reader(chromium, viewport={"width": 320, "height": 200}, java_script_enabled=scripts)
    await it.page.goto(f"{url}/vi/banner")
    await expect(it.page.locator(".banner")).to_be_visible()
    if scripts:
        assert await width(it.page) <= 320
    box = await it.page.locator(".banner").bounding_box()
    assert box is not None
    assert box["width"] <= 320
    assert box["height"] >= 48
    await it.page.context.close()
