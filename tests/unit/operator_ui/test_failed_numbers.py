"""Numbers that failed when they were new: for who may call them, and looking is recorded."""

from datetime import timedelta

import pytest
from lxml.html import document_fromstring
from sqlalchemy import Connection

from hub.language import Language
from hub.ledger import audit, register, trials
from hub.ledger.register import Registration
from hub.ledger.trials import Finding
from hub.recipient import Kind, RecipientId
from tests.unit.operator_ui.desk import CITY, NOW, Desk, somebody

AGAIN = "/trial-call/failed/again"
TOWN = next(iter(CITY.towns))


async def tried(desk: Desk) -> list[RecipientId]:
    """A wrong number, a fax that gave no page, one that was picked up, and one of the staff whom nobody answered for."""
    people = [
        Registration(
            kind=Kind.RESIDENT, language=Language.VI, town=TOWN, contacts={"voice": "+819011110000"}
        ),
        Registration(kind=Kind.RESIDENT, language=Language.JA, town=TOWN, contacts={"fax": "+81425550100"}),
        Registration(
            kind=Kind.RESIDENT, language=Language.JA, town=TOWN, contacts={"voice": "+819011110002"}
        ),
        Registration(kind=Kind.STAFF, language=Language.JA, contacts={"voice": "+819011110003"}),
    ]
    ids = await desk.ledger.write(lambda conn: register.add(conn, desk.keys, people, at=NOW))
    findings = (Finding.WRONG, Finding.UNANSWERED, Finding.CONFIRMED, Finding.UNANSWERED)
    for n, (id_, person, finding) in enumerate(zip(ids, people, findings, strict=True)):
        (kind,) = person.contacts

        def work(
            conn: Connection, id_: RecipientId = id_, kind: str = kind, n: int = n, f: Finding = finding
        ) -> None:
            at = NOW + timedelta(minutes=n)
            trials.ask(conn, [(id_, kind)], at=at)
            (due,) = (each for each in [trials.due(conn, kind, at=at)] if each)
            assert trials.begin(conn, due, key=f"{n}", at=at)
            assert trials.find_out(conn, due, f"{n}", f, reason="", at=at)

        await desk.ledger.write(work)
    return ids


async def test_those_that_failed_are_listed_with_whose_they_are(desk: Desk) -> None:
    await tried(desk)
    async with somebody(desk, "ito") as author:
        assert "つながらなかった番号を見る" in await author.get("/trial-call")
        assert "09011110000" not in author.page
        rows = document_fromstring(await author.get("/trial-call/failed")).xpath("//main//li")
    said = [" ".join(row.text_content().split()) for row in rows]
    assert [CITY.towns[TOWN].name.ja in each for each in said] == [False, True, True]
    assert "職員 出ませんでした" in said[0]
    assert "紙が出ませんでした" in said[1]
    assert "0425550100" in said[1]
    assert "番号が違います" in said[2]
    assert "Tiếng Việt" in said[2]
    entries = await desk.ledger.read(lambda conn: audit.about(conn, ["failed numbers"]))
    assert [(each.actor, each.action, each.detail) for each in entries] == [
        ("ito", "trials.read", {"numbers": 3})
    ]


async def test_one_is_tried_again_as_if_it_were_new(desk: Desk) -> None:
    wrong, *_ = await tried(desk)
    async with somebody(desk, "ito") as author:
        await author.get("/trial-call/failed")
        page = await author.post(AGAIN, {"recipient": str(wrong), "channel": "voice"})
    assert "もう一度確かめます" in page
    assert "09011110000" not in page
    due = await desk.ledger.read(lambda conn: trials.due(conn, "voice", at=NOW))
    assert due is not None
    assert (due.recipient, due.tries, due.finding) == (wrong, 0, Finding.NONE)


@pytest.mark.parametrize("recipient", ["99", "x", "-1", "1" * 40])
async def test_what_is_no_failed_number_is_not_called(desk: Desk, recipient: str) -> None:
    await tried(desk)
    async with somebody(desk, "ito") as author:
        await author.get("/trial-call/failed")
        await author.post(AGAIN, {"recipient": recipient, "channel": "voice"})
    assert await desk.ledger.read(lambda conn: trials.due(conn, "voice", at=NOW + timedelta(days=9))) is None


async def test_whoever_only_looks_sees_no_number(desk: Desk) -> None:
    await tried(desk)
    async with somebody(desk, "ono") as viewer:
        await viewer.get("/trial-call/failed")
        assert viewer.status == 403
