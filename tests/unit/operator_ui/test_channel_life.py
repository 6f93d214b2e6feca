"""Whether a channel lives: the first that is wrong decides."""

from datetime import timedelta
from typing import Any

import pytest

from hub.alert import Mode
from hub.canary import DAY, Plan, Proof
from hub.capabilities import Capabilities
from hub.channel import Health, Target
from hub.ledger.batches import Taken
from hub.ledger.canaries import Known
from hub.wifi_drill import Part, Record
from operator_ui.staff.channel_life import Line, Place, State, places
from tests.unit.operator_ui.desk import NOW

HALF_A_YEAR = timedelta(days=180)
PLAN = Plan(Proof.ACCEPTED, DAY, NOW.time())
CANARY = Known(
    channel="line", asked_at=None, sent_at=NOW - DAY, key="a", ref="", waiting=False, proven_at=NOW - DAY,
    took=None, missed=0, detail="",
)  # fmt: skip


def probed(*, ok: bool = True, ago: timedelta = timedelta(minutes=4)) -> Health:
    return Health(ok=ok, detail="", checked_at=NOW - ago)


def sent(ago: timedelta) -> Taken:
    return Taken(NOW - ago, Mode.STAFF_DRILL)


def line(**changes: Any) -> Line:
    known: dict[str, Any] = {
        "kind": "line", "has": Capabilities(kind="line", japanese="LINE", batch_size=1), "health": probed(),
        "plan": None, "nobody": False, "canary": None, "sent": None, "places": (),
        "drill_within": HALF_A_YEAR, "now": NOW,
    }  # fmt: skip
    return Line(**known | changes)


@pytest.mark.parametrize(
    ("known", "state"),
    [
        ({"sent": sent(DAY)}, State.GOOD),
        ({"sent": sent(HALF_A_YEAR + DAY)}, State.DUE),
        ({}, State.DUE),  # nobody has ever tried it
        ({"health": None, "sent": sent(DAY)}, State.UNKNOWN),
        ({"health": probed(ok=False), "plan": PLAN, "canary": CANARY}, State.DEAD),
        ({"health": probed(ago=timedelta(minutes=16)), "sent": sent(DAY)}, State.SILENT),
        ({"health": probed(ago=timedelta(minutes=14)), "sent": sent(DAY)}, State.GOOD),
        ({"plan": PLAN, "canary": CANARY}, State.GOOD),  # it is tried by itself: no drill is asked for
        ({"plan": PLAN}, State.UNKNOWN),
        ({"plan": PLAN, "canary": CANARY._replace(missed=1)}, State.MISSED),
        ({"canary": CANARY._replace(missed=1), "sent": sent(DAY)}, State.GOOD),  # set up no more
        ({"plan": PLAN, "nobody": True}, State.DUE),
        ({"places": [Place(name="駅", shown_at=NOW - DAY)]}, State.GOOD),
        ({"places": [Place(name="駅", shown_at=None)], "sent": sent(DAY)}, State.DUE),
    ],
)
def test_the_first_that_is_wrong_decides(known: dict[str, Any], state: State) -> None:
    assert line(**known).state is state


def test_what_went_through_is_dated_by_whatever_showed_it_last() -> None:
    assert line(plan=PLAN, canary=CANARY, sent=sent(timedelta(hours=2))).proven_at == NOW - timedelta(hours=2)
    assert line(plan=PLAN, canary=CANARY, sent=sent(2 * DAY)).proven_at == NOW - DAY
    drilled = [Place(name="駅", shown_at=NOW - DAY), Place(name="会館", shown_at=None)]
    assert line(places=drilled).proven_at == NOW - DAY
    assert line().proven_at is None, "an answer to a probe shows nothing of the way behind it"


def test_each_facility_has_the_last_drill_that_was_seen_there() -> None:
    targets = [Target(ref=ref, name=name) for ref, name in (("a", "駅"), ("b", "市役所"), ("c", "会館"))]
    drills = [
        record(Part(ref="a", name="駅", shown_at=NOW - DAY), Part(ref="b", name="市役所", problem="401")),
        record(
            Part(ref="a", name="駅", shown_at=NOW - 9 * DAY),
            Part(ref="b", name="市役所", shown_at=NOW - 9 * DAY),
        ),
    ]
    assert places(targets, drills) == [
        Place(name="会館", shown_at=None),
        Place(name="市役所", shown_at=NOW - 9 * DAY),
        Place(name="駅", shown_at=NOW - DAY),
    ]


def record(*parts: Part) -> Record:
    return Record(id="1", by="sato", begun_at=NOW, ended_at=NOW, ssid_name="kunren", parts=parts)
