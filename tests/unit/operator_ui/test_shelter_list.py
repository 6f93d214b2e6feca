"""All shelters at once: who stands on top, what is left out of sums, and steps of many sites by one button."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
import pytest
from lxml.html import document_fromstring
from sqlalchemy import Connection

from hub.background import Background
from hub.codec import RecordCodec
from hub.exposure import NOBODY_FIRST
from hub.hazard import Hazard
from hub.ledger import audit
from operator_ui.staff import shelter_list
from operator_ui.staff.glance import glance
from shelters import record
from shelters.occupancy import Occupancy, Recount, Source
from shelters.plans import AtOnce, origins_of
from shelters.public_list import public_list
from shelters.shelter import OPENING_ORDER, Stage, Step
from shelters.site import SiteCode
from tests.unit.operator_ui.desk import CITY, NOW, SITES, Desk, Person, somebody
from tests.unit.operator_ui.test_following_an_alert import an_alert

FLOOD = [code for code, site in SITES.items() if site.designated_for(Hazard.FLOOD)]
NOT_FLOOD = next(code for code, site in SITES.items() if site.hazards and code not in FLOOD)
ONE, TWO, THREE, FOUR = FLOOD[:4]


async def open_sites(desk: Desk, sites: Sequence[SiteCode], *, to: Stage = Stage.RECEIVING) -> None:
    def steps(conn: Connection) -> None:
        for site in sites:
            for number, stage in enumerate(OPENING_ORDER[: OPENING_ORDER.index(to) + 1], start=1):
                step = Step(site=site, number=number, stage=stage, at=NOW, by="sato")
                record.take_step(conn, RecordCodec(desk.keys), step, people=None, recorded_at=NOW)

    await desk.ledger.write(steps)


def holds(site: SiteCode, people: int, *, margin: int | None = None, at: datetime = NOW) -> Occupancy:
    return Occupancy(
        site=site,
        version=1,
        people=people,
        margin=margin,
        source=Source.DOORS,
        as_of=at,
        fresh_until=at + timedelta(minutes=2),
        last_people=people,
        last_at=at,
    )


async def stages(desk: Desk) -> dict[SiteCode, Stage]:
    steps = await desk.ledger.read(record.all_current)
    return {site: step.stage for site, step in steps.items()}


def names(person: Person, section: str) -> list[str]:
    (form,) = document_fromstring(person.page).xpath(f"//form[@aria-labelledby='{section}']")
    return [str(box.get("aria-label")) for box in form.xpath(".//input[@name='site']")]


async def tick(person: Person, stage: str, sites: Sequence[SiteCode], **fields: str) -> str:
    seen = [(f"seen-{site}", person.field(f"seen-{site}") or "0") for site in sites]
    return await person.post(
        "/shelters/steps?hazard=flood",
        [("stage", stage), *(("site", site) for site in sites), *seen, *fields.items()],
    )


async def test_the_fullest_stands_on_top_with_its_interval_source_and_age(desk: Desk) -> None:
    await open_sites(desk, [ONE, TWO, THREE])
    desk.occupancies = {ONE: holds(ONE, 20, margin=3), TWO: holds(TWO, 322, margin=4)}
    desk.now += timedelta(minutes=1)
    async with somebody(desk, "ito") as person:
        page = await person.get("/shelters")
    assert names(person, "inside") == [SITES[code].name.ja for code in (TWO, ONE, THREE)]
    text = " ".join(document_fromstring(page).text_content().split())
    assert "322 人 ±4" in text
    assert "センサー・1分前" in text
    assert "342 人 ±5" in text  # both together: the root of 3² + 4²


async def test_a_guess_and_why_to_count_are_said_to_staff_and_the_number_to_nobody_else(desk: Desk) -> None:
    await open_sites(desk, [ONE])
    doubted = msgspec.structs.replace(
        holds(ONE, 120, margin=31),
        guessed=True,
        silent=("gym-south",),
        flipped=("gym-north",),
        recount=(Recount.FLIPPED, Recount.WIDE),
    )
    desk.occupancies = {ONE: doubted}
    async with somebody(desk, "ito") as person:
        listed = " ".join(document_fromstring(await person.get("/shelters")).text_content().split())
        page = " ".join(document_fromstring(await person.get(f"/shelters/{ONE}")).text_content().split())
    assert "センサー停止 推定 数え直し" in listed
    assert "出入りが逆に数えられているようです" in listed
    assert "120 人 ±31 推定" in page
    assert "中にいる人を数えて、報告してください。" in page
    assert "誤差が大きくなりました" in page
    assert "止まっているセンサー：gym-south" in page
    assert "出と入が逆のようなセンサー：gym-north" in page
    (row,) = (row for row in (await desk.board()).rows if row.site.code == ONE)
    assert row.people == 120
    assert (row.disclosed.people, row.disclosed.few) == (None, False)
    (entry,) = public_list(await desk.board(), Hazard.FLOOD)
    assert (entry.people, entry.crowding, entry.as_of, entry.fresh_until) == (None, None, None, None)


async def test_silence_is_unknown_and_out_of_the_total(desk: Desk) -> None:
    await open_sites(desk, [ONE, TWO])
    desk.occupancies = {ONE: holds(ONE, 20), TWO: holds(TWO, 185, at=NOW - timedelta(minutes=14))}
    async with somebody(desk, "ito") as person:
        page = await person.get("/shelters")
    assert f"{SITES[TWO].name.ja} は人数が分からないため、合計に入れていません" in page
    assert "14分前から届きません。最後は 21:33 の 185人" in page
    seen = glance(await desk.board(), Hazard.FLOOD)
    assert (seen.people, seen.unknown) == (20, 1)


async def test_many_are_opened_by_one_button(desk: Desk) -> None:
    async with somebody(desk, "ito") as person:
        await person.get("/shelters")
        await tick(person, "preparing", [ONE, TWO, THREE], opens_at="22:30")
        assert "3か所を進めました" in person.page
        assert "22:30 開設予定" in person.page
        await tick(person, "next", [ONE, TWO])
        await tick(person, "next", [ONE, THREE])
    assert await stages(desk) == {
        ONE: Stage.UNLOCKED,
        TWO: Stage.STAFF_ARRIVED,
        THREE: Stage.STAFF_ARRIVED,
    }
    assert len(await desk.ledger.read(lambda conn: audit.about(conn, FLOOD))) == 7


async def test_what_is_not_designated_for_the_live_alert_is_not_opened_with_others(desk: Desk) -> None:
    await an_alert(desk)
    async with somebody(desk, "ito") as person:
        await person.get("/shelters?hazard=earthquake")  # looking at another hazard changes nothing
        assert SITES[NOT_FLOOD].name.ja not in names(person, "openable")
        page = await tick(person, "preparing", [ONE, NOT_FLOOD])
        assert person.status == 409
        assert f"{SITES[NOT_FLOOD].name.ja}：洪水の指定がないため、まとめて開設できません" in page
        assert "1か所を進めました" in page
    assert await stages(desk) == {ONE: Stage.PREPARING}


async def test_with_people_inside_it_is_not_closed_and_the_others_are(desk: Desk) -> None:
    await open_sites(desk, [ONE, TWO])
    desk.occupancies = {ONE: holds(ONE, 372), TWO: holds(TWO, 0)}
    async with somebody(desk, "ito") as person:
        await person.get("/shelters")
        page = await tick(person, "closed", [ONE, TWO])
    assert "人がいる間は閉められません（372人）" in page
    assert await stages(desk) == {ONE: Stage.RECEIVING, TWO: Stage.CLOSED}


async def test_who_looked_before_somebody_else_pressed_is_told(desk: Desk) -> None:
    async with somebody(desk, "ito") as one, somebody(desk, "sato") as other:
        await one.get("/shelters")
        await other.get("/shelters")
        await tick(one, "preparing", [ONE])
        page = await tick(other, "preparing", [ONE, TWO])
        assert "ほかの人が先に変更しました" in page
    assert await stages(desk) == {ONE: Stage.PREPARING, TWO: Stage.PREPARING}


async def test_the_parts_that_change_come_by_themselves_and_say_of_which_step_a_tick_is(desk: Desk) -> None:
    async with somebody(desk, "ono") as viewer, somebody(desk, "ito") as person:
        await person.get("/shelters?hazard=flood")
        await open_sites(desk, [ONE], to=Stage.UNLOCKED)
        await person.get("/shelters/live?hazard=flood")
        (part,) = document_fromstring(person.page).xpath("//*[@id='list-opening' and @data-live]")
        (box,) = part.xpath(".//input[@name='site']")
        assert (box.get("value"), box.get("data-keep")) == (ONE, "3")
        assert "<html" not in person.page
        assert 'name="site"' not in await viewer.get("/shelters/live?hazard=flood")


async def test_whoever_watches_hears_of_a_step_a_count_and_an_alert_and_of_no_minute(desk: Desk) -> None:
    console = desk.console(Background(), "http://console.example")
    seen = [await shelter_list.looks(console)]
    await open_sites(desk, [ONE])
    seen.append(await shelter_list.looks(console))
    desk.occupancies = {ONE: holds(ONE, 20)}
    seen.append(await shelter_list.looks(console))
    desk.now += timedelta(minutes=1)
    assert await shelter_list.looks(console) == seen[-1]
    await an_alert(desk)
    seen.append(await shelter_list.looks(console))
    assert len(set(seen)) == len(seen)


async def test_nothing_ticked_is_said(desk: Desk) -> None:
    async with somebody(desk, "ito") as person:
        await person.get("/shelters")
        page = await tick(person, "preparing", [])
        assert person.status == 422
        assert "場所を選んでください" in page
        await tick(person, "preparing", [ONE], opens_at="夜")
        assert "22:30 のように" in person.page
    assert await stages(desk) == {}


async def test_who_may_only_look_ticks_nothing(desk: Desk) -> None:
    async with somebody(desk, "ono") as viewer:
        await viewer.get("/shelters")
        assert 'name="site"' not in viewer.page
        await tick(viewer, "preparing", [ONE])
        assert viewer.status == 403


async def test_staff_see_where_each_zone_is_sent_how_far_and_why(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two sites with 100 places each for some thousand people: the plan says how many have none."""
    for code in (ONE, TWO):
        monkeypatch.setitem(SITES, code, msgspec.structs.replace(SITES[code], capacity=1_000))
    await open_sites(desk, [ONE, TWO, THREE])
    desk.occupancies = {ONE: holds(ONE, 20), TWO: holds(TWO, 322)}
    async with somebody(desk, "ito") as person:
        assert "行き先の案内" not in visible(await person.get("/shelters"))  # no plan is in force
        desk.at_once = AtOnce(origins_of(CITY, NOBODY_FIRST))
        page = await person.get("/shelters")
        english = await person.get("/shelters", **{"Accept-Language": "en"})
    (listed,) = document_fromstring(page).xpath("//*[@class='sent']")
    sent, named = " ".join(listed.text_content().split()), listed.xpath(".//a/@href")
    plan = (await desk.board()).made[Hazard.FLOOD].plan
    zone = next(zone for zone, choices in plan.zones.items() if choices)
    assert CITY.zones[zone].name.ja in sent
    assert f"約{plan.zones[zone][0].people}人・徒歩約" in sent
    assert set(named) <= {f"/shelters/{code}" for code in (ONE, TWO)}  # how full the third is, nobody knows
    assert plan.unplaced > 1_000
    assert f"あと約{plan.unplaced:,}人分の場所が必要です" in visible(page)
    assert CITY.zones[zone].name.en in english
    assert "The nearest to the towns" in english or "is nearer, but" in english


def visible(page: str) -> str:
    return " ".join(document_fromstring(page).text_content().split())
