"""From an audience to batches: everyone who is meant exactly once, nobody else, whatever interrupts it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from hub import bus
from hub.alert import Mode
from hub.capabilities import Drilling
from hub.channel import Content
from hub.delivery import Outcome, Variant
from hub.errors import HubError
from hub.language import Language
from hub.ledger import plans, register, tables
from hub.ledger.alerts import Accepted
from hub.recipient import Audience, Kind, RecipientId, Targeting, Town, Towns, WholeCity, Zone
from hub.source import source_of
from tests.integration.engine import AUTHOR, KEYS, Engine, engine, mail, residents
from tests.integration.letters import letters


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Engine]:
    """Batches of 20. Nothing is sent: no worker runs."""
    channels = {"mail": mail(9, recipients_per_transaction=20)}
    async with engine(tmp_path, channels=channels) as made:
        yield made


async def members(hub: Engine, alert: str) -> Counter[RecipientId]:
    return Counter(member for row in await hub.rows(alert) for member in row.members)


async def planned(hub: Engine, alert: str) -> Counter[RecipientId]:
    """Plan to the end; the plan's own count agrees with its batches."""
    await hub.fanout.plan(alert)
    found = await members(hub, alert)
    tally = (await hub.tally(alert))["mail"]
    assert tally.complete
    assert tally.planned == found.total()
    assert all(len(row.members) <= 20 for row in await hub.rows(alert))
    return found


def to(audience: Audience, *channels: str) -> Targeting:
    return Targeting(audience=audience, channels=channels or ("mail",))


# --- who is meant ---


async def test_the_whole_city_is_every_resident_once(hub: Engine) -> None:
    ids = await hub.register(residents(300))
    await hub.register(residents(3, kind=Kind.STAFF, address=lambda i: f"s{i}@mail.example"))
    assert await planned(hub, await hub.send()) == dict.fromkeys(ids, 1)


async def test_towns_are_those_towns_and_no_other(hub: Engine) -> None:
    ids = await hub.register(residents(300, towns=("t1", "t2", "t3")))
    alert = await hub.send(targeting=to(Towns(towns=(Town("t1"), Town("t3")))))
    assert await planned(hub, alert) == {id_: 1 for i, id_ in enumerate(ids) if i % 3 != 1}


async def test_a_town_of_nobody_is_complete_and_empty(hub: Engine) -> None:
    await hub.register(residents(30))
    alert = await hub.send(targeting=to(Towns(towns=(Town("elsewhere"),))))
    assert not await planned(hub, alert)
    assert (await hub.tally(alert))["mail"].done


