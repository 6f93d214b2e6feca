"""A channel on which nothing goes out, as staff see it on their first page, whatever the last probe said."""

from datetime import timedelta

from lxml.html import document_fromstring

from hub.alert import Lane
from hub.breaker import State
from hub.channel import Health
from hub.outage import Outage
from tests.unit.operator_ui.desk import NOW, Desk, somebody

SINCE = NOW - timedelta(minutes=13)


def an_outage(lane: Lane, reason: str = "") -> Outage:
    return Outage(channel="mail", lane=lane, state=State.OPEN, since=SINCE, reason=reason, told_at=NOW)


def seen(page: str, kind: str) -> tuple[str, str]:
    """What the mark and the line of a channel say."""
    (line,) = document_fromstring(page).xpath(f"//ul[@class='health']/li[a/b='{kind}']")
    (mark,) = line.xpath(".//svg/@aria-label")
    return str(mark), " ".join(line.text_content().split())


async def test_home_says_which_lane_stands_still_and_since_when(desk: Desk) -> None:
    desk.health["mail"] = Health(ok=True, detail="", checked_at=NOW - timedelta(minutes=4))
    async with somebody(desk, "ono") as person:
        before = await person.get("/")
        assert seen(before, "メール")[0] == "良好"
        desk.outages = [an_outage(Lane.URGENT, "421"), an_outage(Lane.ROUTINE)]
        page = await person.get("/")
        mark, line = seen(page, "メール")
        assert mark == "送れていません"
        assert "緊急の配信 21:34から送れていません。自動で試し続けています (421)" in line
        assert "通常の配信 21:34から送れていません" in line
        assert "送れていません" not in seen(page, "LINE")[1]
        assert version(page) != version(before), "whoever looks on is told"
        desk.outages = []
        assert version(await person.get("/")) == version(before)


async def test_what_does_not_answer_stands_first_with_its_hour(desk: Desk) -> None:
    reason = "時間内に応答がありません / No answer in time"
    desk.health = {
        "line": Health(ok=False, detail=reason, checked_at=NOW, failing_since=NOW - timedelta(minutes=33)),
        "x": Health(ok=False, detail="", checked_at=NOW, remaining=0),
        "manual": Health(ok=True, detail="", checked_at=NOW),
    }
    desk.outages = [an_outage(Lane.URGENT)]
    async with somebody(desk, "ono") as person:
        home = await person.get("/")
        (line,) = document_fromstring(home).xpath("//*[@id='situation']/*[2]")
        assert line.text_content().strip() == "つながらない手段：メール（21:34から）・LINE（21:14から）"
        assert line.xpath(".//a/@href") == ["/channels#channel-mail", "/channels#channel-line"]
        page = document_fromstring(await person.get("/channels"))
    (card,) = page.xpath("//section[@aria-labelledby='channel-line']")
    said = " ".join(card.text_content().split())
    assert said.index("時間内に応答がありません") < said.index("くわしく") < said.index("自動の確認")
    assert "21:14から" in said


def version(page: str) -> str:
    (known,) = document_fromstring(page).xpath("//@data-version")
    return str(known)
