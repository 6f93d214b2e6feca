"""What is entered into Lアラート: made from what is true, ticked off, and asked for again when it changes."""

import csv
from datetime import timedelta
from io import StringIO

import pytest
from lxml.html import document_fromstring
from sqlalchemy import Connection

from hub.codec import RecordCodec
from hub.headquarters import Standing
from hub.organisation import Organisation
from hub.organisation import Stage as HqStage
from hub.place import Name
from operator_ui.staff import public_notices
from operator_ui.staff.public_notices import Damage
from shelters import record
from shelters.shelter import OPENING_ORDER, Stage, Step
from tests.unit.operator_ui.desk import CITY, NOW, Desk, somebody
from tests.unit.operator_ui.test_following_an_alert import an_alert
from tests.unit.operator_ui.test_shelter_list import ONE, holds

WAITS = "Lアラートに入れていない内容があります"


async def test_an_order_has_to_be_entered_until_somebody_has(desk: Desk) -> None:
    async with somebody(desk, "ito") as person:
        assert WAITS not in await person.get("/")
        await an_alert(desk)
        desk.now += timedelta(minutes=4)
        assert f"{WAITS}：避難情報" in await person.get("/")
        page = await person.get("/public-notices")
        assert "未入力・変わってから4分" in page
        for line in (
            "発令・解除の別：発令",
            "避難情報の区分：警戒レベル4 避難指示",
            "災害の種別：洪水",
            "発令者：",
        ):
            assert line in page
        page = await person.submit("/public-notices/orders/entered")
        assert "21:51 に入力 伊藤" in page
        assert WAITS not in await person.get("/")


async def test_two_who_enter_the_same_are_told(desk: Desk) -> None:
    await an_alert(desk)
    async with somebody(desk, "ito") as first, somebody(desk, "sato") as second:
        await first.get("/public-notices")
        await second.get("/public-notices")
        await first.submit("/public-notices/orders/entered")
        page = await second.submit("/public-notices/orders/entered")
        assert second.status == 409
        assert "ほかの人が先に" in page


async def test_a_shelter_is_entered_when_it_opens_and_again_when_it_is_full_but_not_for_each_person(
    desk: Desk,
) -> None:
    await go(desk, *OPENING_ORDER[:-1])
    async with somebody(desk, "ito") as person:
        assert "開設状況：" not in await person.get("/public-notices"), (
            "one that is being opened is told nobody"
        )
        await go(desk, Stage.RECEIVING)
        page = await person.get("/public-notices")
        assert "開設状況：開設" in page
        assert "避難者数：不明" in page
        await person.submit("/public-notices/shelters/entered")
        desk.occupancies[ONE] = holds(ONE, 45)
        assert "避難者数：45人" in await person.get("/public-notices")
        assert WAITS not in await person.get("/")
        await go(desk, Stage.FULL)
        assert f"{WAITS}：避難所" in await person.get("/")


async def test_damage_is_what_staff_wrote_and_nothing_is_made_up(desk: Desk) -> None:
    async with somebody(desk, "ito") as person:
        await person.get("/public-notices")
        page = await person.submit("/public-notices/damage", dead="0", flooded_below="１２", note="調査中")
        assert "死者（人）：0" in page
        assert "住家 床下浸水（棟）：12" in page
        assert "行方不明者（人）：" not in page, "what is not known is not said"
        page = await person.submit("/public-notices/damage", dead="数名")
        assert person.status == 422
        assert "数字だけで" in page
        assert 'value="数名"' in page
        table = await person.get("/public-notices/damage.csv")
        head, row = csv.reader(StringIO(table.lstrip("\ufeff")))
        assert dict(zip(head, row, strict=True))["備考"] == "調査中"


async def test_who_only_looks_enters_nothing(desk: Desk) -> None:
    await an_alert(desk)
    async with somebody(desk, "ono") as viewer:
        page = await viewer.get("/public-notices")
        assert "fingerprint" not in page
        assert "被害の数を入れる" not in page
        await viewer.post("/public-notices/orders/entered", {"seen": "0"})
        assert viewer.status == 403
        await viewer.post("/public-notices/damage", {"dead": "9"})
        assert viewer.status == 403
        await viewer.get("/public-notices/gossip.csv")
        assert viewer.status == 404


async def go(desk: Desk, *stages: Stage) -> None:
    def steps(conn: Connection) -> None:
        for stage in stages:
            number = record.current(conn, ONE).number + 1
            step = Step(site=ONE, number=number, stage=stage, at=desk.now, by="sato")
            record.take_step(conn, RecordCodec(desk.keys), step, people=None, recorded_at=desk.now)

    await desk.ledger.write(steps)


ORGANISATION = Organisation(
    stages=(
        HqStage(code="watch", name=Name(ja="警戒", en="Watch"), headquarters=False),
        HqStage(code="headquarters", name=Name(ja="災害対策本部", en="Headquarters"), headquarters=True),
        HqStage(code="all", name=Name(ja="全職員", en="Everybody"), headquarters=True),
    )
)


@pytest.mark.parametrize(
    ("stages", "said", "number"),
    [
        (["watch"], None, 0),
        (["watch", "headquarters"], "設置", 2),
        (["watch", "headquarters", "all"], "設置", 2),  # it was set up before, and grew
        (["headquarters", "watch"], "解散", 2),
        (["headquarters", "watch", ""], "解散", 2),
        (["headquarters", "", "headquarters"], "設置", 3),
    ],
)
def test_the_headquarters_is_told_when_it_was_set_up_or_dissolved(
    stages: list[str], said: str | None, number: int
) -> None:
    standings = [
        Standing(
            stage=stage, since=NOW + timedelta(hours=each), by="ito", recorded_at=NOW, note="", number=each
        )
        for each, stage in enumerate(stages, 1)
    ]
    sheet = public_notices.headquarters(standings[::-1], ORGANISATION, CITY)
    assert (dict(sheet.entries[0])["区分"] if sheet.entries else None) == said
    assert sheet.changed_at == (NOW + timedelta(hours=number) if said else None)


def test_what_is_not_there_leaves_an_empty_sheet() -> None:
    assert public_notices.damage(None).text == ""
    empty = public_notices.damage(Damage(counted_at=NOW))
    assert empty.text == "集計時刻：2026/09/12 21:47"


async def test_a_notice_has_its_title_and_no_gap_that_was_not_filled(desk: Desk) -> None:
    await an_alert(desk)
    async with somebody(desk, "ito") as person:
        (main,) = document_fromstring(await person.get("/public-notices")).xpath("//main")
        assert "{" not in main.text_content()
