"""Shelters for staff: steps in order, reports that count once, and what may not be done."""

from hub.ledger import audit
from hub.shelter_list import Crowding
from shelters import record
from shelters.reading import StaffWord
from shelters.record import Report
from shelters.shelter import Stage
from shelters.site import SiteCode
from tests.unit.operator_ui.desk import Desk, Person, somebody

SITE = SiteCode("E1320700001")
PATH = f"/shelters/{SITE}"


async def step(person: Person, stage: str, **fields: str) -> str:
    await person.get(PATH)
    return await person.post(f"{PATH}/step", {"seen": person.field("seen"), "stage": stage, **fields})


async def latest(desk: Desk) -> Report:
    found = await desk.ledger.read(lambda conn: record.latest_report(conn, SITE))
    assert found is not None
    return found.report


async def stage(desk: Desk) -> Stage:
    return (await desk.ledger.read(lambda conn: record.current(conn, SITE))).stage


async def test_a_shelter_opens_step_by_step(desk: Desk) -> None:
    async with somebody(desk, "ito") as person:
        await step(person, "preparing", opens_at="22:30")
        assert "22:30 予定" in person.page
        for each in ("staff_arrived", "unlocked", "safety_checked", "receiving"):
            await step(person, each)
            assert person.status == 200
    assert await stage(desk) is Stage.RECEIVING
    assert len(await desk.ledger.read(lambda conn: audit.about(conn, [SITE]))) == 5


async def test_no_step_is_left_out(desk: Desk) -> None:
    async with somebody(desk, "ito") as person:
        page = await step(person, "receiving")
        assert person.status == 422
        assert "次にできるのは 開設準備 です" in page
    assert await stage(desk) is Stage.UNOPENED


async def test_of_two_who_take_a_step_the_slower_is_told(desk: Desk) -> None:
    async with somebody(desk, "ito") as one, somebody(desk, "sato") as other:
        await other.get(PATH)
        await step(one, "preparing")
        await other.post(f"{PATH}/step", {"seen": "0", "stage": "preparing"})
        assert other.status == 409
        assert "ほかの人が先に変更しました" in other.page


async def test_a_report_is_recorded_once_and_published(desk: Desk) -> None:
    async with somebody(desk, "ito") as person:
        await person.get(PATH)
        fields = [
            ("id", person.field("id")), ("people", "１２"), ("households", "5"), ("crowding", "some"),
            ("need", "水"), ("need", "毛布"), ("need", "金塊"), ("note", "発電機の燃料があと2時間"),
        ]  # fmt: skip
        await person.post(f"{PATH}/report", fields)
        assert "報告を記録しました" in person.page
    given = await latest(desk)
    assert (given.people, given.households, given.crowding, given.by) == (12, 5, Crowding.SOME, "ito")
    assert given.needs == ("水", "毛布")
    (entry,) = await desk.ledger.read(lambda conn: audit.about(conn, [SITE]))
    assert (entry.actor, entry.action) == ("ito", "shelter.report")
    assert entry.detail == {"report": given.id, "people": 12, "crowding": "some"}
    assert [reading.measure for reading in desk.reported] == [StaffWord(people=12, crowding=Crowding.SOME)]


async def test_an_empty_report_is_refused(desk: Desk) -> None:
    async with somebody(desk, "ito") as person:
        await person.get(PATH)
        page = await person.submit(f"{PATH}/report")
    assert person.status == 422
    assert "何も入力されていません" in page
    assert desk.reported == []


async def test_an_absurd_number_is_refused_however_long(desk: Desk) -> None:
    async with somebody(desk, "ito") as person:
        await person.get(PATH)
        await person.submit(f"{PATH}/report", people="9" * 5000, crowding="some")
        assert person.status == 422
    assert await desk.ledger.read(lambda conn: record.latest_report(conn, SITE)) is None


async def test_with_an_unknown_number_inside_it_is_not_closed(desk: Desk) -> None:
    async with somebody(desk, "ito") as person:
        for each in ("preparing", "staff_arrived", "unlocked", "safety_checked", "receiving"):
            await step(person, each)
        page = await step(person, "closed")
        assert person.status == 422
        assert "人数が不明なため閉められません" in page
    assert await stage(desk) is Stage.RECEIVING


async def test_silence_reads_as_unknown_never_as_room(desk: Desk) -> None:
    async with somebody(desk, "ito") as person:
        for each in ("preparing", "staff_arrived", "unlocked", "safety_checked", "receiving"):
            await step(person, each)
        page = await person.get("/shelters")
    assert "空いています" not in page
    assert "不明" in page
    assert "<dt>避難している人</dt><dd>不明</dd>" in page, "nor as an empty house"


async def test_the_list_is_of_the_hazard_asked_for(desk: Desk) -> None:
    async with somebody(desk, "ono") as viewer:
        assert "21か所" in await viewer.get("/shelters?hazard=flood")
        assert "36か所" not in viewer.page
        assert "21か所" not in await viewer.get("/shelters?hazard=earthquake")
        await viewer.get(PATH)
        assert "/step" not in viewer.page
        await viewer.post(f"{PATH}/step", {"seen": "0", "stage": "preparing"})
        assert viewer.status == 403
