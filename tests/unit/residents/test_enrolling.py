"""The page on which somebody from a chat says where they live."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import aiohttp
import pytest
import pytest_asyncio
from lxml import html
from sqlalchemy import insert

from hub import chat_link
from hub.language import Language
from hub.ledger import audit, enrolment, register, tables
from hub.ledger.enrolment import Standing
from operator_ui.residents.leaving import FREE
from operator_ui.residents.portal import chat_path
from tests.unit.residents.line_setup import USER, database_away
from tests.unit.residents.portal_setup import CITY, NOW, Town, served

CODE = "13207-026"
CHOSEN = {"town": CODE, "language": "en"}


@dataclass(slots=True)
class Someone:
    town: Town
    web: aiohttp.ClientSession

    def path(self, language: Language = Language.JA) -> str:
        """Each time another address."""
        return chat_path(chat_link.token(self.town.keys, "line", USER, at=self.town.now), language)

    async def standing(self) -> Standing | None:
        return await self.town.ledger.read(
            lambda conn: enrolment.standing(conn, self.town.keys, "line", USER)
        )

    async def post(self, path: str, data: dict[str, str]) -> tuple[int, str]:
        async with self.web.post(path, data=data, allow_redirects=False) as answer:
            return answer.status, await answer.text()


@pytest_asyncio.fixture
async def someone(town: Town) -> AsyncIterator[Someone]:
    async with served(town) as url, aiohttp.ClientSession(url) as web:
        yield Someone(town, web)


@pytest.mark.parametrize("language", Language)
async def test_it_asks_for_the_town_and_the_language_and_nothing_else(
    someone: Someone, language: Language
) -> None:
    async with someone.web.get(someone.path(language)) as answer:
        assert (answer.status, answer.headers["Cache-Control"]) == (200, "no-store")
        page = html.fromstring(await answer.text())
    assert page.xpath("//form//*[@name]/@name") == ["town", "language", "drills"]
    assert len(page.xpath("//select[@name='town']/option")) == len(CITY.towns) + 1
    assert page.xpath("//select[@name='language']/option[@selected]/@value") == [language]
    assert page.xpath("//meta[@name='robots']/@content") == ["noindex"]


async def test_who_chose_is_told_for_their_town(someone: Someone) -> None:
    status, said = await someone.post(someone.path(), {**CHOSEN, "drills": "on"})
    assert (status, "登録しました" in said) == (200, True)
    standing = await someone.standing()
    assert standing is not None
    zone = CITY.towns[standing.home.town].zone
    assert standing.home == (CODE, zone, Language.EN, True, False)
    [entry] = await someone.town.ledger.read(lambda conn: audit.about(conn, ["recipient 1"]))
    assert (entry.action, entry.detail) == ("register.enrol", {"channel": "line", "by": "chat"})


async def test_who_has_a_number_too_may_say_that_they_need_help(someone: Someone) -> None:
    """Nobody else is asked: it is of use only where people are called one after the other."""
    await someone.post(someone.path(), {**CHOSEN, "support": "on"})
    standing = await someone.standing()
    assert standing is not None
    assert standing.home.support is False, "they were not asked"
    keys = someone.town.keys
    number = {"recipient": standing.recipient, "channel": "voice", "suppressed": False, "key_id": keys.active}
    place, blind = f"contacts voice {standing.recipient}", keys.blind("voice", "+81425550100")
    sealed = keys.seal(b"+81425550100", bound_to=place)
    await someone.town.ledger.write(
        lambda conn: conn.execute(insert(tables.contacts).values(**number, sealed=sealed, blind=blind))
    )
    async with someone.web.get(someone.path()) as answer:
        page = html.fromstring(await answer.text())
    assert "名簿" in page.text_content()
    asked = {"support_asked": page.xpath("//input[@name='support_asked']/@value")[0]}
    for ticked, expected in (({"support": "on"}, True), ({}, False)):
        await someone.post(someone.path(), {**CHOSEN, **asked, **ticked})
        standing = await someone.standing()
        assert standing is not None
        assert standing.home.support is expected


async def test_it_works_once(someone: Someone) -> None:
    path = someone.path()
    assert (await someone.post(path, CHOSEN))[0] == 200
    status, said = await someone.post(path, {"town": CODE, "language": "ko"})
    assert (status, "もう使われた" in said) == (404, True)
    async with someone.web.get(path) as answer:
        assert answer.status == 404
    standing = await someone.standing()
    assert standing is not None
    assert standing.home.language is Language.EN


async def test_looking_at_it_uses_nothing_up(someone: Someone) -> None:
    path = someone.path()
    for method in ("GET", "HEAD", "GET"):
        async with someone.web.request(method, path) as answer:
            assert answer.status == 200
    assert await someone.standing() is None
    assert (await someone.post(path, CHOSEN))[0] == 200


async def test_after_half_an_hour_it_is_over(someone: Someone) -> None:
    path = someone.path()
    someone.town.now = NOW + chat_link.HOLDS + timedelta(seconds=1)
    assert (await someone.post(path, CHOSEN))[0] == 404
    assert await someone.standing() is None


async def test_who_is_registered_sees_what_they_chose_and_changes_it(someone: Someone) -> None:
    await someone.post(someone.path(), CHOSEN)
    async with someone.web.get(someone.path()) as answer:
        page = html.fromstring(await answer.text())
    assert page.xpath("//option[@selected]/@value") == [CODE, "en"]
    await someone.post(someone.path(), {"town": CODE, "language": "ko"})
    standing = await someone.standing()
    assert standing is not None
    assert (standing.recipient, standing.home.language) == (1, Language.KO)


async def test_who_wants_no_more_is_taken_out(someone: Someone) -> None:
    await someone.post(someone.path(), CHOSEN)
    status, said = await someone.post(someone.path(), {"leave": "1"})
    assert (status, "登録をやめました" in said) == (200, True)
    assert await someone.standing() is None
    assert (await someone.post(someone.path(), {"leave": "1"}))[0] == 200


@pytest.mark.parametrize(
    "chosen",
    [
        {},
        {"town": CODE},
        {"language": "ja"},
        {"town": "13101-001", "language": "ja"},
        {"town": CODE, "language": "de"},
    ],
)
async def test_what_is_no_town_or_language_is_asked_for_again(
    someone: Someone, chosen: dict[str, str]
) -> None:
    path = someone.path()
    status, said = await someone.post(path, chosen)
    assert (status, "町と言語を選んでください。" in said) == (422, True)
    assert await someone.standing() is None
    assert (await someone.post(path, CHOSEN))[0] == 200, "and its address was not used up"


async def test_staff_are_not_changed_here(someone: Someone) -> None:
    town = someone.town
    await town.ledger.write(
        lambda conn: register.add_staff(conn, town.keys, {"line": USER}, language=Language.JA, at=NOW)
    )
    async with someone.web.get(someone.path()) as answer:
        assert answer.status == 409
    for chosen in (CHOSEN, {"leave": "1"}):
        await someone.post(someone.path(), chosen)
    standing = await someone.standing()
    assert standing is not None
    assert standing.kind == "staff"


async def test_with_the_database_away_it_says_to_try_again(someone: Someone) -> None:
    path = someone.path()
    async with database_away(someone.town):
        assert (await someone.post(path, CHOSEN))[0] == 503
    assert (await someone.post(path, CHOSEN))[0] == 200


async def test_guessing_is_slowed_down_and_a_right_address_never_waits(someone: Someone) -> None:
    wrong = chat_path("1." + "A" * 80, Language.JA)
    headers = {"X-Forwarded-For": "203.0.114.9"}
    statuses = []
    for _ in range(FREE + 1):
        async with someone.web.get(wrong, headers=headers) as answer:
            statuses.append(answer.status)
    assert statuses == [404] * FREE + [429]
    async with someone.web.get(someone.path(), headers=headers) as answer:
        assert answer.status == 200
