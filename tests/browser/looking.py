"""A person with a browser, and what can be said of the page that they see."""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Browser, BrowserContext, Page, Request

PATIENCE_MS = 60_000.0
"""For whatever a page is about to show: a guard against waiting for ever on a machine that is busy."""

SCREENSHOTS = os.environ.get("SCREENSHOTS")
"""A folder, to look at them."""
SCREENS = (1280, 390)
"""The widths that pages are made for, in CSS pixels."""
OF_COLOURS = ("color-contrast", "link-in-text-block")
"""The rules of axe-core that look at colours."""
_LARGE = ((320, "100%"), (320, "133%"), (390, "200%"), (1280, "200%"))
"""A small telephone; and letters of double size, as a browser can be set to."""


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


class Colours:
    """Which colours were judged already, light or dark: on how many pages text of one colour stands on the same ground
    matters to nobody, and measuring contrast is what costs most.

    What axe-core cannot judge where it first stands (half of it lies under a bar, say) is asked about `TRIES` times.
    """

    TRIES = 3

    def __init__(self) -> None:
        self._asked: dict[str, Counter[str]] = {"light": Counter(), "dark": Counter()}

    async def faults(self, page: Page, scheme: str) -> list[str]:
        """What axe-core says of colours that were on no page before, as the page shows them now."""
        await _bring_axe(page)
        asked = self._asked[scheme]
        known = [kind for kind, times in asked.items() if times >= self.TRIES]
        told = await page.evaluate(_ASK_ABOUT_COLOURS, known)
        asked.update(told["asked"])
        asked.update(dict.fromkeys(told["judged"], self.TRIES))
        return list(told["faults"])


async def faults(page: Page, name: str, colours: Colours, *, unfold: str = "main details") -> list[str]:
    """What is wrong with the page as it stands, for whoever reads it: wide and narrow, by day and by night, in forced
    colours, with large letters. `unfold`: what is opened first.

    It is loaded once: colours and sizes change under it. At each width all rules of axe-core are asked in light; by
    night those that look at colours. In forced colours Chromium tells scripts the page's own and not those that it
    shows, so that no rule can judge them: there it is asked whether what is chosen can be told from what is not.
    """
    await page.evaluate(_UNFOLD, unfold)
    found = await page.evaluate(_SAID_ONCE)
    for wide in SCREENS:
        await page.set_viewport_size({"width": wide, "height": 844})
        found += [f"at {wide} px: {fault}" for fault in await violations(page, but=OF_COLOURS)]
        found += [f"at {wide} px: {fault}" for fault in await colours.faults(page, "light")]
        await keep(page, f"{name}-{wide}-light")
        await page.emulate_media(color_scheme="dark")
        found += [f"at {wide} px, dark: {fault}" for fault in await colours.faults(page, "dark")]
        await keep(page, f"{name}-{wide}-dark")
        await page.emulate_media(forced_colors="active")
        found += [f"at {wide} px, forced colours: {fault}" for fault in await page.evaluate(_ALIKE)]
        await keep(page, f"{name}-{wide}-forced")
        await page.emulate_media(color_scheme="light", forced_colors="none")
    found += await too_wide(page)
    return [f"{name}: {fault}" for fault in found]


async def too_wide(page: Page) -> list[str]:
    """Where the page must be scrolled sideways: on a small telephone, and with letters of double size."""
    found = []
    for screen, size in _LARGE:
        await page.set_viewport_size({"width": screen, "height": 844})
        await letters(page, size)
        if (wide := await width(page)) > screen:
            found.append(f"{wide} px wide at {screen} px and {size}: {await page.evaluate(_STICKS_OUT)}")
    await letters(page, "")
    return found


async def width(page: Page) -> int:
    """Of the whole page, in CSS pixels: more than the screen's, and it must be scrolled sideways."""
    return int(await page.evaluate("document.documentElement.scrollWidth"))


async def letters(page: Page, size: str) -> None:
    """As a browser's own setting for the size of letters does."""
    await page.evaluate("size => { document.documentElement.style.fontSize = size }", size)


async def violations(page: Page, *, but: Sequence[str] = ()) -> list[str]:
    """What axe-core finds wrong, by rule and place. `but`: without these rules."""
    await _bring_axe(page)
    return list(await page.evaluate(_ASK_AXE, list(but)))


async def _bring_axe(page: Page) -> None:
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE_SCRIPT)


async def keep(page: Page, name: str) -> None:
    if SCREENSHOTS:
        await page.screenshot(path=Path(SCREENSHOTS) / f"{name}.png", full_page=True)


