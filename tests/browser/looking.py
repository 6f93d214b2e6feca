"""A person with a browser, and what can be said of the page that they see."""

import os
from pathlib import Path

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, Page, Request, expect

PATIENCE_MS = 60_000.0
"""For whatever a page is about to show: a guard against waiting for ever on a machine that is busy."""

expect.set_options(timeout=PATIENCE_MS)

SCREENSHOTS = os.environ.get("SCREENSHOTS")
"""A folder, to look at them."""


class Reader:
    """Everything that their browser asked for, and whatever it complained about."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.asked: list[Request] = []
        self.complaints: list[str] = []
        page.context.on("request", lambda request: self.asked.append(request))  # noqa: PLW0108 - Playwright keeps a note on the function it is given
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))


async def reader(chromium: Browser, **options: object) -> Reader:
    """With a telephone, unless `options` (of Playwright's `new_context`) say otherwise."""
    context: BrowserContext = await chromium.new_context(  # type: ignore[arg-type]
        **{"viewport": {"width": 390, "height": 844}, "service_workers": "block", **options}
    )
    context.set_default_timeout(PATIENCE_MS)
    return Reader(await context.new_page())


async def width(page: Page) -> int:
    """Of the whole page, in CSS pixels: more than the screen's, and it must be scrolled sideways."""
    return int(await page.evaluate("document.documentElement.scrollWidth"))


async def letters(page: Page, size: str) -> None:
    """As a browser's own setting for the size of letters does."""
    await page.evaluate("size => { document.documentElement.style.fontSize = size }", size)


async def violations(page: Page, *, forced_colours: bool = False) -> list[str]:
    """What axe-core finds wrong, by rule and place.

    `forced_colours`: contrast is not judged, because Chromium tells scripts the page's own colours and not those
    that it shows instead.
    """
    rules = {"color-contrast": {"enabled": not forced_colours}}
    found = await Axe().run(page, options={"rules": rules})
    return [
        f"{each['id']}: {node['html'][:160]} {node.get('failureSummary', '')}"
        for each in found.response["violations"]
        for node in each["nodes"]
    ]


async def keep(page: Page, name: str) -> None:
    if SCREENSHOTS:
        await page.screenshot(path=Path(SCREENSHOTS) / f"{name}.png", full_page=True)
