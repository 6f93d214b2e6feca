"""The page at which staff answer a muster: one tap, by their own link, and by a telephone's keys."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import pytest
import pytest_asyncio
from lxml import etree, html

from hub import answer_link
from hub.alert import Mode
from hub.ledger import audit, musters
from hub.muster import Answer, CalledGroup, Given, Member, Roll
from hub.place import Name
from hub.recipient import RecipientId
from operator_ui.residents.leaving import FREE
from tests.unit.residents.portal_setup import NOW, Town, served

ROLL = Roll(
    reason="多摩川の水位が上がっているため",
    channels=("mail",),
    groups=(
        CalledGroup(
            code="disaster",
            name=Name(ja="防災課", en="Disaster"),
            members=(
                Member(recipient=RecipientId(1), name="青葉 明"),
                Member(recipient=RecipientId(2), name="泉 恵子"),
            ),
        ),
    ),
)


@dataclass(slots=True)
class Called:
    town: Town
    web: aiohttp.ClientSession
    muster: int

    def path(self, person: int = 1, *, muster: int | None = None) -> str:
        token = answer_link.token(self.town.keys, muster or self.muster, RecipientId(person))
        return f"/answer/{token}"

    async def said(self) -> list[Given]:
        return await self.town.ledger.read(lambda conn: musters.answers(conn, self.muster))

    async def get(self, path: str, language: str = "ja") -> tuple[int, str]:
        async with self.web.get(path, headers={"Accept-Language": language}) as answer:
            return answer.status, await answer.text()

    async def post(self, path: str, **fields: str) -> tuple[int, str]:
        async with self.web.post(path, data=fields, headers={"Accept-Language": "ja"}) as answer:
            return answer.status, await answer.text()


async def begin(town: Town, mode: Mode) -> int:
    muster = await town.ledger.write(
        lambda conn: musters.begin(conn, town.keys, mode=mode, roll=ROLL, by="sato", rule="", at=NOW)
    )
    return muster.id


@pytest_asyncio.fixture
async def called(town: Town) -> AsyncIterator[Called]:
    muster = await begin(town, Mode.LIVE)
    async with served(town) as url, aiohttp.ClientSession(url) as web:
        yield Called(town, web, muster)


def chosen(page: str) -> list[str]:
    return [str(each) for each in html.fromstring(page).xpath("//button[@aria-current]/@value")]


async def test_looking_changes_nothing_and_one_tap_is_kept_with_its_time(called: Called) -> None:
    status, page = await called.get(called.path())
    assert status == 200
    assert "青葉 明" in page
    assert "青葉" not in called.path()
    assert html.fromstring(page).xpath("//form//button/@value") == [each.value for each in Answer]
    assert await called.said() == []
    status, page = await called.post(called.path(), answer="30")
    assert status == 200
    assert chosen(page) == ["30"]
    assert "21:49" in page
    assert await called.said() == [Given(RecipientId(1), Answer.IN_30, NOW, "")]
    (entry,) = await called.town.ledger.read(lambda conn: audit.about(conn, [f"muster {called.muster}"]))
    assert (entry.actor, entry.detail) == ("recipient", {"recipient": 1, "answer": "30"})


async def test_the_last_answer_counts_and_nobody_answers_for_another(called: Called) -> None:
    for answer in ("now", "now", "no"):
        _, page = await called.post(called.path(), answer=answer)
    assert chosen(page) == ["no"]
    assert [each.answer for each in await called.said()] == [Answer.NOW, Answer.NO]
    _, page = await called.get(called.path(2))
    assert chosen(page) == []
    assert await called.post(called.path(), answer="maybe") == (
        400,
        (await called.post(called.path(), answer="maybe"))[1],
    )
    assert len(await called.said()) == 2


async def test_it_speaks_english_and_every_other_reader_gets_that(called: Called) -> None:
    for language in ("en", "vi"):
        _, page = await called.get(called.path(), language)
        assert "I can come now" in page
    _, page = await called.get(f"/ja{called.path()}", "en")
    assert "行ける" in page
    assert set(html.fromstring(page).xpath("//nav[contains(@class,'langs')]//a/@lang")) == {"ja", "en"}


async def test_a_drill_says_so(called: Called) -> None:
    drill = await begin(called.town, Mode.STAFF_DRILL)
    _, page = await called.get(called.path(muster=drill))
    assert "これは訓練です" in page
    assert "【訓練】" in page


@pytest.mark.parametrize("cancelled", [True, False])
async def test_what_is_over_takes_no_answer(called: Called, *, cancelled: bool) -> None:
    await called.town.ledger.write(
        lambda conn: musters.end(conn, called.muster, by="sato", at=NOW, cancelled=cancelled)
    )
    status, page = await called.post(called.path(), answer="now")
    assert status == 409
    assert ("来る必要はありません" in page) is cancelled
    assert not html.fromstring(page).xpath("//form//button")
    assert await called.said() == []


async def test_an_address_that_we_never_gave_out_is_nobodys(called: Called) -> None:
    wrong = called.path()[:-1] + ("0" if called.path()[-1] != "0" else "1")
    for _ in range(FREE):
        status, page = await called.post(wrong, answer="now")
        assert status == 404
    assert "使えません" in page
    assert (await called.get(wrong))[0] == 429
    assert (await called.get(called.path()))[0] == 200, "a right one never waits"
    assert (await called.get(called.path(muster=99)))[0] in {404, 429}, (
        "of a muster that is not in the ledger"
    )
    assert await called.said() == []


async def test_a_key_of_the_telephone_answers_and_another_is_asked_again(called: Called) -> None:
    keys = f"{called.path()}/keys/ja"
    status, said = await called.post(keys, Digits="5")
    assert status == 200
    (gather,) = etree.fromstring(said.encode()).iter("Gather")
    assert gather.get("action") == keys
    assert await called.said() == []
    _, said = await called.post(keys, Digits="3", CallSid="CA1")
    assert "60分で行ける" in said
    assert [each.answer for each in await called.said()] == [Answer.IN_60]
    assert (await called.post(f"{called.path()[:-2]}/keys/ja", Digits="1"))[0] == 404
