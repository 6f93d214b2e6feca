"""Where requests go out one by one, the most exposed come first; and still everyone once, whatever interrupts it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from sqlalchemy import update

from hub import bus
from hub.alert import Lane
from hub.codec import BatchRecord
from hub.exposure import Exposure
from hub.hazard import Hazard
from hub.ledger import tables
from hub.recipient import RecipientId, Town
from hub.retry import batch_id
from tests.integration.engine import Engine, engine, mail, residents
from tests.integration.test_engine_fanout import interrupted

TOWNS = ("t1", "t2", "t3", "t4")
ORDER = Exposure(tiers={Hazard.FLOOD: (frozenset({Town("t3")}), frozenset({Town("t2"), Town("nobody's")}))})
OTHERWISE = Exposure(tiers={Hazard.FLOOD: (frozenset({Town("t1")}), frozenset({Town("t3")}))})
TIER = {"t3": 0, "t2": 1, "t1": 2, "t4": 2}


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Engine]:
    """A channel that sends one by one, in batches of 7. No worker runs."""
    channels = {"mail": mail(9, recipients_per_transaction=7)}
    async with engine(tmp_path, channels=channels, single_requests=True) as made:
        made.fanout._exposure = ORDER
        yield made


async def in_order(hub: Engine, alert: str) -> list[list[RecipientId]]:
    """The batches' members, in the order in which the batches are announced to the workers."""
    rows = await hub.rows(alert)
    by_id = {
        batch_id(alert, 1, "mail", row.language, row.zone or None, row.seq): list(row.members) for row in rows
    }
    found: list[list[RecipientId]] = []
    async with hub.bus.subscribe(bus.deliveries("mail", Lane.URGENT), group="reader") as records:
        while len(found) < len(rows):
            for record in await records.get(max_records=4):
                told = hub.records.unseal(BatchRecord, record.topic, record.key, record.value)
                found.append(by_id[told.batch])
    return found


async def test_the_most_exposed_are_announced_first_in_batches_of_their_own(hub: Engine) -> None:
    people = residents(400, towns=TOWNS)
    ids = await hub.register(people)
    town = {id_: person.town for id_, person in zip(ids, people, strict=True)}
    alert = await hub.send()
    await hub.fanout.plan(alert)
    tiers = [{TIER[town[id_]] for id_ in members} for members in await in_order(hub, alert)]
    assert all(len(tier) == 1 for tier in tiers)
    assert [tier for (tier,), _ in groupby(tiers, key=tuple)] == [0, 1, 2]


async def test_among_equals_who_needs_help_is_announced_first(hub: Engine) -> None:
    people = [
        structs.replace(person, support=n % 5 == 0) for n, person in enumerate(residents(400, towns=TOWNS))
    ]
    ids = await hub.register(people)
    place = {id_: (TIER[one.town], not one.support) for id_, one in zip(ids, people, strict=True)}
    alert = await hub.send()
    await hub.fanout.plan(alert)
    places = [{place[id_] for id_ in members} for members in await in_order(hub, alert)]
    assert all(len(each) == 1 for each in places)
    assert [each for (each,), _ in groupby(places, key=tuple)] == sorted(set(place.values()))


async def test_where_nobody_can_read_who_needs_help_everybody_is_called_all_the_same(hub: Engine) -> None:
    ids = await hub.register([structs.replace(each, support=True) for each in residents(20, towns=TOWNS)])
    await hub.ledger.write(lambda conn: conn.execute(update(tables.packs).values(support=b"0" * 40)))
    alert = await hub.send()
    await hub.fanout.plan(alert)
    assert sorted(id_ for members in await in_order(hub, alert) for id_ in members) == sorted(ids)


async def test_the_ledger_has_them_due_in_the_same_order(hub: Engine) -> None:
    """The sweeper claims what the bus never brought: longest due first."""
    people = residents(200, towns=TOWNS)
    ids = await hub.register(people)
    town = {id_: person.town for id_, person in zip(ids, people, strict=True)}
    alert = await hub.send()
    await hub.fanout.plan(alert)
    rows = sorted(await hub.rows(alert), key=lambda row: row.due_at)
    tiers = [TIER[town[id_]] for row in rows for id_ in row.members]
    assert tiers == sorted(tiers)


@pytest.mark.parametrize(
    "exposure", [Exposure(), Exposure(tiers={Hazard.TSUNAMI: ORDER.tiers[Hazard.FLOOD]})]
)
async def test_where_the_city_says_nothing_the_order_is_the_variants(hub: Engine, exposure: Exposure) -> None:
    hub.fanout._exposure = exposure
    ids = await hub.register(residents(100, towns=TOWNS))
    alert = await hub.send()
    await hub.fanout.plan(alert)
    rows = await hub.rows(alert)
    assert Counter(id_ for row in rows for id_ in row.members) == dict.fromkeys(ids, 1)
    variants = [(row.language, row.zone) for row in sorted(rows, key=lambda row: row.due_at)]
    assert variants == sorted(variants)


async def test_everyone_is_planned_once_by_several_planners(
    hub: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.fanout.STEP", 2)
    ids = await hub.register(residents(300, towns=TOWNS))
    alert = await hub.send()
    await asyncio.gather(*(hub.fanout.plan(alert) for _ in range(3)))
    assert Counter(id_ for row in await hub.rows(alert) for id_ in row.members) == dict.fromkeys(ids, 1)


@pytest.mark.parametrize("then", [OTHERWISE, Exposure()], ids=["another order", "none"])
@pytest.mark.parametrize("at_step", [2, 3])
async def test_another_order_in_the_middle_loses_and_doubles_nobody(
    hub: Engine, monkeypatch: pytest.MonkeyPatch, then: Exposure, at_step: int
) -> None:
    """The city's file was changed, and the hub started again, while an alert was being planned."""
    monkeypatch.setattr("hub.fanout.STEP", 2)
    ids = await hub.register(residents(300, towns=TOWNS))

    async def dies() -> Any:
        raise RuntimeError("the process dies")

    interrupted(hub, at_step=at_step, by=dies)
    alert = await hub.send()
    with pytest.raises(Exception, match="not planned"):
        await hub.fanout.plan(alert)
    planned = sum(len(row.members) for row in await hub.rows(alert))
    assert 0 < planned < len(ids)
    hub.fanout._exposure = then
    await hub.fanout.plan(alert)
    assert Counter(id_ for row in await hub.rows(alert) for id_ in row.members) == dict.fromkeys(ids, 1)
