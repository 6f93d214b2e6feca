"""Thresholds that staff lay over the city's files: checked, kept version by version, in force at once."""

from datetime import timedelta

import pytest

from hub import targets
from hub.inbound import occasions
from hub.ledger import audit
from hub.targets import Targets
from shelters import crowding
from shelters.crowding import Thresholds
from tests.unit.operator_ui.desk import NOW, Desk, Person, somebody
from tests.unit.operator_ui.test_composing import WARNING

CITY = Thresholds(some_from_percent=1, crowded_from_percent=2)
"""Other than all that is set here."""


async def set_crowding(person: Person, some: str, crowded: str, full: str) -> str:
    await person.get("/thresholds")
    return await person.submit(
        "/thresholds/crowding",
        some_from_percent=some,
        crowded_from_percent=crowded,
        full_from_percent=full,
    )


async def in_force(desk: Desk) -> Thresholds:
    return await desk.ledger.read(lambda conn: crowding.in_force(conn, desk.keys, CITY))


async def test_crowding_words_follow_what_staff_set(desk: Desk) -> None:
    assert await in_force(desk) == CITY
    async with somebody(desk, "sato") as person:
        page = await set_crowding(person, "25", "50.5", "")
        assert "保存しました" in page
        assert "やや混雑 25%・混雑 50.5%" in page
        assert await in_force(desk) == Thresholds(some_from_percent=25, crowded_from_percent=50.5)
        page = await set_crowding(person, "25", "50", "90")
        assert "満 90%" in page
    entries = await desk.ledger.read(lambda conn: audit.about(conn, ["crowding"]))
    assert [(each.actor, each.action, each.detail["number"]) for each in entries] == [
        ("sato", "crowding.set", 2),
        ("sato", "crowding.set", 1),
    ]
    assert entries[0].detail["full_from_percent"] == 90


@pytest.mark.parametrize(
    ("some", "crowded", "full", "field"),
    [
        ("60", "60", "80", "crowded_from_percent"),
        ("30", "60", "50", "full_from_percent"),
        ("30", "101", "", "crowded_from_percent"),
        ("0", "60", "80", "some_from_percent"),
        ("nan", "60", "80", "some_from_percent"),
        ("", "60", "80", "some_from_percent"),
        ("30", "60", "much", "full_from_percent"),
    ],
)
async def test_a_threshold_that_makes_no_sense_is_refused(
    desk: Desk, some: str, crowded: str, full: str, field: str
) -> None:
    async with somebody(desk, "sato") as person:
        page = await set_crowding(person, some, crowded, full)
        assert person.status == 422
        assert f'href="#{field}"' in page
        assert 'name="crowded_from_percent"' in page
    assert await in_force(desk) == CITY


async def test_minutes_decide_what_is_late_at_home_and_on_the_wall(desk: Desk) -> None:
    await desk.ledger.write(lambda conn: occasions.keep(conn, WARNING, source="jma", at=NOW))
    desk.now = WARNING.issued_at + timedelta(minutes=21)
    async with somebody(desk, "sato") as person:
        assert 'class="elapsed late"' in await person.get("/")
        assert "分過ぎました" in person.page
        assert "20分を過ぎています" in await person.get("/wall")
        await person.get("/thresholds")
        page = await person.submit("/thresholds/targets", decision_minutes="３０")
        assert "判断 30分・承認 3分" in page
        assert 'class="elapsed late"' not in await person.get("/")
        assert "分過ぎました" not in person.page
        assert "あと" in person.page
        assert "分を過ぎています" not in await person.get("/wall")
        for wrong in ("0", "241", "soon"):
            await person.get("/thresholds")
            await person.submit("/thresholds/targets", decision_minutes=wrong)
            assert person.status == 422
    found = await desk.ledger.read(lambda conn: targets.in_force(conn, desk.keys, Targets()))
    assert found == Targets(decision_minutes=30, approval_minutes=3)


async def test_of_two_at_once_one_is_told(desk: Desk) -> None:
    async with somebody(desk, "sato") as person, somebody(desk, "tanaka") as other:
        await other.get("/thresholds")
        await set_crowding(person, "25", "50", "")
        await other.submit("/thresholds/crowding", some_from_percent="10")
        assert other.status == 409


async def test_only_who_may_sets_them(desk: Desk) -> None:
    async with somebody(desk, "ito") as person:
        await person.get("/thresholds")
        assert person.status == 403
        await person.get("/account")
        for act in ("crowding", "targets"):
            await person.post(f"/thresholds/{act}", {"some_from_percent": "1"})
            assert person.status == 403
