"""The page from which a registered number is called once."""

import pytest

from hub.authorise import Actor
from hub.delivery import Outcome, Result
from hub.errors import BadInput, Conflict
from hub.recipient import RecipientId
from tests.unit.operator_ui.desk import Desk, served, somebody

NUMBER = "090-1111-0000"


def answering(desk: Desk, said: Outcome | Exception) -> list[tuple[str, str]]:
    """The desk calls, and that comes of it. Gives who asked for which number."""
    asked: list[tuple[str, str]] = []

    async def call(number: str, actor: Actor) -> Result:
        asked.append((number, actor.login))
        if isinstance(said, Exception):
            raise said
        return Result(RecipientId(1), said, reason="21211" if said is Outcome.PERMANENT else "")

    desk.try_call = call
    return asked


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (Outcome.ACCEPTED, "電話をかけました"),
        (Outcome.PERMANENT, "電話会社が受け付けませんでした"),
        (Conflict("この番号には10分以内にかけました / within ten minutes"), "10分以内にかけました"),
        (BadInput("number", "is not registered / 電話の登録がありません"), "電話の登録がありません"),
    ],
)
async def test_what_came_of_it_is_said_and_the_number_is_not(
    desk: Desk, said: Outcome | Exception, words: str
) -> None:
    asked = answering(desk, said)
    async with served(desk), somebody(desk, "ito") as author:
        await author.get("/trial-call")
        page = await author.submit("/trial-call", number=NUMBER)
    assert asked == [(NUMBER, "ito")]
    assert words in page
    assert NUMBER not in page
    assert NUMBER not in author.path


async def test_a_hub_that_calls_nobody_says_so(desk: Desk) -> None:
    async with somebody(desk, "ito") as author:
        assert "電話の手段が設定されていません" in await author.get("/trial-call")
        assert "登録した電話の確認" in await author.get("/settings")


async def test_whoever_only_looks_calls_nobody(desk: Desk) -> None:
    asked = answering(desk, Outcome.ACCEPTED)
    async with served(desk), somebody(desk, "ono") as viewer:
        await viewer.get("/trial-call")
        assert viewer.status == 403
        await viewer.post("/trial-call", {"number": NUMBER})
        assert viewer.status == 403
        assert "登録した電話の確認" not in await viewer.get("/settings")
    assert asked == []
