"""The page of the channels: the last proof of life of each (I15)."""

import json
import re
from datetime import time, timedelta

from lxml import html

from hub import canary_device
from hub.authorise import Actor
from hub.canary import DAY, Plan, Proof
from hub.channel import Health
from hub.clock import cap_time
from hub.delivery import Outcome
from hub.ledger import audit, canaries, ticks
from hub.subscription import Subscription
from tests.unit.operator_ui.desk import NOW, Desk, somebody
from tests.unit.operator_ui.test_following_an_alert import an_alert, carry

READ_BACK = Plan(Proof.READ_BACK, timedelta(minutes=15), time(10))
SHOWN = Plan(Proof.SHOWN, DAY, time(10))
BROWSER = Subscription("https://push.example/1", b"p" * 65, b"a" * 16)


async def test_each_channel_says_when_and_how_it_was_last_seen_alive(desk: Desk) -> None:
    desk.canaries["mail"] = READ_BACK
    desk.health = {"mail": Health(ok=True, detail="250 ready", checked_at=NOW - timedelta(minutes=2))}

    async with somebody(desk, "ono") as viewer:
        page = await viewer.get("/channels")
        assert "まだ送っていません" in page
        await _sent(desk, arrived=True)
        page = await viewer.get("/channels")
        assert "10分前" in page
        assert "15分ごと" in page
        assert "送信から30秒で確認" in page
        assert "市の受信箱に届いたことまで" in page
        assert "良好" in page
        assert "いま試験を送る" not in page, "who only looks sends nothing"


async def test_home_leads_by_name_to_every_channel_and_to_each_desk(desk: Desk) -> None:
    async with somebody(desk, "ono") as viewer:
        home = html.document_fromstring(await viewer.get("/"))
        main = {" ".join(a.text_content().split()): a.get("href") for a in home.xpath("//main//a")}
        assert main["メール"] == "/channels#channel-mail"
        assert main["手段の調子を見る"] == "/channels"
        assert (main["電話対応"], main["Wi-Fiの災害モード"], main["参集"]) == (
            "/phone-desk",
            "/wifi",
            "/musters",
        )
        channels = html.document_fromstring(await viewer.get("/channels"))
    assert channels.xpath("//*[@id='channel-mail']")


async def test_what_did_not_arrive_stands_out(desk: Desk) -> None:
    desk.canaries["mail"] = READ_BACK
    await _sent(desk, arrived=False)
    async with somebody(desk, "ono") as viewer:
        page = await viewer.get("/channels")
    assert "試験が届いていません" in page
    assert "届きませんでした" in page
    assert "no proof within 10 min" in page


async def test_staff_send_a_test_now_and_it_is_on_the_trail(desk: Desk) -> None:
    desk.canaries["mail"] = READ_BACK
    async with somebody(desk, "ito") as person:
        await person.get("/channels")
        assert "まもなく送ります" in await person.submit("/channels/mail/test")
        await person.post("/channels/fax/test")
        assert person.status == 404
    assert (await desk.ledger.read(canaries.known))["mail"].asked_at == NOW
    entries = await desk.ledger.read(lambda conn: audit.about(conn, ["channel mail"]))
    assert [(entry.actor, entry.action) for entry in entries] == [("ito", "channel.test")]


async def test_who_only_looks_asks_for_none(desk: Desk) -> None:
    desk.canaries["mail"] = READ_BACK
    async with somebody(desk, "ono") as viewer:
        await viewer.get("/channels")
        await viewer.post("/channels/mail/test")
        assert viewer.status == 403
    assert not await desk.ledger.read(canaries.known)


async def test_no_channel_is_silently_without_a_proof(desk: Desk) -> None:
    desk.canaries["mail"] = READ_BACK
    async with somebody(desk, "ono") as viewer:
        found = cards(await viewer.get("/channels"))
    assert "まだ送っていません" in found["channel-mail"]
    for kind in ("line", "x"):
        card = found[f"channel-{kind}"]
        assert re.search("自動の確認は(設定されて|あり)ません: 訓練で確かめ", card), kind
        assert "180日に1回" in card


