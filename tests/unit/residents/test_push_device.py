"""The browser of staff that test notifications go to: who may register one, and whose report counts."""

from collections.abc import AsyncIterator
from datetime import timedelta

import aiohttp
import pytest
import pytest_asyncio

from hub import canary_device
from hub.ledger import audit, canaries
from hub.subscription import Subscription
from tests.unit.residents.portal_setup import Town, served
from tests.unit.residents.test_pushing import AUTH, P256DH, given, post

KEY = "0123456789abcdef" * 2


@pytest_asyncio.fixture
async def web(town: Town) -> AsyncIterator[aiohttp.ClientSession]:
    async with served(town) as url, aiohttp.ClientSession(url) as session:
        yield session


async def offered(web: aiohttp.ClientSession, number: int = 1, **more: object) -> tuple[int, str]:
    return await post(web, {"subscription": given(number), **more}, "/push/device")


async def registered(town: Town) -> str | None:
    found = await town.ledger.read(lambda conn: canary_device.current(conn, town.keys))
    return found and found.line


def line(number: int) -> str:
    return Subscription.made(f"https://push.example/{number}", P256DH, AUTH).line


async def test_only_the_links_pass_opens_it_and_only_for_an_hour(
    web: aiohttp.ClientSession, town: Town
) -> None:
    shown = canary_device.link_pass(town.keys, at=town.now)
    last = "0" if shown[-1] != "0" else "1"
    for wrong in ("", "nonsense", shown[:-1] + last, f"9{shown}"):
        assert await offered(web, **{"pass": wrong}) == (403, "old")
    assert await registered(town) is None
    town.now += canary_device.LASTS
    assert await offered(web, **{"pass": shown}) == (204, "")
    assert await registered(town) == line(1)
    town.now += timedelta(seconds=1)
    assert await offered(web, 2, **{"pass": shown}) == (403, "old")
    assert await registered(town) == line(1)
    (entry,) = await town.ledger.read(lambda conn: audit.about(conn, [canary_device.SUBJECT]))
    assert (entry.actor, entry.detail["change"]) == ("browser", "registered")
    assert "push.example" not in str(entry)


async def test_only_the_registered_browser_may_say_that_its_address_has_changed(
    web: aiohttp.ClientSession, town: Town
) -> None:
    await offered(web, **{"pass": canary_device.link_pass(town.keys, at=town.now)})
    assert await offered(web, 3, before=given(2)) == (403, "old")
    assert await offered(web, 2, before=given(1)) == (204, "")
    assert await registered(town) == line(2)


async def test_an_address_elsewhere_is_none(web: aiohttp.ClientSession, town: Town) -> None:
    shown = canary_device.link_pass(town.keys, at=town.now)
    elsewhere = given() | {"endpoint": "https://elsewhere.example/1"}
    body = {"subscription": elsewhere, "pass": shown}
    assert await post(web, body, "/push/device") == (400, "service")


@pytest.mark.parametrize("wrong", ["f" * 32, "", "%"])
async def test_a_report_counts_once_and_for_its_own_message(
    web: aiohttp.ClientSession, town: Town, wrong: str
) -> None:
    sent = town.now - timedelta(seconds=3)
    await town.ledger.write(lambda conn: canaries.begin(conn, "webpush", key=KEY, last=None, at=sent))
    assert await post(web, {"key": wrong}, "/push/received") == (204, "")
    assert (await town.ledger.read(canaries.known))["webpush"].waiting
    for _ in range(2):
        assert await post(web, {"key": KEY}, "/push/received") == (204, "")
        town.now += timedelta(minutes=1)
    known = (await town.ledger.read(canaries.known))["webpush"]
    assert (known.waiting, known.took) == (False, timedelta(seconds=3))
