"""The stage of the headquarters: set by people, with the time they decided it, and shown to everyone."""

from datetime import timedelta

import pytest

from hub import headquarters
from hub.ledger import audit
from tests.unit.operator_ui.desk import NOW, Desk, Person, somebody

FIRST = "災害対策本部 第1号配備"


async def set_to(person: Person, stage: str, since: str = "2026-09-12T21:40", note: str = "") -> str:
    await person.get("/headquarters")
    return await person.submit("/headquarters", stage=stage, since=since, note=note)


async def test_a_stage_is_set_with_its_time_and_shown_to_everyone(desk: Desk) -> None:
    async with somebody(desk, "sato") as person, somebody(desk, "ono") as viewer:
        assert 'class="standing' not in await viewer.get("/")
        await set_to(person, "alert", "2026-09-12T20:10")
        await set_to(person, "headquarters-1", note="市長決定")
        for path in ("/", "/wall", "/headquarters"):
            page = await viewer.get(path)
            assert FIRST in page, path
            assert "9月12日(土) 21:40 から" in page, path
        assert "警戒体制" in page
        assert "市長決定" in page
        assert "記録 佐藤 花 21:47" in page
        assert 'class="standing set-up"' in page
        assert "市長決定" not in await viewer.get("/wall")  # the wall names nobody
        assert "佐藤" not in viewer.page
    standing = await desk.ledger.read(lambda conn: headquarters.standing(conn, desk.keys))
    assert standing is not None
    assert (standing.stage, standing.since, standing.by, standing.recorded_at) == (
        "headquarters-1",
        NOW - timedelta(minutes=7),
        "sato",
        NOW,
    )
    entries = await desk.ledger.read(lambda conn: audit.about(conn, ["headquarters"]))
    assert [entry.detail["stage"] for entry in entries] == ["headquarters-1", "alert"]


async def test_it_ends_as_it_began_by_a_person(desk: Desk) -> None:
    async with somebody(desk, "sato") as person:
        await set_to(person, "alert")
        await set_to(person, "")
        assert 'class="standing' not in await person.get("/")
        page = await person.get("/headquarters")
        assert "平常の体制" in page
        assert "警戒体制" in page


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"since": "2026-09-12T21:49"}, "これからの時刻は入れられません"),
        ({"since": "soon"}, "決めた時刻を入れてください"),
        ({"stage": "war"}, "体制を選んでください"),
        ({"note": "あ" * 201}, "200文字までです"),
    ],
)
async def test_what_is_wrong_is_said_and_nothing_is_set(
    desk: Desk, fields: dict[str, str], said: str
) -> None:
    async with somebody(desk, "sato") as person:
        page = await set_to(person, **{"stage": "alert", **fields})
        assert person.status == 422
        assert said in page
        await person.submit("/headquarters")  # no stage chosen
        assert person.status == 422
    assert await desk.ledger.read(lambda conn: headquarters.standing(conn, desk.keys)) is None


async def test_of_two_at_once_one_is_told(desk: Desk) -> None:
    async with somebody(desk, "sato") as person, somebody(desk, "tanaka") as other:
        await other.get("/headquarters")
        await set_to(person, "alert")
        page = await other.submit("/headquarters", stage="attention", since="2026-09-12T21:41")
        assert other.status == 409
        assert "ほかの人が先に変更しました" in page


async def test_whoever_only_looks_sets_nothing(desk: Desk) -> None:
    async with somebody(desk, "ono") as viewer:
        page = await viewer.get("/headquarters")
        assert 'name="stage"' not in page
        await viewer.post("/headquarters", {"stage": "alert", "since": "2026-09-12T21:40", "seen": "0"})
        assert viewer.status == 403
