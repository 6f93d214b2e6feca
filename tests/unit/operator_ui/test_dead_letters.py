"""Records that could not be processed, as staff see them."""

from datetime import timedelta

import pytest

from hub import bus
from hub.codec import ReceiptRecord, RecordCodec
from hub.dead_letters import Letter
from hub.delivery import Outcome
from hub.ledger import audit, dead_letters
from tests.unit.operator_ui.desk import NOW, Desk, somebody

MARK = "すべて確認済みにする"


def a_letter(**changes: object) -> Letter:
    fields = {"topic": "receipts", "key": "r", "value": b"v", "size": 1, "at": NOW}
    return Letter(**fields | {"reason": "形が違います / malformed"} | changes)  # type: ignore[arg-type]


async def keep(desk: Desk, *letters: Letter) -> None:
    await desk.ledger.write(lambda conn: dead_letters.keep(conn, letters))


async def test_home_says_that_there_are_some_until_somebody_has_looked(desk: Desk) -> None:
    async with somebody(desk, "ito") as person:
        assert "処理できなかった記録が" not in await person.get("/")
        await keep(desk, a_letter(), a_letter(reason="3 tries"))
        assert "処理できなかった記録が2件あります" in await person.get("/")
        page = await person.get("/dead-letters")
        assert "形が違います" in page
        assert "21:47:00" in page
        desk.now += timedelta(minutes=1)
        page = await person.submit("/dead-letters/seen")
        assert "ito" in page
        assert MARK not in page
        assert "処理できなかった記録が" not in await person.get("/")
        await keep(desk, a_letter())
        assert "処理できなかった記録が1件あります" in await person.get("/")
    entries = await desk.ledger.read(lambda conn: audit.about(conn, ["dead letter 2"]))
    assert [(entry.actor, entry.detail) for entry in entries] == [("ito", {"letters": 2})]


async def test_what_came_after_the_page_was_read_is_not_marked_with_it(desk: Desk) -> None:
    await keep(desk, a_letter())
    async with somebody(desk, "ito") as person:
        await person.get("/dead-letters")
        await keep(desk, a_letter())
        await person.submit("/dead-letters/seen")
    assert await desk.ledger.read(dead_letters.unseen) == 1


@pytest.mark.parametrize("forged", [b"<script>alert(1)</script>", b"\xff\xfe\x00", bytes(32) + b'{"a":1}'])
async def test_bytes_that_are_not_ours_are_never_shown(desk: Desk, forged: bytes) -> None:
    records = RecordCodec(desk.keys)
    receipt = ReceiptRecord(channel="mail", ref="SM77", outcome=int(Outcome.DELIVERED), at=NOW)
    ours = records.seal(bus.RECEIPTS, "r", receipt)
    await keep(desk, a_letter(value=ours), a_letter(value=forged, topic="<b>", reason="<i>"))
    async with somebody(desk, "ono") as viewer:
        page = await viewer.get("/dead-letters")
    assert "SM77" in page
    assert "&lt;b&gt;" in page
    assert "alert(1)" not in page
    assert "&lt;i&gt;" in page
    assert f"{len(forged)}バイト" in page


async def test_who_only_looks_marks_nothing(desk: Desk) -> None:
    await keep(desk, a_letter())
    async with somebody(desk, "ono") as viewer:
        assert MARK not in await viewer.get("/dead-letters")
        await viewer.post("/dead-letters/seen", {"until": "1"})
        assert viewer.status == 403
    assert await desk.ledger.read(dead_letters.unseen) == 1
