"""What a city might consider on account of a warning: proposals for people, graded, never more."""

from datetime import UTC, datetime

import msgspec
import pytest

from hub.evacuation import Level
from hub.hazard import Hazard
from hub.inbound.warning import InfoType, Place, State, Status, Suggestion, Telegram, Warned, suggest

RIVER = Place(code="999900000001", name="青波川")
CITY = Place(code="9920100", name="よびかけ市")
ELSEWHERE = Place(code="9920200", name="となり市")
WATCHED = {RIVER.code, CITY.code}

FLOOD = Warned(
    name="レベル４氾濫危険警報",
    code="40",
    hazard=Hazard.FLOOD,
    level=Level.EVACUATE,
    state=State.ISSUED,
    areas=(RIVER,),
)


def telegram(
    *warnings: Warned, status: Status = Status.NORMAL, info_type: InfoType = InfoType.ISSUE
) -> Telegram:
    return Telegram(
        kind="指定河川洪水予報",
        office="試し気象台",
        status=status,
        info_type=info_type,
        title="青波川レベル４氾濫危険警報",
        event_id="E1",
        serial="1",
        issued_at=datetime(2026, 9, 8, 12, 40, tzinfo=UTC),
        headline="",
        warnings=warnings,
    )


def but(warned: Warned, **changes: object) -> Warned:
    return msgspec.structs.replace(warned, **changes)


def test_a_dangerous_river_suggests_the_order_of_its_level() -> None:
    assert suggest(telegram(FLOOD), WATCHED) == (
        Suggestion(
            template="flood-4",
            hazard=Hazard.FLOOD,
            level=Level.EVACUATE,
            lifts=False,
            drill=False,
            grounds="青波川 レベル４氾濫危険警報（21時40分 発表）",
        ),
    )


@pytest.mark.parametrize("level", [3, 4, 5])
def test_each_level_a_city_orders_is_suggested(level: int) -> None:
    (made,) = suggest(telegram(but(FLOOD, level=Level(level))), WATCHED)
    assert (made.template, made.level) == (f"flood-{level}", level)


@pytest.mark.parametrize(
    "warned",
    [
        pytest.param(but(FLOOD, level=Level.ADVISORY), id="a level no order answers"),
        pytest.param(but(FLOOD, level=None), id="no level"),
        pytest.param(but(FLOOD, areas=(ELSEWHERE,)), id="somewhere else"),
        pytest.param(
            but(FLOOD, hazard=Hazard.STORM, level=None, state=State.LIFTED), id="a hazard without levels"
        ),
    ],
)
def test_nothing_is_suggested_for_what_no_order_answers(warned: Warned) -> None:
    assert suggest(telegram(warned), WATCHED) == ()


def test_a_test_or_a_withdrawn_telegram_suggests_nothing() -> None:
    assert suggest(telegram(FLOOD, status=Status.TEST), WATCHED) == ()
    assert suggest(telegram(FLOOD, info_type=InfoType.CANCEL), WATCHED) == ()


def test_a_drill_telegram_suggests_only_a_drill() -> None:
    (made,) = suggest(telegram(FLOOD, status=Status.DRILL), WATCHED)
    assert made.drill


def test_the_gravest_of_each_hazard_is_suggested_once() -> None:
    landslide = but(FLOOD, hazard=Hazard.LANDSLIDE, level=Level.ELDERLY_EVACUATE, areas=(CITY,))
    made = suggest(
        telegram(but(FLOOD, level=Level.ELDERLY_EVACUATE), FLOOD, but(FLOOD, state=State.LIFTED), landslide),
        WATCHED,
    )
    assert {each.template for each in made} == {"flood-4", "landslide-3"}


def test_a_lifted_warning_suggests_considering_the_lifting() -> None:
    (made,) = suggest(telegram(but(FLOOD, name="レベル２氾濫注意報解除", state=State.LIFTED)), WATCHED)
    assert (made.template, made.level, made.lifts) == ("flood-lift", None, True)


def test_a_bare_name_takes_the_telegram_s_title_as_grounds() -> None:
    (made,) = suggest(telegram(but(FLOOD, name="警戒", areas=(CITY, ELSEWHERE))), WATCHED)
    assert made.grounds == "よびかけ市 青波川レベル４氾濫危険警報（21時40分 発表）"


def test_a_telegram_received_twice_has_one_key_and_its_next_report_another() -> None:
    first = telegram(FLOOD)
    assert first.key == telegram(FLOOD).key
    assert first.key != msgspec.structs.replace(first, serial="2").key
    assert first.key != telegram(FLOOD, info_type=InfoType.CORRECTION).key
