"""Plans in force: when they are made, who finds them, and what a text and a list make of them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from hub import city as cities
from hub import codec, render
from hub.channel import Content
from hub.delivery import Variant
from hub.errors import TemporaryFailure
from hub.exposure import NOBODY_FIRST
from hub.hazard import Hazard
from hub.language import Language
from hub.live.memory import MemoryLive
from hub.place import Position
from hub.recipient import Zone
from hub.shelter_list import Crowding
from shelters import plans, programme
from shelters.assignment import Assignment
from shelters.board import Board, LiveBoard
from shelters.crowding import Thresholds
from shelters.keeper import live_key
from shelters.occupancy import Occupancy
from shelters.plans import EVERY, LASTS, Made, Plans, origins_of
from shelters.router import Router
from shelters.routing import Choice, Method
from shelters.shelter import Stage, Step
from shelters.site import Site, SiteCode, load_sites
from shelters.walking import way_m
from shelters.why import Reason, Why
from tests.unit.test_render import JA, alert
from yobikake.assembly import city_folder
from yobikake.slot_source import CitySlots

FLOOD = Hazard.FLOOD
CITY = cities.load(city_folder("akishima"))
ORIGINS = {
    FLOOD: tuple(
        msgspec.structs.replace(origin, people=origin.people / 5)
        for origin in origins_of(CITY, NOBODY_FIRST)[FLOOD]
    )
}
"""Some thousand people, so that a few sites hold them."""
SITES = {
    code: msgspec.structs.replace(site, capacity=800)
    for code, site in load_sites(city_folder("akishima")).items()
}
FIT = [code for code, site in SITES.items() if site.designated_for(FLOOD)]
UNFIT = [code for code, site in SITES.items() if not site.designated_for(FLOOD)]
NOW = datetime(2026, 9, 8, 12, 50, tzinfo=UTC)


class Evening:
    """A hub's shelters: steps, counts, the time, and how often a plan was made."""

    def __init__(self) -> None:
        self.now, self.live, self.solved = NOW, MemoryLive(), 0
        self.steps: dict[SiteCode, Step] = {}
        self.away = False
        self.board = LiveBoard(
            sites=SITES, steps=self._steps, live=self, clock=lambda: self.now, origins=ORIGINS
        )
        self.router = Router(
            board=self.board,
            live=self,
            origins=ORIGINS,
            clock=lambda: self.now,
            thresholds=self._thresholds,
            solve=self._solve,
        )

    async def receive(self, sites: Sequence[SiteCode], people: int | None = 100) -> None:
        for code in sites:
            self.steps[code] = Step(site=code, number=6, stage=Stage.RECEIVING, at=NOW, by="sato")
            await self.count(code, people)

    async def count(self, code: SiteCode, people: int | None, *, minutes: float = 120) -> None:
        said = Occupancy(
            site=code,
            version=int(self.now.timestamp()),
            people=people,
            crowding=None if people is None else Thresholds().word(people, 800),
            as_of=self.now,
            fresh_until=self.now + timedelta(minutes=minutes),
        )
        await self.live.put({live_key(code): (said.version, codec.encode(said))})

    async def made(self) -> Made:
        return (await self.board.now()).made[FLOOD]

    async def get(self, keys: Sequence[str]) -> dict[str, bytes]:
        if self.away:
            raise TemporaryFailure("down", "Redis is away")
        return dict(await self.live.get(keys))

    async def put(self, values: dict[str, tuple[int, bytes]]) -> None:
        if self.away:
            raise TemporaryFailure("down", "Redis is away")
        await self.live.put(values)

    async def _steps(self) -> dict[SiteCode, Step]:
        return self.steps

    async def _thresholds(self) -> Thresholds:
        return Thresholds(full_from_percent=None)

    def _solve(self, *numbers: Sequence[float]) -> Assignment:
        self.solved += 1
        return programme.solve(*numbers)  # type: ignore[arg-type]


async def test_whoever_looks_before_a_plan_is_made_goes_by_the_proportional_rule_at_once() -> None:
    evening = Evening()
    await evening.receive(FIT[:6])
    first = await evening.made()
    assert (first.plan.method, first.version, evening.solved) == (Method.PROPORTIONAL, 0, 0)
    assert (await evening.made()) is first  # kept, not made anew at each look


async def test_a_text_waits_for_no_plan_but_that_of_its_own_hazard(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Hazard] = []

    def made_for(hazard: Hazard, *places: object, **how: object) -> Made:
        made.append(hazard)
        return make(hazard, *places, **how)  # type: ignore[arg-type]

    make = plans.make
    monkeypatch.setattr(plans, "make", made_for)
    evening = Evening()
    await evening.receive(FIT[:6])
    origins = {FLOOD: ORIGINS[FLOOD], Hazard.EARTHQUAKE: ORIGINS[FLOOD]}
    board = LiveBoard(sites=SITES, steps=evening._steps, live=evening, clock=lambda: NOW, origins=origins)
    now = await board.now()
    assert now.version > 0
    assert {*now.made} == {*origins}
    assert made == []
    for _ in range(2):
        assert now.lines(FLOOD, near=CITY.centre, zone=Zone("haijima")) is not None
        now = await board.now()
    assert made == [FLOOD]


