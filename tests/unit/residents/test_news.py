"""What residents are told is in force, and when that changes."""

from datetime import timedelta

import pytest

from hub.alert import Mode
from hub.background import Background
from hub.cap import MsgType
from hub.errors import HubError
from hub.evacuation import Level
from hub.hazard import Hazard
from hub.language import Language
from hub.shelter_list import STALE_AFTER, Crowding
from operator_ui.residents.news import COUNTS_EVERY, STUCK_AFTER, News
from operator_ui.residents.snapshot import Snapshot
from shelters.public_list import Entry, public_list
from shelters.shelter import Stage
from tests.unit.residents.portal_setup import FLOOD, NOW, Town, flood_order, open_some

SECOND = timedelta(seconds=1)


def news(town: Town) -> News:
    return News(town.portal(), Background())


async def test_the_highest_level_stands_first_and_drills_last(town: Town) -> None:
    await town.publish(flood_order(number="2026-0001", level=Level.ELDERLY_EVACUATE), "2026-0001")
    await town.publish(flood_order(number="2026-0002", mode=Mode.RESIDENT_DRILL), "2026-0002")
    await town.publish(flood_order(number="2026-0003", level=Level.SECURE_LIFE), "2026-0003")
    snapshot = await news(town).now()
    assert [each.number for each in snapshot.alerts] == ["2026-0003", "2026-0001", "2026-0002"]


async def test_a_staff_drill_is_nowhere(town: Town) -> None:
    await town.publish(flood_order(mode=Mode.STAFF_DRILL), "2026-0147")
    asked = news(town)
    snapshot = await asked.now()
    assert snapshot.alerts == ()
    assert snapshot.hazards == ()
    assert await asked.alert("2026-0147") is None
    assert await asked.with_references(flood_order().identifier) is None
    assert await asked.recent(10) == []


async def test_a_stopped_expired_or_ended_alert_is_not_in_force(town: Town) -> None:
    first = flood_order(number="2026-0001")
    await town.publish(first, "2026-0001")
    await town.publish(
        flood_order(number="2026-0002", msg_type=MsgType.UPDATE, references=(first.identifier,), sequence=2),
        "2026-0002",
    )
    stopped = flood_order(number="2026-0003")
    await town.publish(stopped, "2026-0003")
    await town.stop(stopped.identifier)
    asked = news(town)
    assert [each.number for each in (await asked.now()).alerts] == ["2026-0002"]
    town.now += timedelta(hours=3)
    assert (await asked.now()).alerts == ()


async def test_a_lifted_order_names_no_shelters(town: Town) -> None:
    open_some(town.shelters)
    await town.publish(flood_order(msg_type=MsgType.CANCEL), "2026-0147")
    snapshot = await news(town).now()
    assert [each.number for each in snapshot.alerts] == ["2026-0147"]
    assert snapshot.hazards == ()


async def test_the_version_is_the_same_in_every_process_and_changes_with_an_alert(town: Town) -> None:
    first, second = news(town), news(town)
    before = (await first.now()).version
    assert (await second.now()).version == before
    await town.publish(flood_order(), "2026-0147")
    town.now += SECOND
    assert (await first.now()).version != before
    assert (await first.now()).hazards == (Hazard.FLOOD,)


async def test_head_counts_wait_but_a_site_that_fills_up_does_not(town: Town) -> None:
    open_some(town.shelters)
    await town.publish(flood_order(), "2026-0147")
    asked = news(town)
    versions = [(await asked.now()).version]
    town.shelters.put(FLOOD[0], Stage.RECEIVING, people=87, capacity=420, crowding=Crowding.HAS_ROOM)
    town.now += SECOND
    versions.append((await asked.now()).version)
    assert versions[1] == versions[0]
    town.now += COUNTS_EVERY
    versions.append((await asked.now()).version)
    assert versions[2] != versions[1]
    town.shelters.put(FLOOD[0], Stage.FULL, people=88, capacity=420, crowding=Crowding.HAS_ROOM)
    town.now += SECOND
    assert (await asked.now()).version != versions[2]


async def test_without_the_ledger_the_last_truth_stays_and_says_its_time(town: Town) -> None:
    await town.publish(flood_order(), "2026-0147")
    asked = news(town)
    known = await asked.now()
    await town.ledger.close()
    town.now += STUCK_AFTER
    later = await asked.now()
    assert (later.checked_at, later.alerts, later.stuck) == (NOW, known.alerts, False)
    town.now += SECOND
    stuck = await asked.now()
    assert stuck.stuck
    assert stuck.version != known.version


async def test_without_the_ledger_from_the_start_there_is_nothing_to_tell(town: Town) -> None:
    await town.ledger.close()
    with pytest.raises(HubError, match="Nothing can be read"):
        await news(town).now()


async def test_without_the_ledger_no_count_outlives_itself_and_no_alert_its_end(town: Town) -> None:
    open_some(town.shelters)
    alert = flood_order()
    await town.publish(alert, "2026-0147")
    asked = news(town)
    first = await asked.now()
    assert entry(first).crowding is Crowding.HAS_ROOM
    await town.ledger.close()
    town.now = first.until + SECOND
    later = await asked.now()
    assert (entry(later).people, entry(later).crowding) == (None, None)
    assert later.version != first.version
    assert later.slots.shelters(None, Hazard.FLOOD, Language.JA) is None, "no text names a site any more"
    town.now = alert.expires
    assert (await asked.now()).alerts == ()


def entry(snapshot: Snapshot) -> Entry:
    return next(each for each in public_list(snapshot.board, Hazard.FLOOD) if each.code == FLOOD[0].code)


async def test_counts_change_the_second_half_of_the_version_only(town: Town) -> None:
    open_some(town.shelters)
    await town.publish(flood_order(), "2026-0147")
    asked = news(town)
    before = (await asked.now()).version.split("-")
    town.shelters.put(FLOOD[0], Stage.RECEIVING, people=87, capacity=420, crowding=Crowding.HAS_ROOM)
    town.now += COUNTS_EVERY
    counted = (await asked.now()).version.split("-")
    assert (counted[0] == before[0], counted[1] == before[1]) == (True, False)
    town.shelters.put(FLOOD[0], Stage.PAUSED)
    town.now += SECOND
    assert (await asked.now()).version.split("-")[0] != before[0]


async def test_a_report_that_became_old_is_another_version(town: Town) -> None:
    town.shelters.put(FLOOD[0], Stage.RECEIVING, people=87, capacity=420, crowding=Crowding.HAS_ROOM)
    await town.publish(flood_order(), "2026-0147")
    asked = news(town)
    before = (await asked.now()).version
    town.now += STALE_AFTER  # the report was three minutes old, and is believed for forty
    assert (await asked.now()).version != before
