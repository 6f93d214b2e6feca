"""The year's drills: planned, held, written about, and reported on paper."""

from datetime import timedelta

from lxml.html import document_fromstring
from sqlalchemy import Connection, select

from hub import drills, mustering
from hub.delivery import Outcome
from hub.drills import Drill, State
from hub.ledger import tables
from hub.muster import Answer
from tests.unit.operator_ui.desk import Desk, Person, somebody
from tests.unit.operator_ui.test_approving import submitted
from tests.unit.operator_ui.test_following_an_alert import an_alert, carry
from tests.unit.operator_ui.test_musters import called, staffed
from tests.unit.operator_ui.test_report import figures
from tests.unit.operator_ui.test_wall import said

PLAN = "/drills/2026"
FIELDS = {"day": "2026-09-12", "kind": "staff", "scenario": "多摩川の氾濫", "leader": "防災課 佐藤"}


async def planned(person: Person, **changes: str) -> str:
    """The address of a drill that was added to the plan."""
    await person.get(PLAN)
    page = await person.submit(PLAN, **(FIELDS | changes))
    assert person.path == PLAN, page
    hrefs = document_fromstring(page).xpath('//main//li//a[starts-with(@href, "/drills/2026/")]/@href')
    found = [href for href in hrefs if (FIELDS | changes)["scenario"] in page]
    assert found
    return str(found[-1])


async def plan(desk: Desk) -> list[Drill]:
    return await desk.ledger.read(lambda conn: drills.plan(conn, desk.keys, 2026))


async def a_drill_sent(desk: Desk) -> str:
    """The identifier of a staff drill: composed, submitted two minutes later, and sent one after that."""
    async with somebody(desk, "tanaka") as author:
        path = await submitted(author, mode="staff_drill")
        desk.now += timedelta(minutes=1)
        await author.get(path)
        await author.submit(f"{path}/send", typed="4")
        return author.path.rpartition("/")[2]


def group(page: str, name: str) -> list[str]:
    found = document_fromstring(page).xpath(f'//section[@aria-labelledby="{name}"]//li')
    return [" ".join(each.text_content().split()) for each in found]


async def test_the_plan_shows_what_is_overdue_ahead_and_over(desk: Desk) -> None:
    async with somebody(desk, "sato") as person:
        page = await person.get("/drills")
        assert person.path == PLAN
        assert "まだありません" in page
        await planned(person, day="2026-06-01", scenario="地震")
        await planned(person, day="2027-02-01", kind="wifi", scenario="回線の断")
        held = await planned(person, day="2026-05-01", kind="muster", scenario="夜間の参集")
        page = await person.get(PLAN)
        assert [("地震" in each, "過ぎています" in each) for each in group(page, "overdue")][-1] == (
            True,
            True,
        )
        assert len(group(page, "ahead")) == 1
        of_wifi = next(f"{PLAN}/{each.id}" for each in await plan(desk) if each.scenario == "回線の断")
        assert 'href="/wifi#drills"' in await person.get(of_wifi), (
            "it is held where its facilities are chosen"
        )
        held = next(f"{PLAN}/{each.id}" for each in await plan(desk) if each.scenario == "夜間の参集")
        await person.get(held)
        await person.submit(held, state="held")
        page = await person.get(PLAN)
        assert ["夜間の参集" in each for each in group(page, "over")] == [True]
        assert len(group(page, "overdue")) == 1


async def test_what_was_sent_as_a_drill_is_linked_and_its_report_has_figures_and_words(desk: Desk) -> None:
    identifier = await a_drill_sent(desk)
    desk.now += timedelta(seconds=20)
    await carry(desk, identifier, [Outcome.ACCEPTED] * 3 + [Outcome.PERMANENT])
    live = await an_alert(desk)
    async with somebody(desk, "sato") as person:
        path = await planned(person)
        page = await person.get(path)
        assert identifier in page
        assert live not in page
        await person.submit(f"{path}/alerts", alert=[identifier])
        (drill,) = await plan(desk)
        assert (drill.alerts, drill.state) == ((identifier,), State.HELD)
        await person.submit(f"{path}/review", review="電話がつながらなかった。\n10月までに番号を直す。")
        page = await person.get(f"{path}/report")
    assert figures(page, "mail") == [4, 0, 0, 3, 0, 1]
    read = said(page)
    assert "提出から承認まで1分0秒" in read
    assert "配信から最初の受付まで0分20秒" in read
    assert "10月までに番号を直す。" in read
    assert "多摩川の氾濫" in read