@pytest.mark.parametrize("every", [2, 97, 480, 1_400])
async def test_a_sparse_audience_is_found_across_packs(hub: Engine, every: int) -> None:
    # 1,500 people of one variant are three packs of 500.
    people = residents(1_500, language=Language.JA, zone=Zone("z1"))
    few = [i for i in range(1_500) if i % every == every - 1]
    people = [
        person
        if i in set(few)
        else residents(1, towns=("t2",), address=lambda _, i=i: f"r{i}@mail.example")[0]
        for i, person in enumerate(people)
    ]
    ids = await hub.register(people)
    alert = await hub.send(targeting=to(Towns(towns=(Town("t1"),))))
    assert await planned(hub, alert) == {ids[i]: 1 for i in few}
    sizes = [len(row.members) for row in await hub.rows(alert)]
    assert len(sizes) == -(-len(few) // 20), "batches are full but for the last"


@pytest.mark.parametrize("size", [19, 20, 21, 499, 500, 501, 1_000])
async def test_no_boundary_loses_or_doubles_anybody(hub: Engine, size: int) -> None:
    ids = await hub.register(residents(size, language=Language.JA, zone=Zone("z1")))
    assert await planned(hub, await hub.send()) == dict.fromkeys(ids, 1)


# --- drills (I6) ---


async def everybody(hub: Engine) -> dict[str, list[RecipientId]]:
    return {
        "residents": await hub.register(residents(40)),
        "volunteers": await hub.register(
            residents(30, drills=True, address=lambda i: f"v{i}@mail.example")
        ),
        "staff": await hub.register(
            residents(20, kind=Kind.STAFF, address=lambda i: f"s{i}@mail.example")
        ),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("mode", "whom"),
    [
        (Mode.LIVE, {"residents", "volunteers"}),
        (Mode.RESIDENT_DRILL, {"volunteers"}),
        (Mode.STAFF_DRILL, {"staff"}),
    ],
)
async def test_each_mode_reaches_its_own_people(hub: Engine, mode: Mode, whom: set[str]) -> None:
    groups = await everybody(hub)
    alert = await hub.send(mode=mode)
    assert await planned(hub, alert) == {id_: 1 for name in whom for id_ in groups[name]}
    assert {row.mode for row in await hub.rows(alert)} == {mode}


@pytest.mark.parametrize("mode", [Mode.RESIDENT_DRILL, Mode.STAFF_DRILL])
async def test_a_drill_is_framed_as_one_in_every_language(hub: Engine, mode: Mode) -> None:
    await everybody(hub)
    await planned(hub, await hub.send(mode=mode))
    bodies = await hub.ledger.read(lambda conn: conn.execute(select(tables.contents.c.body)).scalars().all())
    assert bodies
    assert all("訓練".encode() in body or b"DRILL" in body.upper() for body in bodies)


async def test_a_channel_that_can_only_show_a_drill_plans_nothing(tmp_path: Path) -> None:
    channels = {"mail": mail(9)}
    async with engine(tmp_path, channels=channels, drilling=Drilling.PREVIEW_ONLY) as hub:
        groups = await everybody(hub)
        for mode in (Mode.RESIDENT_DRILL, Mode.STAFF_DRILL):
            alert = await hub.send(mode=mode)
            await hub.fanout.plan(alert)
            assert (await hub.tally(alert))["mail"].done
            assert not await members(hub, alert)
        live = await hub.send()
        await hub.fanout.plan(live)
        assert (await members(hub, live)).total() == len(groups["residents"]) + len(groups["volunteers"])


# --- interruptions ---


async def test_planning_goes_on_where_it_stopped(hub: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.fanout.STEP", 3)
    ids = await hub.register(residents(500))
    alert = await hub.send()
    steps = 0
    while not (await hub.tally(alert))["mail"].complete:
        # Only this many steps before the process dies.
        accepted = await hub.ledger.read(lambda conn: _get(conn, alert))
        plan = await hub.ledger.read(lambda conn: plans.get(conn, alert, "mail"))
        source = source_of(accepted.alert, (), "mail", hub.capabilities["mail"])
        assert await hub.fanout._step(accepted, "mail", plan, source, {})
        steps += 1
        tally = (await hub.tally(alert))["mail"]
        assert tally.planned == tally.pending
        assert not tally.done
    assert steps > 3
    assert await members(hub, alert) == dict.fromkeys(ids, 1)


def _get(conn: Any, alert: str) -> Accepted:
    from hub.ledger import alerts

    return alerts.get(conn, KEYS, alert)


async def test_two_planners_at_once_plan_everybody_once(hub: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.fanout.STEP", 2)
    ids = await hub.register(residents(400))
    alert = await hub.send()
    await asyncio.gather(*(hub.fanout.plan(alert) for _ in range(4)))
    assert await planned(hub, alert) == dict.fromkeys(ids, 1)


async def test_a_planner_that_was_overtaken_between_its_steps_loses_nobody(
    hub: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it knows of the free batch numbers is from before the other's step."""
    monkeypatch.setattr("hub.fanout.STEP", 1)
    ids = await hub.register(residents(400))
    alert = await hub.send()
    announce, overtaken = hub.fanout._publish, False

    async def publish(*announced: Any) -> None:
        nonlocal overtaken
        await announce(*announced)
        if not overtaken:
            overtaken = True
            accepted = await hub.ledger.read(lambda conn: _get(conn, alert))
            plan = await hub.ledger.read(lambda conn: plans.get(conn, alert, "mail"))
            source = source_of(accepted.alert, (), "mail", hub.capabilities["mail"])
            assert await hub.fanout._step(accepted, "mail", plan, source, {})

    monkeypatch.setattr(hub.fanout, "_publish", publish)
    assert await planned(hub, alert) == dict.fromkeys(ids, 1)


def interrupted(hub: Engine, *, at_step: int, by: Callable[[], Any]) -> None:
    """Let `by` happen when planning has rendered its n-th variant: in the middle."""
    real, seen = hub.fanout._render, 0

    async def render(accepted: Accepted, variant: Variant) -> Content:
        nonlocal seen
        seen += 1
        if seen == at_step:
            await by()
        return await real(accepted, variant)

    hub.fanout._render = render


async def test_a_register_rebuilt_in_the_middle_loses_and_doubles_nobody(
    hub: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.fanout.STEP", 2)
    ids = await hub.register(residents(400))
    first_language = sorted({"ja", "en"})[0]

    async def people_move() -> None:
        """Some from behind the cursor to before it, some the other way."""

        def work(conn: Any) -> None:
            for id_ in ids[::7]:
                person = tables.recipients.c
                old = conn.execute(select(person.language).where(person.id == id_)).scalar_one()
                new = "ja" if old == first_language else first_language
                conn.execute(update(tables.recipients).where(person.id == id_).values(language=new))
            register.rebuild(conn, KEYS)

        await hub.ledger.write(work)

    interrupted(hub, at_step=3, by=people_move)
    assert await planned(hub, await hub.send()) == dict.fromkeys(ids, 1)


async def test_a_stop_in_the_middle_settles_the_unplanned_too(
    hub: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.fanout.STEP", 2)
    ids = await hub.register(residents(400))
    alert = await hub.send()

    async def stop() -> None:
        await hub.intake.stop(alert, AUTHOR)

    interrupted(hub, at_step=2, by=stop)
    assert await planned(hub, alert) == dict.fromkeys(ids, 1)
    assert (await hub.tally(alert))["mail"].done
    assert set((await hub.outcomes(alert)).values()) == {Outcome.CANCELLED}
    subscription = hub.bus.subscribe(bus.deliveries("mail", a_lane()), group="reader")
    async with subscription as records:
        told = {record.key for record in await records.get()}
    assert len(told) < len(await hub.rows(alert)), "batches of a stopped alert are not announced"


def a_lane() -> Any:
    from hub.alert import Lane

    return Lane.URGENT


# --- what goes wrong on one channel (I7) ---


async def test_a_channel_that_cannot_be_planned_stops_no_other(hub: Engine) -> None:
    ids = await hub.register(residents(50))
    alert = await hub.send(targeting=to(WholeCity(), "fax", "mail"))
    with pytest.raises(HubError, match="fax"):
        await hub.fanout.plan(alert)
    assert await members(hub, alert) == dict.fromkeys(ids, 1)


async def test_an_alert_that_must_wait_holds_up_no_other(
    hub: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await hub.register(residents(30))
    stuck, urgent = await hub.send(), await hub.send()
    forever = asyncio.Event()
    real = hub.fanout.plan

    async def plan(identifier: str) -> None:
        if identifier == stuck:
            await forever.wait()
        await real(identifier)

    monkeypatch.setattr(hub.fanout, "plan", plan)
    async with hub.running("sweep", "fanout"):
        await hub.planned(urgent)
        assert not await members(hub, stuck)
        forever.set()
        await hub.planned(stuck)
    assert await members(hub, stuck) == dict.fromkeys(ids, 1)


async def test_a_forged_alert_record_plans_nothing(hub: Engine) -> None:
    await hub.register(residents(30))
    async with hub.running("sweep", "fanout"):
        await hub.bus.publish(bus.ALERTS, "a", b"\x00" * 64)
        await hub.planned(await hub.send())
        (letter,) = await letters(hub.bus, hub.records, 1)
    assert (letter.topic, letter.key, letter.value) == (bus.ALERTS, "a", b"\x00" * 64)
