"""Every residents' page as every reader meets it: sizes of screen and letter, colours, without scripts, on a bad line."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Browser, expect

from hub import canary_device, chat_link
from hub.alert import Mode
from hub.language import Language
from operator_ui.residents.captive import captive_path
from operator_ui.residents.portal import (
    alert_path,
    ask_path,
    banner_path,
    chat_path,
    data_path,
    history_path,
    home_path,
    leaving_path,
    push_path,
)
from tests.browser.looking import Colours, Reader, faults, reader
from tests.browser.test_leaving import someone, token
from tests.unit.residents.portal_setup import CITY, Town, flood_order, open_some

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

NOW, OVER, DRILL = "2026-0147", "2026-0146", "2026-0148"
BUDGET_BYTES = 20 * 1024
"""Of a page as it is sent (the screens' rules, Tests)."""


async def pages(town: Town) -> dict[str, str]:
    """The path of every kind of page by what it shows. One alert is in force, one over, and a resident drill runs."""
    open_some(town.shelters)
    over = flood_order(number=OVER)
    await town.publish(over, OVER)
    await town.stop(over.identifier)
    await town.publish(flood_order(), NOW)
    await town.publish(flood_order(number=DRILL, mode=Mode.RESIDENT_DRILL), DRILL)
    town.now += timedelta(seconds=1)  # whoever looked before looks again
    return {
        "home": home_path(Language.JA),
        "home-easy": home_path(Language.JA_EASY),
        "home-ne": home_path(Language.NE),
        "alert": alert_path(NOW, Language.JA),
        "over": alert_path(OVER, Language.EN),
        "drill": alert_path(DRILL, Language.JA),
        "history": history_path(Language.VI),
        "banner": banner_path(Language.JA),
        "open-data": data_path(Language.JA),
        "ask": ask_path(Language.VI),
        "wifi": captive_path(Language.JA),
        "wifi-old": captive_path(Language.NE, aged=True),
        "push": push_path(Language.JA),
        "push-vi": push_path(Language.VI),
        "push-device": canary_device.PATH,
        "leaving": leaving_path(token(town, await someone(town)), Language.JA),
        "never": leaving_path("no-such-token", Language.KO),
        "enrolling": chat_path(chat_link.token(town.keys, "line", f"U{7:032x}", at=town.now), Language.NE),
        "enrolling-used": chat_path("no-such-token", Language.JA_EASY),
        "missing": alert_path("2026-9999", Language.JA),
        "nowhere": "/no-such-page",
    }


async def test_every_page_can_be_used_by_everybody(chromium: Browser, town: Town, url: str) -> None:
    it, colours = await reader(chromium), Colours()
    await it.page.add_init_script(AXE_SCRIPT)
    await it.page.clock.set_fixed_time(town.now)  # or counts would have grown old
    found = await look(it, url + home_path(Language.JA), "calm", colours)
    await expect(it.page.locator(".calm")).to_be_visible()
    for name, path in (await pages(town)).items():
        found += await look(it, url + path, name, colours)
    found += await ask(it, url, colours)
    await it.page.goto(url + home_path(Language.JA))
    await expect(it.page.locator(".alert")).to_have_count(2)
    await expect(it.page.locator(".chip.s-has_room")).to_have_count(1)
    await it.page.goto(url + banner_path(Language.JA))
    await expect(it.page.locator(".banner")).to_be_visible()
    assert found == []
    assert {urlsplit(request.url).netloc for request in it.asked} == {urlsplit(url).netloc}
    assert [said for said in it.complaints if "404" not in said] == []
    await it.page.context.close()


QUESTIONS = {
    Language.JA: ("避難所はどこですか", "#reply .going li"),
    Language.JA_EASY: ("いま なにが おきていますか", "#reply .told .drill-mark"),
    Language.NE: ("बचाउनुहोस्", "#reply a[href='tel:119']"),
    Language.EN: ("where is the shelter and can I bring my dog", "#reply .stack > .stack + .stack"),
}
"""What is asked, and what the reply then shows."""


async def ask(it: Reader, url: str, colours: Colours) -> list[str]:
    """What is wrong with replies: where to go, what is in force, and for who is in danger."""
    found: list[str] = []
    centre = CITY.centre
    await it.page.context.grant_permissions(["geolocation"])
    await it.page.context.set_geolocation({"latitude": centre.latitude, "longitude": centre.longitude})
    for language, (text, shows) in QUESTIONS.items():
        await it.page.goto(url + ask_path(language))
        await it.page.locator("#locate").click()
        await expect(it.page.locator("#located")).not_to_be_empty()
        await it.page.locator("#question").fill(text)
        await it.page.locator("#ask .primary").click()
        await expect(it.page.locator(shows).first).to_be_visible()
        found += await faults(it.page, f"reply-{language}", colours)
        if language is Language.JA:
            await expect(it.page.locator(shows).first).to_contain_text("km")
    return found


async def look(it: Reader, address: str, name: str, colours: Colours) -> list[str]:
    """What is wrong with a page."""
    answer = await it.page.goto(address)
    assert answer is not None
    found = await faults(it.page, name, colours)
    if (size_bytes := (await answer.request.sizes())["responseBodySize"]) > BUDGET_BYTES:
        found.append(f"{name}: {size_bytes} bytes")
    if "frame-ancestors 'none'" not in answer.headers["content-security-policy"]:
        found.append(f"{name}: may be framed")
    return found


async def test_every_page_is_whole_without_scripts(chromium: Browser, town: Town, url: str) -> None:
    it = await reader(chromium, java_script_enabled=False)
    for name, path in (await pages(town)).items():
        await it.page.goto(url + path)
        await expect(it.page.locator("h1"), name).to_have_count(1)
        await expect(it.page.locator("main"), name).to_be_visible()
        for needs_a_script in ("#print", ".sort", "#kept", "#locate"):
            await expect(it.page.locator(needs_a_script).locator("visible=true"), name).to_have_count(0)
    assert [request.url for request in it.asked if request.url.endswith(".js")] == []
    assert it.complaints == [] or all("404" in said for said in it.complaints)
    await it.page.context.close()
