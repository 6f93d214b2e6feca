"""A shelter's report and the manual's ticks: whose time, whose hand, each once, with a line or after one."""

from datetime import datetime, timedelta
from json import loads

import pytest
from lxml.html import document_fromstring

from hub.ledger import audit
from operator_ui.staff.device_time import happened
from shelters import checklist, record
from shelters.manual import Item
from shelters.record import Received
from shelters.shelter import Stage
from shelters.support import Support
from tests.unit.operator_ui.desk import NOW, Desk, Person, somebody
from tests.unit.operator_ui.test_shelter_list import holds, open_sites
from tests.unit.operator_ui.test_shelter_pages import PATH, SITE, stage, step

JSON = {"Accept": "application/json"}
MINUTE = timedelta(minutes=1)


async def received(desk: Desk) -> Received:
    found = await desk.ledger.read(lambda conn: record.latest_report(conn, SITE))
    assert found is not None
    return found


async def ticked(desk: Desk) -> dict[Item, str]:
    done = await desk.ledger.read(lambda conn: checklist.ticked(conn, SITE, 1))
    return {item: tick.by for item, tick in done.items()}


async def tick(person: Person, item: Item, done: str, **fields: str) -> str:
    form = [(name, value) for name, value in ticks(person, item) if name not in fields]
    return await person.post(f"{PATH}/ticks", [*form, ("done", done), *fields.items()])


def ticks(person: Person, item: Item) -> list[tuple[str, str]]:
    (form,) = document_fromstring(person.page).xpath(f"//form[@id='tick-{item}']")
    return [(str(name), str(value)) for name, value in form.form_values()]


async def test_a_report_tells_who_needs_support_by_kind(desk: Desk) -> None:
    async with somebody(desk, "ito") as person:
        await step(person, "preparing")
        await person.submit(
            f"{PATH}/report",
            people="284",
            need_support="23",
            **{"support-wheelchair": "３", "support-pet": "0"},
        )
        assert "報告を記録しました" in person.page
        await person.get(PATH)
        assert dict(person.form(f"{PATH}/report"))["support-wheelchair"] == "3"  # the next one begins from it
    report, _ = await received(desk)
    assert report.support == {Support.WHEELCHAIR: 3, Support.PET: 0}


async def test_a_report_that_waited_keeps_the_devices_time_and_ours(desk: Desk) -> None:
    async with somebody(desk, "ito") as person:
        await person.get(PATH)
        token, typed = person.field("csrf"), NOW - 12 * MINUTE
        fields = {"id": "r1", "people": "40", "at": typed.isoformat(), "csrf": token}
        for _ in range(2):  # the answer to the first was lost on the way
            assert await person.post(f"{PATH}/report", fields, headers=JSON) == "{}"
        assert await received(desk) == (
            record.Report(id="r1", site=SITE, at=typed, by="ito", people=40),
            NOW,
        )
        await person.get(PATH)
        assert "前回の報告 21:35（12分前）・21:47 に届きました" in person.page
    (entry,) = await desk.ledger.read(lambda conn: audit.about(conn, [SITE]))
    assert (entry.at, entry.detail["device_at"]) == (NOW, typed.isoformat())


async def test_what_waited_takes_no_newer_ones_place(desk: Desk) -> None:
    async with somebody(desk, "ito") as person:
        await person.get(PATH)
        token = person.field("csrf")
        await person.post(f"{PATH}/report", {"id": "new", "people": "50", "csrf": token})
        early = (NOW - 5 * MINUTE).isoformat()
        await person.post(f"{PATH}/report", {"id": "old", "people": "40", "at": early, "csrf": token})
    assert (await received(desk)).report.people == 50


async def test_a_script_is_told_in_words_what_is_refused(desk: Desk) -> None:
    async with somebody(desk, "ito") as person:
        await person.get(PATH)
        said = await person.post(f"{PATH}/report", headers=JSON)
        assert person.status == 422
        assert loads(said) == {"said": "何も入力されていません"}


@pytest.mark.parametrize(
    ("told", "believed"),
    [
        ("2026-09-12T21:30:00+09:00", NOW - 17 * MINUTE),
        ("2026-09-12T12:30:00.123Z", NOW - 17 * MINUTE + timedelta(milliseconds=123)),
        ("2026-09-12T21:49:00+09:00", NOW),  # two minutes ahead: now
        ("2027-01-01T00:00:00Z", NOW),
        ("2026-09-10T00:00:00Z", NOW),
        ("2026-09-12T21:30:00", NOW),
        ("夜", NOW),
        ("", NOW),
    ],
)
def test_a_device_is_believed_where_its_clock_can_be_right(told: str, believed: datetime) -> None:
    assert happened(told, NOW) == believed


async def test_the_manual_is_ticked_with_time_and_name_and_undone(desk: Desk) -> None:
    async with somebody(desk, "ito") as person, somebody(desk, "sato") as other:
        await step(person, "preparing")
        await tick(person, Item.KEY_HOLDER, "yes")
        assert await ticked(desk) == {Item.KEY_HOLDER: "ito"}
        (row,) = document_fromstring(person.page).xpath(f"//form[@id='tick-{Item.KEY_HOLDER}']")
        assert "21:47 伊藤" in " ".join(row.text_content().split())
        await other.get(PATH)
        await tick(other, Item.KEY_HOLDER, "no")
        assert await ticked(desk) == {}
    entries = await desk.ledger.read(lambda conn: audit.about(conn, [SITE]))
    done = [(entry.actor, entry.detail["done"]) for entry in entries if entry.action == "shelter.tick"]
    assert done == [("sato", False), ("ito", True)]