_ASK_AXE = """async (but) => {
  const rules = Object.fromEntries(but.map((id) => [id, { enabled: false }]));
  const { violations } = await axe.run(document, { resultTypes: ["violations"], rules });
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html.slice(0, 160)} ${node.failureSummary ?? ""}`));
}"""
_ASK_ABOUT_COLOURS = """async (seen) => {
  // All that the contrast of a text comes from: its colour and size, and what is behind it.
  const grounds = new Map([[null, ""]]);
  const ground = (element) => {
    if (!grounds.has(element)) {
      const { backgroundColor, backgroundImage, opacity, position } = getComputedStyle(element);
      const own = [backgroundColor === "rgba(0, 0, 0, 0)" ? "" : backgroundColor, backgroundImage === "none" ? "" : backgroundImage, opacity === "1" ? "" : opacity, position === "static" || position === "relative" ? "" : position].join("");
      const behind = ground(element.parentElement);
      grounds.set(element, own ? `${own};${behind}` : behind);
    }
    return grounds.get(element);
  };
  const kind = (element) => {
    const { color, fontSize, fontWeight, textDecorationLine } = getComputedStyle(element);
    const large = parseFloat(fontSize) >= (fontWeight >= 700 ? 18.66 : 24);
    return [element.matches("a") ? `a ${textDecorationLine}` : "", color, large, ground(element)].join();
  };
  const spoken = (element) => element.matches("input:not([type=radio],[type=checkbox]),select,textarea") || [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
  const kinds = new Map();
  for (const element of document.querySelectorAll("body *"))
    if (spoken(element) && element.checkVisibility()) {
      const key = kind(element);
      if (!kinds.has(key)) kinds.set(key, element);
    }
  for (const key of seen) kinds.delete(key);
  if (!kinds.size) return { asked: [], judged: [], faults: [] };
  const by = new Map([...kinds].map(([key, element]) => [element, key]));
  const { violations, passes } = await axe.run({ include: [...kinds.values()] }, { runOnly: ["color-contrast", "link-in-text-block"], resultTypes: ["violations", "passes"], elementRef: true });
  const judged = [...violations, ...passes].flatMap(({ nodes }) => nodes.map(({ element }) => by.get(element))).filter(Boolean);
  const faults = violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html.slice(0, 160)} ${node.failureSummary ?? ""}`));
  return { asked: [...kinds.keys()], judged, faults };
}"""
_UNFOLD = "(which) => { for (const each of document.querySelectorAll(which)) each.open = true; }"
_SAID_ONCE = """() => {
  const faults = [];
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  for (const id of new Set(ids.filter((id, at) => ids.indexOf(id) !== at))) faults.push(`id ${id} stands twice`);
  const headings = document.querySelectorAll("h1").length;
  if (headings !== 1) faults.push(`${headings} h1`);
  for (const element of document.querySelectorAll("[aria-describedby],[aria-labelledby],[aria-controls]"))
    for (const name of ["aria-describedby", "aria-labelledby", "aria-controls"])
      for (const id of (element.getAttribute(name) ?? "").split(/\\s+/).filter(Boolean))
        if (!document.getElementById(id)) faults.push(`${name}=${id} is nowhere`);
  return faults;
}"""
_STICKS_OUT = """() => [...document.querySelectorAll("body *")]
  .filter((each) => each.getBoundingClientRect().right > document.documentElement.clientWidth + 1 && !each.closest(".table-wrap,.vh,svg"))
  .slice(-3).map((each) => each.outerHTML.slice(0, 120)).join(" | ")"""
_ALIKE = """() => {
  // What forced colours leave of an element's look: no background, no shadow, no colour of its own.
  const left = (element, pseudo) => {
    const style = getComputedStyle(element, pseudo);
    const own = style.forcedColorAdjust === "none" ? [style.backgroundColor, style.color] : [];
    const sides = ["Top", "Right", "Bottom", "Left"].map((side) => style[`border${side}Style`] === "none" ? "" : style[`border${side}Style`] + style[`border${side}Width`]);
    const outline = style.outlineStyle === "none" ? "" : style.outlineStyle + style.outlineWidth;
    return [style.display, style.content, style.fontWeight, style.textDecorationLine, outline, ...sides, ...own].join();
  };
  const look = (element) => [left(element), left(element, "::before"), left(element, "::after"), [...element.querySelectorAll("svg,.vh")].length].join("|");
  const shown = (element) => element.checkVisibility() && element.getBoundingClientRect().width > 1;
  const faults = [];
  const apart = (chosen, others) => {
    const rest = others.filter((other) => other !== chosen && shown(other));
    if (shown(chosen) && rest.some((other) => look(other) === look(chosen))) faults.push(`cannot be told from what is not chosen: ${chosen.outerHTML.slice(0, 120)}`);
  };
  for (const input of document.querySelectorAll("main input:is([type=radio],[type=checkbox]):checked")) {
    const style = getComputedStyle(input);
    const plain = style.appearance !== "none" && style.opacity !== "0";
    const others = [...document.querySelectorAll(`main input[name="${CSS.escape(input.name)}"]:not(:checked)`)];
    if (plain) continue;
    if (style.opacity === "0") apart(input.closest("label"), others.map((each) => each.closest("label")));
    else apart(input, others);
  }
  for (const chosen of document.querySelectorAll("[aria-current]:not([aria-current=false]),[aria-pressed=true],[aria-selected=true]"))
    apart(chosen, [...chosen.parentElement.children].filter((each) => each.tagName === chosen.tagName && !each.matches("[aria-current],[aria-pressed=true],[aria-selected=true]")));
  return faults;
}"""