async def test_a_muster_called_as_a_drill_is_reported_with_who_comes(desk: Desk) -> None:
    people = await staffed(desk)
    async with somebody(desk, "sato") as person:
        await called(person)  # in earnest, and so no drill
        await called(person, "staff_drill")
        desk.now += timedelta(minutes=1)
        for name, answer in (("課の人", Answer.IN_30), ("鍵だけ", Answer.NO)):
            await mustering.answer(desk.ledger, desk.keys, 2, people[name], answer, actor=None, at=desk.now)
        path = await planned(person, kind="muster")
        page = await person.get(path)
        assert "S-2026-0001" not in page
        assert "S-2026-0002" in page
        (identifier,) = document_fromstring(page).xpath('//input[@name="alert"]/@value')
        await person.submit(f"{path}/alerts", alert=[str(identifier)])
        read = said(await person.get(f"{path}/report"))
    assert "呼んだ人3来る人1不可1未回答1" in read
    assert "呼びかけ（佐藤花）" in read
    assert "承認して配信" not in read


async def test_a_live_alert_is_no_drill_and_one_alert_is_one_drill(desk: Desk) -> None:
    identifier, live = await a_drill_sent(desk), await an_alert(desk)
    async with somebody(desk, "sato") as person:
        first = await planned(person)
        await person.get(first)
        page = await person.submit(f"{first}/alerts", alert=[live])
        assert (person.status, "本番の配信は訓練に結べません" in page) == (422, True)
        await person.submit(f"{first}/alerts", alert=[identifier])
        await planned(person, scenario="もう1つ")
        (other,) = [each for each in await plan(desk) if each.scenario == "もう1つ"]
        second = f"{PLAN}/{other.id}"
        assert identifier not in await person.get(second)
        await person.post(f"{second}/alerts", {"version": "1", "alert": identifier})
        assert person.status == 422


async def test_two_who_change_one_drill_do_not_undo_each_other(desk: Desk) -> None:
    async with somebody(desk, "sato") as one, somebody(desk, "tanaka") as other:
        path = await planned(one)
        await one.get(path)
        await other.get(path)
        await one.submit(path, leader="消防 田中")
        page = await other.submit(path, scenario="停電")
        assert (other.status, "ほかの人が先に変更しました" in page) == (409, True)
        assert 'value="消防 田中"' not in page, "what was typed stays in the form"
    (drill,) = await plan(desk)
    assert (drill.leader, drill.scenario) == ("消防 田中", "多摩川の氾濫")


async def test_a_slip_is_said_beside_its_field_and_keeps_the_rest(desk: Desk) -> None:
    async with somebody(desk, "sato") as person:
        await person.get(PLAN)
        page = await person.submit(PLAN, **(FIELDS | {"day": "2027-04-01"}))
        assert (person.status, 'id="day-problem"' in page) == (422, True)
        assert "多摩川の氾濫" in page
        page = await person.submit(PLAN, **(FIELDS | {"leader": " "}))
        assert 'id="leader-problem"' in page
        page = await person.submit(PLAN, **(FIELDS | {"kind": "party"}))
        assert 'id="kind-problem"' in page
    assert await plan(desk) == []


async def test_a_viewer_only_looks_and_every_change_is_in_the_trail(desk: Desk) -> None:
    async with somebody(desk, "sato") as person, somebody(desk, "ono") as viewer:
        path = await planned(person)
        page = await viewer.get(path)
        assert "<textarea" not in page
        for each in (PLAN, path, f"{path}/alerts", f"{path}/review"):
            await viewer.post(each, FIELDS | {"version": "1"})
            assert viewer.status == 403
        await viewer.get(f"{path}/report")
        assert viewer.status == 200
        await viewer.get(f"{PLAN}/000000000000")
        assert viewer.status in (404, 422)

    def trail(conn: Connection) -> list[str]:
        found = select(tables.audit.c.actor).where(tables.audit.c.action == "drills 2026.set")
        return list(conn.execute(found).scalars())

    assert await desk.ledger.read(trail) == ["sato"]
