"""Registering a browser for notifications: what its script sends, and what the register then holds."""

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import aiohttp
import pytest_asyncio
from lxml import html

from hub.language import Language
from hub.ledger import audit, enrolment, packs
from hub.ledger.enrolment import Standing
from hub.subscription import Subscription
from operator_ui.residents.push_answers import AT_ONCE
from operator_ui.residents.push_form import LIMIT_BYTES
from tests.unit.residents.portal_setup import CITY, PUSH, Town, served

TOWN = next(iter(CITY.towns))
ELSEWHERE = list(CITY.towns)[40]
P256DH = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"


@pytest_asyncio.fixture
async def web(town: Town) -> AsyncIterator[aiohttp.ClientSession]:
    async with served(town) as url, aiohttp.ClientSession(url) as session:
        yield session


def given(number: int = 1, **changes: str) -> dict[str, Any]:
    """As a browser says it."""
    keys = {"p256dh": P256DH, "auth": AUTH} | changes
    return {"endpoint": f"https://push.example/{number}", "expirationTime": None, "keys": keys}


def wish(number: int = 1, **changes: Any) -> dict[str, Any]:
    return {"subscription": given(number), "town": TOWN, "language": "vi", "drills": True} | changes


async def post(web: aiohttp.ClientSession, body: object, path: str = "/push") -> tuple[int, str]:
    async with web.post(path, json=body) as answer:
        said = await answer.text()
        return answer.status, json.loads(said)["problem"] if said else ""


async def standing(town: Town, number: int = 1) -> Standing | None:
    line = Subscription.made(f"https://push.example/{number}", P256DH, AUTH).line
    return await town.ledger.read(lambda conn: enrolment.standing(conn, town.keys, "webpush", line))


async def planned_for(town: Town) -> int:
    return len(await town.ledger.read(lambda conn: packs.everyone(conn, "webpush")))


async def test_a_browser_is_registered_for_its_town_and_language(
    web: aiohttp.ClientSession, town: Town
) -> None:
    assert await post(web, wish()) == (204, "")
    found = await standing(town)
    assert found is not None
    home = found.home
    assert (home.town, home.zone, home.language, home.drills) == (
        TOWN, CITY.zone_of(TOWN), Language.VI, True,
    )  # fmt: skip
    assert await planned_for(town) == 1
    entries = await town.ledger.read(lambda conn: audit.about(conn, [f"recipient {found.recipient}"]))
    assert [(each.action, each.detail) for each in entries] == [
        ("register.enrol", {"channel": "webpush", "by": "browser"})
    ]
    assert "push.example" not in str(entries)


async def test_registering_again_changes_what_was_chosen(web: aiohttp.ClientSession, town: Town) -> None:
    await post(web, wish())
    before = await standing(town)
    assert await post(web, wish(town=ELSEWHERE, language="ja", drills=False)) == (204, "")
    after = await standing(town)
    assert before is not None
    assert after is not None
    assert after.recipient == before.recipient
    assert (after.home.town, after.home.language, after.home.drills) == (ELSEWHERE, Language.JA, False)
    assert await planned_for(town) == 1


async def test_another_address_takes_the_place_of_the_one_before(
    web: aiohttp.ClientSession, town: Town
) -> None:
    await post(web, wish(1))
    assert await post(web, wish(2, before=given(1))) == (204, "")
    assert await standing(town, 1) is None
    assert await standing(town, 2) is not None
    assert await post(web, wish(2, before=given(2))) == (204, "")
    assert await post(web, wish(3, before={"endpoint": "x", "keys": {}})) == (204, "")
    assert await planned_for(town) == 2


async def test_leaving_ends_it_and_is_harmless_twice(web: aiohttp.ClientSession, town: Town) -> None:
    await post(web, wish())
    for _ in range(2):
        assert await post(web, {"subscription": given()}, "/push/leave") == (204, "")
        assert await standing(town) is None
    assert await planned_for(town) == 0
    assert await post(web, wish()) == (204, "")
    assert await planned_for(town) == 1


