"""What every browser test begins with: Chromium, and a program to look at."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright, expect

from tests.browser.console_hub import Hub, a_hub
from tests.browser.looking import PATIENCE_MS
from tests.servers.absence import absent
from tests.unit.residents.portal_setup import Town, a_town, served

expect.set_options(timeout=PATIENCE_MS)
CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium-headless-shell"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium() -> AsyncIterator[Browser]:
    if not CHROMIUM.exists():
        absent(f"{CHROMIUM} is not there: install Debian's chromium-headless-shell, or name one in CHROMIUM")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def nobody_looks_any_more(chromium: Browser) -> AsyncIterator[None]:
    """A page that is left open asks for news until the browser ends, beside every later test."""
    yield
    for context in chromium.contexts:
        await context.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Hub]:
    """The whole program with its console. One for all tests of a file."""
    async with a_hub(tmp_path_factory.mktemp("console") / "hub") as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    """What the residents' pages read, for a test to change."""
    async with a_town(tmp_path) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def url(town: Town) -> AsyncIterator[str]:
    """Where the residents' listener of `town` is."""
    async with served(town) as address:
        yield address