async def test_an_acceptance_is_no_arrival_and_a_sheet_goes_nowhere_by_itself(desk: Desk) -> None:
    identifier = await an_alert(desk)
    await carry(desk, identifier, [Outcome.ACCEPTED], channel="line")
    await carry(desk, identifier, [Outcome.ACCEPTED], channel="manual")
    async with somebody(desk, "ono") as viewer:
        found = cards(await viewer.get("/channels"))
        assert "最後に受け付けられたのは 0分前" in found["channel-line"]
        assert "まだ一度も入力されていません" in found["channel-manual"]
        assert "未確認" in found["channel-manual"]
        assert "訓練で" not in found["channel-manual"], "in a drill nobody enters anything"
        assert "最後に届いた" not in viewer.page
        by = Actor(login="sato", name="佐藤", roles=frozenset())
        desk.health = {"manual": Health(ok=True, detail="", checked_at=desk.now)}
        await desk.ledger.write(lambda conn: ticks.tick(conn, identifier, "van", by, at=desk.now))
        entered = cards(await viewer.get("/channels"))["channel-manual"]
    assert "最後に入力されたのは 0分前" in entered
    assert "良好" in entered


def cards(page: str) -> dict[str, str]:
    """What each channel's card says, by its heading."""
    found = html.fromstring(page).xpath("//section[@aria-labelledby]")
    return {card.get("aria-labelledby"): " ".join(card.text_content().split()) for card in found}


async def test_nobody_looking_any_more_stands_out(desk: Desk) -> None:
    desk.health = {"mail": Health(ok=True, detail="250 ready", checked_at=NOW - timedelta(minutes=16))}
    async with somebody(desk, "ono") as viewer:
        page = await viewer.get("/channels")
    assert "見張りが止まっています" in page
    assert "役割 mail のプロセス" in page
    async with somebody(desk, "ono") as viewer:
        assert "見張りが止まっています" in await viewer.get("/")


async def test_staff_invite_the_browser_that_test_notifications_go_to(desk: Desk) -> None:
    desk.canaries["mail"] = SHOWN
    async with somebody(desk, "sato") as person:
        page = await person.get("/channels")
        assert "端末が、まだ登録されていません" in page
        assert "いま試験を送る" not in page, "there is nobody who would get it"
        page = await person.submit("/channels/mail/device")
        (link,) = html.fromstring(page).xpath("//a[@class='address']")
        address, _, shown = link.get("href").partition("#")
        assert address == "https://public.example/push/device"
        await desk.ledger.write(
            lambda conn: canary_device.register(conn, desk.keys, BROWSER, shown=shown, at=NOW)
        )
        page = await person.get("/channels")
        assert "受け取る端末を替える" in page
        await person.post("/channels/line/device")
        assert person.status == 404
    entries = await desk.ledger.read(lambda conn: audit.about(conn, ["channel mail"]))
    assert [(entry.actor, entry.action) for entry in entries] == [("sato", "channel.device")]
    assert shown not in str(entries)


async def test_a_monitor_outside_learns_without_signing_in_whether_channels_are_well(desk: Desk) -> None:
    desk.canaries["mail"] = READ_BACK
    desk.health = {"mail": Health(ok=True, detail="250 ready", checked_at=NOW - timedelta(minutes=2))}
    await _sent(desk, arrived=True)
    async with somebody(desk) as monitor:
        said = json.loads(await monitor.get("/health"))
        assert (monitor.status, said["ok"]) == (200, True)
        assert said["channels"]["mail"] == {
            "state": "good",
            "probed": cap_time(NOW - timedelta(minutes=2)),
            "proven": cap_time(NOW - timedelta(minutes=10, seconds=30)),
        }
        assert said["channels"]["x"] == {"state": "due", "probed": None, "proven": None}
        desk.now = NOW + timedelta(minutes=14)
        said = json.loads(await monitor.get("/health"))
        assert (monitor.status, said["ok"]) == (503, False)
        assert said["channels"]["mail"]["state"] == "silent"


async def test_who_composes_invites_no_device(desk: Desk) -> None:
    desk.canaries["mail"] = SHOWN
    async with somebody(desk, "ito") as person:
        assert "受け取る端末を登録する" not in await person.get("/channels")
        await person.post("/channels/mail/device")
        assert person.status == 403


async def _sent(desk: Desk, *, arrived: bool) -> None:
    sent = NOW - timedelta(minutes=11)
    await desk.ledger.write(lambda conn: canaries.begin(conn, "mail", key="a", last=None, at=sent))
    if arrived:
        at = sent + timedelta(seconds=30)
        await desk.ledger.write(lambda conn: canaries.prove(conn, "mail", key="a", at=at))
    else:
        detail = "no proof within 10 min"
        await desk.ledger.write(lambda conn: canaries.miss(conn, "mail", key="a", detail=detail))
