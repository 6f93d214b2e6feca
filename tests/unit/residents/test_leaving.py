"""Leaving by one click: what a provider posts, and the page for people."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta

import aiohttp
import pytest
import pytest_asyncio
from lxml import html

from hub import unsubscribe
from hub.language import Language
from hub.ledger import audit, packs, register
from hub.ledger.register import Registration
from hub.recipient import Kind, RecipientId
from hub.recipient import Town as TownCode
from operator_ui.residents.leaving import FREE
from operator_ui.residents.portal import leaving_path
from tests.unit.residents.portal_setup import NOW, Town, served

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@dataclass(slots=True)
class Registered:
    town: Town
    web: aiohttp.ClientSession
    id: RecipientId

    @property
    def token(self) -> str:
        return unsubscribe.token(self.town.keys, "mail", self.id).decode()

    @property
    def path(self) -> str:
        return f"/unsubscribe/{self.token}"

    async def channels(self) -> list[str]:
        """Those on which an alert would go to them."""
        kinds = ("mail", "line")
        return [
            kind
            for kind in kinds
            if self.id in await self.town.ledger.read(lambda conn: packs.everyone(conn, kind))  # noqa: B023
        ]

    async def audited(self) -> list[audit.Entry]:
        return await self.town.ledger.read(lambda conn: audit.about(conn, [f"recipient {self.id}"]))


@pytest_asyncio.fixture
async def someone(town: Town) -> AsyncIterator[Registered]:
    person = Registration(
        kind=Kind.RESIDENT,
        language=Language.JA,
        town=TownCode("13207-026"),
        contacts={"mail": "a@mail.example", "line": f"U{1:032x}"},
    )
    (id_,) = await town.ledger.write(lambda conn: register.add(conn, town.keys, [person], at=NOW))
    await town.ledger.write(lambda conn: register.rebuild(conn, town.keys))
    async with served(town) as url, aiohttp.ClientSession(url) as web:
        yield Registered(town, web, id_)


def multipart() -> aiohttp.FormData:
    form = aiohttp.FormData(default_to_multipart=True)
    form.add_field("List-Unsubscribe", "One-Click")
    return form


@pytest.mark.parametrize("form", ["urlencoded", "multipart"])
async def test_a_providers_post_ends_mail_and_nothing_else(someone: Registered, form: str) -> None:
    body = ONE_CLICK if form == "urlencoded" else multipart()
    async with someone.web.post(someone.path, data=body, allow_redirects=False) as answer:
        assert answer.status == 200
        assert "Set-Cookie" not in answer.headers
        assert answer.headers["Cache-Control"] == "no-store"
    assert await someone.channels() == ["line"]
    (entry,) = await someone.audited()
    assert (entry.action, entry.detail) == ("register.leave", {"channel": "mail", "by": "one-click"})
    assert await someone.town.ledger.read(lambda conn: audit.verify(conn, someone.town.keys)) == 1


async def test_twice_is_as_good_as_once(someone: Registered) -> None:
    for _ in range(3):
        async with someone.web.post(someone.path, data=ONE_CLICK) as answer:
            assert answer.status == 200
    assert len(await someone.audited()) == 1


async def test_looking_at_it_changes_nothing(someone: Registered) -> None:
    for method in ("GET", "HEAD"):
        async with someone.web.request(method, someone.path) as answer:
            assert answer.status == 200
    assert await someone.channels() == ["mail", "line"]
    assert await someone.audited() == []


@pytest.mark.parametrize("body", [{}, {"List-Unsubscribe": "maybe"}, {"other": "One-Click"}])
async def test_a_post_that_asks_for_something_else_changes_nothing(
    someone: Registered, body: dict[str, str]
) -> None:
    async with someone.web.post(someone.path, data=body) as answer:
        assert answer.status == 400
    assert await someone.channels() == ["mail", "line"]


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_wrong_address_ends_nothing_and_says_so(someone: Registered, method: str) -> None:
    wrong = someone.path[:-1] + ("0" if someone.path[-1] != "0" else "1")
    async with someone.web.request(method, wrong, data=ONE_CLICK) as answer:
        assert answer.status == 404
        assert "この解除のアドレスは使えません" in await answer.text()
    assert await someone.channels() == ["mail", "line"]


async def test_guessing_is_slowed_down_and_a_right_address_never_waits(someone: Registered) -> None:
    statuses = []
    for n in range(FREE + 2):
        async with someone.web.post(f"/unsubscribe/mail.{n}.{n:032x}", data=ONE_CLICK) as answer:
            statuses.append(answer.status)
    assert statuses[:FREE] == [404] * FREE
    assert statuses[-1] == 429
    async with someone.web.post(someone.path, data=ONE_CLICK) as answer:
        assert answer.status == 200
    someone.town.now += timedelta(minutes=1)
    async with someone.web.get("/unsubscribe/mail.1.0") as answer:
        assert answer.status == 404


async def test_with_the_database_away_it_says_to_try_again(someone: Registered) -> None:
    ledger, path = someone.town.ledger, someone.town.database
    await ledger.write(lambda conn: conn.exec_driver_sql("PRAGMA busy_timeout = 10"))
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        async with someone.web.post(someone.path, data=ONE_CLICK) as answer:
            assert answer.status == 503
            assert answer.headers["Retry-After"] == "60"
            assert "もう一度" in await answer.text()
        other.execute("ROLLBACK")
    assert await someone.channels() == ["mail", "line"]
    async with someone.web.post(someone.path, data=ONE_CLICK) as answer:
        assert answer.status == 200
    assert await someone.channels() == ["line"]


@pytest.mark.parametrize("language", Language)
async def test_the_page_has_one_button_in_the_readers_language(
    someone: Registered, language: Language
) -> None:
    async with someone.web.get(leaving_path(someone.token, language)) as answer:
        page = html.fromstring(await answer.text())
        assert page.xpath("//meta[@name='robots']/@content") == ["noindex"]
        assert not page.xpath("//noscript"), "a reload by itself would ask again"
    assert page.get("lang") == language.value
    (form,) = page.xpath("//form")
    assert form.get("method") == "post"
    assert dict(form.fields) == ONE_CLICK
    assert len(form.xpath(".//button")) == 1
    links = page.find_class("langs")[0].iter("a")
    assert {link.get("href") for link in links} == {leaving_path(someone.token, each) for each in Language}
    async with someone.web.post(leaving_path(someone.token, language), data=dict(form.fields)) as answer:
        assert answer.status == 200
        assert html.fromstring(await answer.text()).get("lang") == language.value
    assert await someone.channels() == ["line"]


async def test_the_browsers_wish_chooses_the_language(someone: Registered) -> None:
    async with someone.web.get(someone.path, headers={"Accept-Language": "vi-VN,en;q=0.5"}) as answer:
        assert answer.headers["Content-Language"] == "vi"