async def test_in_a_large_city_nobody_waits_for_a_plan_that_is_not_there() -> None:
    evening = Evening()
    await evening.receive(FIT[:6])
    many = [ORIGINS[FLOOD][i % len(ORIGINS[FLOOD])] for i in range(plans.MOST_AT_ONCE // 6 + 1)]
    board = LiveBoard(
        sites=SITES, steps=evening._steps, live=evening, clock=lambda: NOW, origins={FLOOD: many}
    )
    now = await board.now()
    assert FLOOD not in now.made
    assert now.lines(FLOOD, near=CITY.centre, zone=Zone("haijima")) is not None
    await evening.router.look()
    assert (await board.now()).made[FLOOD].plan.method is Method.PROGRAMME


async def test_every_process_finds_the_plan_that_one_has_made() -> None:
    evening = Evening()
    await evening.receive(FIT[:6])
    await evening.router.look()
    made = await evening.made()
    assert made.plan.method is Method.PROGRAMME
    other = LiveBoard(sites=SITES, steps=evening._steps, live=evening, clock=lambda: NOW, origins=ORIGINS)
    assert (await other.now()).made[FLOOD] == made
    assert (await other.now()).version == (await evening.board.now()).version


async def test_a_plan_is_made_every_quarter_of_an_hour_and_when_a_site_opens_fills_or_falls_silent() -> None:
    evening = Evening()
    await evening.receive(FIT[:6])
    await evening.router.look()
    await evening.count(FIT[0], 130)
    await evening.router.look()
    assert evening.solved == 1  # a count alone is no reason
    evening.now += EVERY - timedelta(seconds=1)
    await evening.router.look()
    assert evening.solved == 1
    evening.now += timedelta(seconds=1)
    await evening.router.look()
    assert evening.solved == 2
    await evening.receive(FIT[6:7])
    await evening.router.look()
    assert evening.solved == 3
    evening.steps[FIT[0]] = Step(site=FIT[0], number=7, stage=Stage.FULL, at=evening.now, by="sato")
    await evening.router.look()
    assert evening.solved == 4
    await evening.count(FIT[1], 100, minutes=1)
    evening.now += timedelta(minutes=2)
    await evening.router.look()
    assert evening.solved == 5


async def test_where_a_site_fills_the_old_plan_no_longer_holds_and_nobody_waits_for_the_next() -> None:
    evening = Evening()
    await evening.receive(FIT[:6])
    await evening.router.look()
    evening.steps[FIT[0]] = Step(site=FIT[0], number=7, stage=Stage.FULL, at=NOW, by="sato")
    at_once = await evening.made()
    assert at_once.plan.method is Method.PROPORTIONAL
    assert FIT[0] not in at_once.plan.prices


async def test_a_plan_that_nobody_renews_is_gone_by_for_half_an_hour() -> None:
    evening = Evening()
    await evening.receive(FIT[:6])
    await evening.router.look()
    evening.now += LASTS - timedelta(seconds=1)
    assert (await evening.made()).plan.method is Method.PROGRAMME
    evening.now += timedelta(seconds=1)
    assert (await evening.made()).plan.method is Method.PROPORTIONAL


async def test_a_plan_of_the_future_or_of_another_release_is_none_and_stops_no_page() -> None:
    evening = Evening()
    await evening.receive(FIT[:6])
    evening.now += timedelta(days=1)  # a clock that is wrong
    for code in FIT[:6]:
        await evening.count(code, 100, minutes=10_000)
    await evening.router.look()
    evening.now = NOW
    assert (await evening.made()).plan.method is Method.PROPORTIONAL
    await evening.live.put({plans.live_key(FLOOD): (10**12, b'{"hazard": "flood", "shape": "another"}')})
    assert (await evening.made()).plan.method is Method.PROPORTIONAL


async def test_a_count_of_another_release_is_unknown_and_takes_no_other_site_from_the_list() -> None:
    evening = Evening()
    await evening.receive(FIT[:3])
    await evening.live.put({live_key(FIT[0]): (int(NOW.timestamp()) + 1, b'{"site": 3}')})
    board = await evening.board.now()
    rows = {row.site.code: row for row in board.recommended(FLOOD)}
    assert {*rows} == {*FIT[:3]}
    assert [rows[code].people for code in FIT[:3]] == [None, 100, 100]
    assert rows[FIT[0]].place(FLOOD).room is None


async def test_without_live_or_without_a_count_there_is_no_plan_and_the_list_stays() -> None:
    evening = Evening()
    await evening.receive(FIT[:3], people=None)
    await evening.router.look()
    assert (await evening.board.now()).made == {}
    evening.away = True
    await evening.router.look()
    board = await evening.board.now()
    assert board.made == {}
    assert {row.site.code for row in board.recommended(FLOOD, near=CITY.centre)} == set(FIT[:3])


async def test_a_text_that_waited_may_name_only_where_people_may_be_sent_now() -> None:
    evening = Evening()
    await evening.receive(FIT[:3], people=None)
    slots = CitySlots(CITY, SITES, await evening.board.now(), "https://hub.example")
    assert slots.named(FLOOD) == {SITES[code].name.ja for code in FIT[:3]}
    assert CitySlots(CITY, SITES, None, "https://hub.example").named(FLOOD) is None


def text(board: Board, zone: Zone, language: Language = Language.JA) -> str:
    slots = CitySlots(CITY, SITES, board, "https://hub.example")
    content = render.render(alert(JA), Variant(language, zone), slots, lambda: board.at, number="2026-0147")
    return Content.text(content.body)


async def test_each_zones_text_names_where_the_plan_sends_that_zone() -> None:
    """From the counts to what a resident reads; never a site that is unfit, shut, or full by now (I16)."""
    evening = Evening()
    await evening.receive([*FIT[:8], *UNFIT[:4]])
    await evening.router.look()
    board = await evening.board.now()
    read = {zone: text(board, zone) for zone in CITY.zones}
    assert len(set(read.values())) > 3
    for zone, body in read.items():
        named = [choice.site for choice in board.made[FLOOD].plan.zones[zone]][:5]
        assert named
        lines = "\n".join(f"・{SITES[code].name.ja}：空いています" for code in named)
        assert f"避難場所：\n{lines}\n（21時50分の情報）" in body
        assert not any(SITES[code].name.ja in body for code in (*UNFIT, *FIT[8:]))
    busy = board.made[FLOOD].plan.zones[Zone("haijima")][0].site
    evening.steps[busy] = Step(site=busy, number=7, stage=Stage.FULL, at=NOW, by="sato")
    assert SITES[busy].name.ja not in text(await evening.board.now(), Zone("haijima"))


async def test_whatever_a_plan_says_no_unfit_or_shut_site_is_named() -> None:
    """I16 does not rest on plans: what is named is asked of `suited` at that moment."""
    evening = Evening()
    await evening.receive([*FIT[:4], UNFIT[0]])
    await evening.router.look()
    made = await evening.made()
    wrong = [UNFIT[0], FIT[9], SiteCode("nowhere"), FIT[0]]
    choices = tuple(Choice(site=code, people=9, metres=10, reason=Reason(why=Why.NEAREST)) for code in wrong)
    said = msgspec.structs.replace(
        made.plan,
        zones=dict.fromkeys(made.plan.zones, choices),
        prices=dict.fromkeys([*wrong, *FIT[:4]], 0.0),
    )
    board = msgspec.structs.replace(
        await evening.board.now(), made=Plans({FLOOD: msgspec.structs.replace(made, plan=said)})
    )
    zone = Zone("haijima")
    assert [row.site.code for row, _ in board.sent(FLOOD, zone)] == [FIT[0]]
    assert set(board.prices(FLOOD)) == set(FIT[:4])
    assert {row.site.code for row in board.shown(FLOOD, near=CITY.centre)} == set(FIT[:4])
    assert SITES[UNFIT[0]].name.ja not in text(board, zone)


async def test_a_list_from_a_place_begins_with_where_the_plan_wants_people_from_there() -> None:
    evening = Evening()
    near, next_one, silent = (
        sorted(FIT, key=lambda code: SITES[code].position.distance_m(CITY.centre))[i] for i in (0, 1, 2)
    )
    await evening.receive([near, next_one, silent])
    await evening.count(near, 500)
    await evening.count(silent, None)
    await evening.router.look()
    board = await evening.board.now()
    plan = board.made[FLOOD].plan
    assert plan.prices[near] > plan.prices[next_one] == 0  # for `near` has not room for all who live near it
    there, between = SITES[near].position, _on_the_way(SITES[near], SITES[next_one], plan.prices[near])
    assert [row.site.code for row in board.shown(FLOOD, near=there)] == [near, next_one, silent]
    assert [row.site.code for row in board.shown(FLOOD, near=between)] == [next_one, near, silent]
    crowded_last = [
        row.crowding for row in msgspec.structs.replace(board, made=Plans()).shown(FLOOD, near=there)
    ]
    assert crowded_last[0] is Crowding.HAS_ROOM  # without a plan: by the word first


def _on_the_way(near: Site, other: Site, price_m: float) -> Position:
    """Nearer to `near`, yet by less than the price."""
    way = way_m(near.position, other.position)
    share = max(0.0, (way - price_m) / 2 / way) + 0.02
    assert share < 0.5
    return Position(
        latitude=near.position.latitude + share * (other.position.latitude - near.position.latitude),
        longitude=near.position.longitude + share * (other.position.longitude - near.position.longitude),
    )


async def test_what_was_counted_on_and_fell_silent_is_no_longer_named_as_room() -> None:
    evening = Evening()
    await evening.receive(FIT[:4])
    await evening.router.look()
    board = await evening.board.now()
    zone, (first, *_) = next(
        (zone, choices) for zone, choices in board.made[FLOOD].plan.zones.items() if choices
    )
    later = board.later(NOW + timedelta(hours=3))
    assert first.site in {row.site.code for row, _ in board.sent(FLOOD, zone)}
    assert later.sent(FLOOD, zone) == []
    assert later.recommended(FLOOD)[0].crowding is None
