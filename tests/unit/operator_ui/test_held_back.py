"""Who lost which way, and what is left to them: for who may call them, without an address, and to be undone."""

from datetime import timedelta

import pytest
from lxml.html import document_fromstring
from sqlalchemy import Connection

from hub import gone
from hub.language import Language
from hub.ledger import alerts, audit, bounces, enrolment, held_back, packs, register
from hub.ledger.bounces import Noted
from hub.ledger.register import Registration
from hub.recipient import Kind, RecipientId
from hub.testing.alerts import an_alert
from tests.unit.operator_ui.desk import CITY, NOW, Desk, somebody

LIFT = "/held-back/lift"
TOWN = next(iter(CITY.towns))
USER = "U{:032x}".format


async def lost(desk: Desk) -> list[RecipientId]:
    """One with mail beside LINE, one with nothing else, one of the staff; and one who blocked the account."""
    people = [
        Registration(
            kind=Kind.RESIDENT, language=Language.VI, town=TOWN,
            contacts={"line": USER(0), "mail": "beside@mail.example"},
        ),
        Registration(kind=Kind.RESIDENT, language=Language.JA, town=TOWN, contacts={"line": USER(1)}),
        Registration(kind=Kind.STAFF, language=Language.JA, contacts={"line": USER(2), "mail": "lost-staff@city.example"}),
        Registration(kind=Kind.RESIDENT, language=Language.JA, town=TOWN, contacts={"line": USER(3)}),
    ]  # fmt: skip

    def work(conn: Connection) -> list[RecipientId]:
        ids = register.add(conn, desk.keys, people, at=NOW)
        register.rebuild(conn, desk.keys)
        for number, name in enumerate(("old-1", "old-2"), 1):
            alerts.insert_alert(
                conn, desk.keys, an_alert(identifier=name, sent=NOW), number=f"2025-{number:04}",
                digest=bytes(32), author="a", approver="b", break_glass=None,
            )  # fmt: skip
            noted = [Noted(who, name, True, False, "unknown id") for who in ids[:3]]
            bounces.note(conn, "line", noted, at=NOW + timedelta(minutes=number))
        enrolment.hold(conn, desk.keys, "line", USER(3), suppressed=True)
        return ids

    ids = await desk.ledger.write(work)
    assert await gone.settle(desk.ledger, desk.keys, "line", at=NOW) == 3
    return ids


async def test_who_has_no_other_way_comes_first_and_no_address_stands_there(desk: Desk) -> None:
    ids = await lost(desk)
    async with somebody(desk, "ito") as author:
        assert "送信を止めた宛先 3件" in " ".join(
            document_fromstring(await author.get("/channels")).text_content().split()
        )
        seen = document_fromstring(await author.get("/held-back"))
    said = [" ".join(row.text_content().split()) for row in seen.xpath("//main//li")]
    assert "ほかの手段なし" in said[0]
    assert f"登録番号 {ids[1]}" in said[0]
    assert ["職員" in each for each in said] == [False, False, True]
    assert "ほかの手段：メール" in said[1]
    assert "Tiếng Việt" in said[1]
    assert "unknown id" in said[1]
    words = " ".join(seen.text_content().split())
    assert "1人は、ほかに届く手段がありません" in words
    assert "ほかに1人が、自分で受け取りを止めています" in words
    assert not any(address in author.page for address in (USER(0), USER(1), "beside@mail.example"))


async def test_one_is_let_in_again_and_the_others_are_not(desk: Desk) -> None:
    (_, who, *_) = await lost(desk)
    async with somebody(desk, "ito") as author:
        await author.get("/held-back")
        assert "再開しました" in await author.post(LIFT, {"recipient": str(who), "channel": "line"})
    held = await desk.ledger.read(lambda conn: held_back.listed(conn, ["line"]))
    assert who not in {each.recipient for each in held}
    assert len(held) == 2

    def sent_to(conn: Connection) -> set[RecipientId]:
        (variant, *_) = [each for each in packs.variants(conn, "line") if each.language is Language.JA]
        found = register.open_addresses(conn, desk.keys, "line", variant, [who])
        return set(found.addresses) - found.suppressed

    assert who in await desk.ledger.read(sent_to), "the packs know"
    (lifted,) = [
        each
        for each in await desk.ledger.read(lambda conn: audit.about(conn, ["channel line"]))
        if each.action == "bounces.lift"
    ]
    assert (lifted.actor, lifted.detail) == ("ito", {"recipients": [who]})


async def test_who_blocked_the_account_is_let_in_by_nobody_else(desk: Desk) -> None:
    *_, blocked = await lost(desk)
    async with somebody(desk, "ito") as author:
        await author.get("/held-back")
        await author.post(LIFT, {"recipient": str(blocked), "channel": "line"})
    assert (await desk.ledger.read(held_back.left))["line"] == 1


@pytest.mark.parametrize("recipient", ["99", "x", "-1", "1" * 40])
async def test_what_is_nobody_changes_nothing(desk: Desk, recipient: str) -> None:
    await lost(desk)
    async with somebody(desk, "ito") as author:
        await author.get("/held-back")
        await author.post(LIFT, {"recipient": recipient, "channel": "line"})
    assert await desk.ledger.read(held_back.number) == 3


async def test_whoever_only_looks_sees_nobody(desk: Desk) -> None:
    await lost(desk)
    async with somebody(desk, "ono") as viewer:
        await viewer.get("/held-back")
        assert viewer.status == 403
        assert "送信を止めた宛先" not in await viewer.get("/channels")
