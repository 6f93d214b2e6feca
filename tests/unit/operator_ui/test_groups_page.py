"""Groups of towns, edited in the console and chosen in the next draft."""

import pytest

from hub.ledger import audit
from tests.unit.operator_ui.desk import CITY, Desk, Person, somebody

TOWNS = list(CITY.towns)[:3]
FILLED = {
    "ja": "駅の周り",
    "en": "Around the station",
    "area_ja": "駅の周りの町",
    "area_en": "the towns around the station",
    "hazard": "water",
}


async def add(person: Person, **changes: str | list[str]) -> str:
    await person.get("/group-new")
    return await person.submit("/groups", **{**FILLED, "town": TOWNS, **changes})


async def choices(person: Person) -> str:
    """What a new draft offers."""
    await person.get("/new/live")
    return await person.post("/new/live", {"template": "flood-4"})


async def test_a_group_is_offered_in_the_next_draft(desk: Desk) -> None:
    async with somebody(desk, "sato") as person, somebody(desk, "ito") as composer:
        assert "保存しました" in await add(person)
        assert "駅の周り" in person.page
        assert "職員が編集" in person.page
        page = await choices(composer)
        assert "駅の周り" in page
        path = composer.path
        await composer.submit(path, "save", area="preset:staff-1")
        page = await composer.get(path)
        assert "駅の周りの町" in page  # the texts call it so
    (entry,) = await desk.ledger.read(lambda conn: audit.about(conn, ["groups"]))
    assert (entry.actor, entry.action, entry.detail) == (
        "sato",
        "groups.set",
        {"number": 1, "group": "staff-1", "towns": 3},
    )


async def test_the_citys_own_group_is_changed_and_removed(desk: Desk) -> None:
    async with somebody(desk, "sato") as person:
        page = await person.get("/groups/tamagawa-flood")
        assert "拝島町一丁目" in page
        await person.submit("/groups/tamagawa-flood", ja="駅前の町", town=TOWNS)
        assert "駅前の町" in await choices(person)
        await person.get("/groups/tamagawa-flood")
        await person.submit("/groups/tamagawa-flood/remove")
        assert "駅前の町" not in await choices(person)
        await person.get("/groups/tamagawa-flood")
        assert person.status == 404
    assert CITY.presets["tamagawa-flood"].name.ja == "多摩川の浸水想定区域"  # the file's stays


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"ja": ""}, "ja", "60文字まで"),
        ({"en": "x" * 61}, "en", "60文字まで"),
        ({"area_ja": " "}, "area_ja", "240文字まで"),
        ({"ja": "多摩川の浸水想定区域"}, "ja", "同じ名前の組"),
        ({"town": []}, "towns", "町を1つ以上"),
        ({"town": ["99999-999"]}, "towns", "町を1つ以上"),
        ({"town": list(CITY.presets["tamagawa-flood"].towns)}, "towns", "と同じ町です"),
    ],
)
async def test_what_is_wrong_is_said_and_nothing_is_set(
    desk: Desk, changes: dict[str, str | list[str]], field: str, said: str
) -> None:
    async with somebody(desk, "sato") as person:
        page = await add(person, **changes)
        assert person.status == 422
        assert f'href="#{field}"' in page
        assert said in page
        assert "職員が編集" not in await person.get("/groups")


async def test_of_two_at_once_one_is_told(desk: Desk) -> None:
    async with somebody(desk, "sato") as person, somebody(desk, "tanaka") as other:
        await other.get("/group-new")
        await add(person)
        await other.submit("/groups", **{**FILLED, "ja": "別の組", "town": TOWNS[:1]})
        assert other.status == 409


async def test_only_who_may_edits_them(desk: Desk) -> None:
    async with somebody(desk, "ito") as person:
        for path in ("/groups", "/group-new", "/groups/tamagawa-flood"):
            await person.get(path)
            assert person.status == 403
        await person.get("/account")
        for path in ("/groups", "/groups/tamagawa-flood", "/groups/tamagawa-flood/remove"):
            await person.post(path, {**FILLED, "town": TOWNS[0], "revision": "0"})
            assert person.status == 403