async def test_a_tick_that_comes_twice_counts_once_and_late_ones_stand_at_their_time(desk: Desk) -> None:
    async with somebody(desk, "ito") as person:
        await step(person, "preparing")
        form = ticks(person, Item.LIGHTS)
        for done in ("yes", "no"):  # the same id: the first word stands
            await person.post(f"{PATH}/ticks", [*form, ("done", done)])
        assert await ticked(desk) == {Item.LIGHTS: "ito"}
        early = (NOW - 5 * MINUTE).isoformat()
        await tick(person, Item.LIGHTS, "no", id="late", at=early)
        assert await ticked(desk) == {Item.LIGHTS: "ito"}


async def test_another_opening_begins_with_an_empty_list(desk: Desk) -> None:
    async with somebody(desk, "ito") as person:
        await step(person, "preparing")
        await tick(person, Item.SIGNS, "yes")
        form = ticks(person, Item.GAS)
        await step(person, "closed")
        assert "tick-" not in person.page
        await step(person, "preparing")
        assert "取り消す" not in person.page
        page = await person.post(f"{PATH}/ticks", [*form, ("done", "yes"), ("csrf", person.field("csrf"))])
        assert person.status == 409
        assert "開設し直されています" in page


async def test_steps_that_waited_are_taken_once_at_the_time_of_their_tap(desk: Desk) -> None:
    async with somebody(desk, "ito") as person:
        await step(person, "preparing")
        token = person.field("csrf")
        desk.now += 20 * MINUTE
        tapped = {
            "staff_arrived": NOW + 2 * MINUTE,
            "unlocked": NOW + 9 * MINUTE,
            "safety_checked": NOW - MINUTE,
        }
        for _ in range(2):  # the answers to the first three were lost on the way
            for seen, (to, at) in enumerate(tapped.items(), start=1):
                assert await take(person, to, seen, at, token) == "{}"
    steps = await desk.ledger.read(lambda conn: record.history(conn, SITE))
    assert [(each.stage, each.at) for each in steps[1:]] == [
        (Stage.STAFF_ARRIVED, NOW + 2 * MINUTE),
        (Stage.UNLOCKED, NOW + 9 * MINUTE),
        (Stage.SAFETY_CHECKED, NOW + 9 * MINUTE),  # a clock that was set back puts no step before the last
    ]
    entries = await desk.ledger.read(lambda conn: audit.about(conn, [SITE]))
    assert [(entry.at, entry.detail.get("device_at")) for entry in reversed(entries)] == [
        (NOW, None),
        *((NOW + 20 * MINUTE, at.isoformat()) for at in tapped.values()),
    ]


async def test_a_step_that_the_headquarters_took_meanwhile_is_told_with_what_it_is_now(desk: Desk) -> None:
    async with somebody(desk, "ito") as person, somebody(desk, "sato") as headquarters:
        await step(person, "preparing")
        token = person.field("csrf")
        await step(headquarters, "staff_arrived")
        said = await take(person, "staff_arrived", 1, NOW, token)
        assert person.status == 409
        assert loads(said) == {
            "said": "ほかの人が先に変更しました。いまは「職員到着」です。新しい内容を確認してください"
        }
        assert (
            await take(person, "unlocked", 2, NOW, token) == "{}"
        )  # it follows, whoever took the one before
        await step(headquarters, "closed")
        await take(person, "safety_checked", 3, NOW, token)
        assert person.status == 409
    assert await stage(desk) is Stage.CLOSED


async def take(person: Person, to: str, seen: int, at: datetime, token: str) -> str:
    """As the script sends what waited."""
    fields = {"stage": to, "seen": str(seen), "at": at.isoformat(), "csrf": token}
    return await person.post(f"{PATH}/step", fields, headers=JSON)


async def test_with_the_step_of_receiving_comes_the_number_inside(desk: Desk) -> None:
    await open_sites(desk, [SITE], to=Stage.SAFETY_CHECKED)
    async with somebody(desk, "ito") as person:
        await person.get(PATH)
        await person.submit(f"{PATH}/step", stage="receiving")
    assert await stage(desk) is Stage.RECEIVING
    assert [reading.measure.people for reading in desk.reported] == [0]  # type: ignore[union-attr]


async def test_beside_the_entry_stands_what_the_sensors_say(desk: Desk) -> None:
    await open_sites(desk, [SITE])
    desk.occupancies = {SITE: holds(SITE, 284, margin=6)}
    async with somebody(desk, "ito") as person, somebody(desk, "ono") as viewer:
        page = await person.get(PATH)
        assert "284 人 ±6" in " ".join(document_fromstring(page).text_content().split())
        await viewer.get(PATH)
        assert "report.js" not in viewer.page
        await viewer.post(f"{PATH}/ticks", {"item": "gas", "done": "yes", "opening": "1"})
        assert viewer.status == 403
