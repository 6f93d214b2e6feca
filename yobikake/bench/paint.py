"""How soon a resident sees something on a bad line: first contentful paint of the residents' page in Chromium, its
network throttled through the DevTools protocol (Network.emulateNetworkConditions).

One level-4 flood alert to the whole city, with counts at every shelter, is what stands on the page: its longest. Each
visit is a browser's first: no cache, no service worker, a new context.
"""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from hub.errors import Refused
from hub.language import Language
from operator_ui.residents.app import create_app
from operator_ui.residents.portal import home_path
from yobikake import api
from yobikake.bench.figures import Machine, Say, Spread, machine, spread
from yobikake.bench.page import flooded_hub, listening
from yobikake.rehearsal.servers.program import CHROMIUM, advice, missing

if TYPE_CHECKING:
    from playwright.async_api import Browser

GOAL_S = 1.3
"""From the request to the first contentful paint, at the slowest of `LINES`."""
LINES = {100: 100, 400: 100}
"""Bit rates in kbit/s, each with the milliseconds that every answer comes later."""
TELEPHONE = {"width": 390, "height": 844}
_ANSWERED_AND_PAINTED = """async () => {
  const painted = await new Promise((done) => new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (entry.name === "first-contentful-paint") done(entry.startTime);
  }).observe({ type: "paint", buffered: true }));
  const page = performance.getEntriesByType("navigation")[0];
  return { painted_ms: painted, loaded_ms: page.responseEnd, size_bytes: page.encodedBodySize };
}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Seconds since the request was made: the first contentful paint, and the last byte of the page."""

    painted_s: float
    loaded_s: float
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OnLine:
    """On a line of `kbit_s`. `latency_ms`: added to every answer."""

    kbit_s: int
    latency_ms: int
    painted_s: Spread
    loaded_s: Spread


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """`lines`: by language. `size_bytes`: of the page as it is sent, by language."""

    rounds: int
    size_bytes: Mapping[Language, int]
    lines: Mapping[Language, list[OnLine]]
    machine: Machine


async def measure(*, rounds: int, languages: list[Language], say: Say) -> Measured:
    """Raises `Refused` where Chromium, or Playwright to steer it, is missing."""
    _require()
    here = machine("aiohttp", "playwright")
    sizes: dict[Language, int] = {}
    lines: dict[Language, list[OnLine]] = {language: [] for language in languages}
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="yobikake-bench-")))
        assembly, _ = await stack.enter_async_context(flooded_hub(folder))
        server = await listening(create_app(api.residents(assembly)), stack)
        browser = await _browser(stack)
        for language in languages:
            url = f"http://{server.host}:{server.port}{home_path(language)}"
            await _visit(browser, url, kbit_s=10_000, latency_ms=0)  # the page is written, the browser awake
            for kbit_s, latency_ms in LINES.items():
                say(f"{language} at {kbit_s} kbit/s")
                visits = [
                    await _visit(browser, url, kbit_s=kbit_s, latency_ms=latency_ms) for _ in range(rounds)
                ]
                sizes[language] = visits[-1].size_bytes
                lines[language].append(_line(visits, kbit_s, latency_ms))
    return Measured(rounds=rounds, size_bytes=sizes, lines=lines, machine=here)


def _line(visits: list[Visit], kbit_s: int, latency_ms: int) -> OnLine:
    return OnLine(
        kbit_s=kbit_s,
        latency_ms=latency_ms,
        painted_s=spread([visit.painted_s for visit in visits]),
        loaded_s=spread([visit.loaded_s for visit in visits]),
    )


async def _visit(browser: "Browser", url: str, *, kbit_s: int, latency_ms: int) -> Visit:
    context = await browser.new_context(viewport=TELEPHONE, service_workers="block")  # type: ignore[arg-type]
    page = await context.new_page()
    devtools = await context.new_cdp_session(page)
    await devtools.send("Network.enable")
    bytes_s = kbit_s * 1000 / 8
    line = {"latency": latency_ms, "downloadThroughput": bytes_s, "uploadThroughput": bytes_s}
    await devtools.send("Network.emulateNetworkConditions", {"offline": False, **line})
    await page.goto(url, wait_until="domcontentloaded")
    found = await page.evaluate(_ANSWERED_AND_PAINTED)
    await context.close()
    return Visit(
        painted_s=found["painted_ms"] / 1000,
        loaded_s=found["loaded_ms"] / 1000,
        size_bytes=found["size_bytes"],
    )


async def _browser(stack: AsyncExitStack) -> "Browser":
    from playwright.async_api import async_playwright  # noqa: PLC0415 - no hub needs it

    playwright = await stack.enter_async_context(async_playwright())
    browser = await playwright.chromium.launch(executable_path=CHROMIUM.path, args=["--no-sandbox"])
    stack.push_async_callback(browser.close)
    return browser


def _require() -> None:
    if lacking := missing([CHROMIUM]):
        raise Refused(f"Chromium: {advice(lacking)} / Chromium がありません")
    try:
        import_module("playwright")
    except ImportError:
        raise Refused(
            "Playwright, which steers the browser, is not installed: pip install -r requirements-dev.txt / "
            "Playwright がありません。pip install -r requirements-dev.txt を実行してください"
        ) from None
