"""The page of the channels: the last proof of life of each (I15)."""

from datetime import timedelta

from hub.canary import Proof
from hub.channel import Health
from hub.ledger import audit, canaries
from tests.unit.operator_ui.desk import NOW, Desk, somebody


async def test_each_channel_says_when_and_how_it_was_last_seen_alive(desk: Desk) -> None:
    desk.proofs["mail"] = Proof.READ_BACK
    desk.health = {"mail": Health(ok=True, detail="250 ready", checked_at=NOW - timedelta(minutes=2))}

    async with somebody(desk, "ono") as viewer:
        page = await viewer.get("/channels")
        assert "まだ送っていません" in page
        await _sent(desk, arrived=True)
        page = await viewer.get("/channels")
        assert "に到着を確認" in page
        assert "送信から30秒" in page
        assert "市の受信箱に届いたことまで" in page
        assert "良好" in page
        assert "いま試験を送る" not in page, "who only looks sends nothing"
        assert "試験の送信を見る" in await viewer.get("/")


async def test_what_did_not_arrive_stands_out(desk: Desk) -> None:
    desk.proofs["mail"] = Proof.READ_BACK
    await _sent(desk, arrived=False)
    async with somebody(desk, "ono") as viewer:
        page = await viewer.get("/channels")
    assert "試験が届いていません" in page
    assert "1回続けて届きませんでした" in page
    assert "no proof within 10 min" in page


async def test_staff_send_a_test_now_and_it_is_on_the_trail(desk: Desk) -> None:
    desk.proofs["mail"] = Proof.READ_BACK
    async with somebody(desk, "ito") as person:
        await person.get("/channels")
        assert "まもなく送ります" in await person.submit("/channels/mail/test")
        await person.post("/channels/fax/test")
        assert person.status == 404
    assert (await desk.ledger.read(canaries.known))["mail"].asked_at == NOW
    entries = await desk.ledger.read(lambda conn: audit.about(conn, ["channel mail"]))
    assert [(entry.actor, entry.action) for entry in entries] == [("ito", "channel.test")]


async def test_who_only_looks_asks_for_none(desk: Desk) -> None:
    desk.proofs["mail"] = Proof.READ_BACK
    async with somebody(desk, "ono") as viewer:
        await viewer.get("/channels")
        await viewer.post("/channels/mail/test")
        assert viewer.status == 403
    assert not await desk.ledger.read(canaries.known)


async def _sent(desk: Desk, *, arrived: bool) -> None:
    sent = NOW - timedelta(minutes=11)
    await desk.ledger.write(lambda conn: canaries.begin(conn, "mail", key="a", last=None, at=sent))
    if arrived:
        at = sent + timedelta(seconds=30)
        await desk.ledger.write(lambda conn: canaries.prove(conn, "mail", key="a", at=at))
    else:
        detail = "no proof within 10 min"
        await desk.ledger.write(lambda conn: canaries.miss(conn, "mail", key="a", detail=detail))
