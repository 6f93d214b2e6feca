"""The history: found by words, number, hazard, level, drill or live, and day; page by page."""

from datetime import timedelta
from urllib.parse import urlencode

import msgspec
import pytest
from lxml.html import document_fromstring
from sqlalchemy import Connection

from hub.alert import Area, Mode
from hub.evacuation import Level
from hub.hazard import Hazard
from hub.ledger import alerts
from hub.testing.alerts import an_alert as made
from operator_ui.staff.history import A_PAGE
from tests.unit.operator_ui.desk import NOW, Desk, Person, somebody


async def keep(desk: Desk, number: int, **changes: object) -> None:
    """An alert of that number in the ledger, an hour later than the one before."""
    alert = made(identifier=f"a-{number}", sent=NOW + timedelta(hours=number), **changes)

    def work(conn: Connection) -> None:
        alerts.insert_alert(
            conn,
            desk.keys,
            alert,
            number=f"2026-{number:04d}",
            digest=bytes(32),
            author="ito",
            approver="sato",
            break_glass=None,
        )

    await desk.ledger.write(work)


async def three(desk: Desk) -> None:
    await keep(desk, 1)  # 12 September, 22:47
    heavy = msgspec.structs.replace(made().infos[0], headline="ＡＢＣ橋は通れません")
    await keep(desk, 2, hazard=Hazard.UTILITY, level=None, infos=(heavy,))
    await keep(
        desk,
        30,  # 14 September, 3:47
        mode=Mode.STAFF_DRILL,
        level=Level.ELDERLY_EVACUATE,
        area=Area(description="拝島町"),
    )


def numbers(page: str) -> list[str]:
    """Of the alerts that are listed, in their order."""
    return [
        link.get("href").removeprefix("/alerts/a-")
        for link in document_fromstring(page).xpath('//a[starts-with(@href, "/alerts/a-")]')
    ]


async def ask(person: Person, **asked: str) -> list[str]:
    return numbers(await person.get("/alerts?" + urlencode(asked)))


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ["30", "2", "1"]),
        ({"text": "2026-0002"}, ["2"]),
        ({"text": "abc橋"}, ["2"]),
        ({"text": "　拝島　避難 "}, ["30"]),
        ({"text": "拝島 abc"}, []),
        ({"hazard": "flood"}, ["30", "1"]),
        ({"hazard": "dragons"}, ["30", "2", "1"]),
        ({"level": "4"}, ["1"]),
        ({"level": "３"}, ["30"]),
        ({"level": "0"}, ["2"]),
        ({"mode": "live"}, ["2", "1"]),
        ({"mode": "drill"}, ["30"]),
        ({"since": "2026-09-13"}, ["30"]),
        ({"until": "2026-09-12"}, ["2", "1"]),
        ({"since": "2026-09-14", "until": "2026-09-14", "mode": "live"}, []),
        ({"since": "tomorrow", "until": "2026-13-99"}, ["30", "2", "1"]),
    ],
)
async def test_what_is_asked_for_is_found(desk: Desk, asked: dict[str, str], found: list[str]) -> None:
    await three(desk)
    async with somebody(desk, "ono") as viewer:
        assert await ask(viewer, **asked) == found
        assert viewer.status == 200


async def test_the_form_shows_what_was_asked_for(desk: Desk) -> None:
    await three(desk)
    async with somebody(desk, "ono") as viewer:
        await ask(viewer, text='"><b>', hazard="flood", level="0", mode="drill", since="2026-09-12")
        form = dict(viewer.form("/alerts"))
        assert form == {
            "text": '"><b>', "hazard": "flood", "level": "0", "mode": "drill", "since": "2026-09-12", "until": "",
        }  # fmt: skip
        assert "合うものがありません" in viewer.page


async def test_pages_keep_what_was_asked_for(desk: Desk) -> None:
    for number in range(A_PAGE + 3):
        await keep(desk, number + 1)
    await keep(desk, 100, mode=Mode.STAFF_DRILL)
    async with somebody(desk, "ono") as viewer:
        first = await ask(viewer, mode="live", text="避難指示")
        assert len(first) == A_PAGE
        assert f"{A_PAGE + 3}件・1 / 2ページ" in viewer.page
        (link,) = document_fromstring(viewer.page).xpath('//a[@rel="next"]/@href')
        second = numbers(await viewer.get(link))
        assert (second, "100" in first) == (["3", "2", "1"], False)
        (link,) = document_fromstring(viewer.page).xpath('//a[@rel="prev"]/@href')
        assert numbers(await viewer.get(link)) == first
        assert await ask(viewer, page="9" * 40) == []
        assert viewer.status == 200