async def test_nobody_is_taken_out_by_who_does_not_have_the_subscription(
    web: aiohttp.ClientSession, town: Town
) -> None:
    await post(web, wish())
    await post(web, {"subscription": given(auth=AUTH[:-1] + "Q")}, "/push/leave")
    assert await standing(town) is not None


REFUSED: Sequence[tuple[object, str]] = (
    (wish(subscription=given() | {"endpoint": "https://10.0.0.1/x"}), "service"),
    (wish(subscription=given() | {"endpoint": "http://push.example/x"}), "service"),
    (wish(subscription=given() | {"endpoint": "file:///etc/passwd"}), "subscription"),
    (wish(subscription=given(p256dh="AAAA")), "subscription"),
    (wish(subscription={"endpoint": "https://push.example/1"}), "subscription"),
    (wish(town="13208-001"), "town"),
    (wish(town=""), "town"),
    (wish(language="xx"), "subscription"),
    ({}, "subscription"),
    ([], "subscription"),
    ("null", "subscription"),
)


async def test_what_cannot_be_is_refused_and_nothing_kept(web: aiohttp.ClientSession, town: Town) -> None:
    for body, problem in REFUSED:
        assert await post(web, body) == (400, problem), body
    assert await planned_for(town) == 0


async def test_a_page_of_another_site_can_send_nothing(web: aiohttp.ClientSession, town: Town) -> None:
    """Without asking first (Fetch Standard, CORS-safelisted requests), which is answered by nothing."""
    body = json.dumps(wish())
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        async with web.post("/push", data=body, headers={"Content-Type": kind}) as answer:
            assert answer.status == 400
    async with web.options("/push", headers={"Origin": "https://evil.example"}) as answer:
        assert "Access-Control-Allow-Origin" not in answer.headers
    large = wish(town="x" * LIMIT_BYTES)
    async with web.post("/push", json=large) as answer:
        assert answer.status == 400
    assert await planned_for(town) == 0


async def test_one_address_cannot_fill_the_register(web: aiohttp.ClientSession) -> None:
    sent = {"X-Forwarded-For": "8.8.8.8"}
    for _ in range(AT_ONCE):
        async with web.post("/push/leave", json={}, headers=sent) as answer:
            assert answer.status == 400
    async with web.post("/push/leave", json={}, headers=sent) as answer:
        assert answer.status == 429
        assert int(answer.headers["Retry-After"]) >= 1
    async with web.post("/push/leave", json={}, headers={"X-Forwarded-For": "9.9.9.9"}) as answer:
        assert answer.status == 400


async def test_the_page_offers_every_town_and_language(web: aiohttp.ClientSession) -> None:
    for language in Language:
        async with web.get(f"/{language}/push") as answer:
            assert answer.status == 200
            assert "manifest-src 'self'" in answer.headers["Content-Security-Policy"]
            page = html.fromstring(await answer.text())
        assert page.get_element_by_id("push").get("data-key") == PUSH.key
        assert {each.get("value") for each in page.get_element_by_id("town")} == {"", *CITY.towns}
        (chosen,) = page.xpath("//select[@id='language']/option[@selected]")
        assert chosen.get("value") == language
        (link,) = page.xpath("//link[@rel='manifest']/@href")
        async with web.get(link) as answer:
            manifest = await answer.json(content_type="application/manifest+json")
        assert manifest["start_url"] == f"/{language}/"
        assert CITY.names[language] in manifest["name"]


async def test_the_browsers_wish_chooses_the_language_of_the_plain_address(
    web: aiohttp.ClientSession,
) -> None:
    async with web.get("/push", headers={"Accept-Language": "ko"}) as answer:
        assert answer.headers["Content-Language"] == "ko"


async def test_without_the_channel_there_is_neither_page_nor_link(town: Town) -> None:
    town.push = None
    async with served(town) as url, aiohttp.ClientSession(url) as web:
        async with web.get("/ja/push") as answer:
            assert answer.status == 404
        async with web.get("/ja/") as answer:
            assert "/push" not in await answer.text()
