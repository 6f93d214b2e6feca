"""What residents are asked by telephone: two sets, one meaning a key, and no upper floor where houses are carried away."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from hub import reply_link
from hub.asking import Asking
from hub.cap import MsgType
from hub.evacuation import Level
from hub.exposure import Exposure
from hub.hazard import Hazard
from hub.keys import Keys
from hub.recipient import Called, RecipientId, Targeting, Town
from hub.reply import AGAIN, Given, Reply, counts, keys_of
from hub.reply_link import Replying
from hub.testing.alerts import an_alert

KEYS = Keys(fields={"1": bytes(32)}, index=bytes(32), record=bytes(32))
OTHERS = Keys(fields={"1": bytes(32)}, index=bytes(32), record=bytes(31) + b"\1")
NOW = datetime(2026, 9, 12, 12, 49, tzinfo=UTC)
BEFORE = {"1": Reply.SHELTER, "2": Reply.UPSTAIRS, "3": Reply.CANNOT}
AFTER = {"1": Reply.SAFE, "2": Reply.HELP}


@pytest.mark.parametrize(
    ("hazard", "level", "keys"),
    [
        (Hazard.FLOOD, Level.ELDERLY_EVACUATE, BEFORE),
        (Hazard.FLOOD, Level.SECURE_LIFE, BEFORE),
        (Hazard.INLAND_FLOOD, Level.EVACUATE, BEFORE),
        (Hazard.STORM_SURGE, Level.EVACUATE, BEFORE),
        (Hazard.LANDSLIDE, Level.EVACUATE, {"1": Reply.SHELTER, "3": Reply.CANNOT}),
        (Hazard.FLOOD, Level.ADVISORY, {}),
        (Hazard.FLOOD, None, {}),
        (Hazard.EARTHQUAKE, None, AFTER),
        (Hazard.TSUNAMI, Level.EVACUATE, {}),
        (Hazard.HEAT, None, {}),
    ],
)
def test_the_hazard_chooses_the_set(hazard: Hazard, level: Level | None, keys: dict[str, Reply]) -> None:
    assert keys_of(structs.replace(an_alert(), hazard=hazard, level=level)) == keys
    assert AGAIN not in keys


def test_nothing_is_asked_by_what_says_that_it_is_over_or_was_wrong_nor_of_staff_who_are_called() -> None:
    alert = structs.replace(an_alert(), hazard=Hazard.FLOOD, level=Level.EVACUATE)
    called = Targeting(audience=Called(muster=1, recipients=(RecipientId(1),)), channels=("voice",))
    assert keys_of(structs.replace(alert, msg_type=MsgType.UPDATE)) == BEFORE
    assert keys_of(structs.replace(alert, msg_type=MsgType.CANCEL)) == {}
    assert keys_of(structs.replace(alert, msg_type=MsgType.UPDATE, correction=True)) == {}
    assert keys_of(structs.replace(alert, targeting=called)) == {}


@pytest.mark.parametrize(
    ("town", "keys"),
    [("river", {"1", "3"}), ("hill", {"1", "2", "3"}), ("", {"1", "3"})],
)
def test_the_upper_floor_is_for_those_whose_house_stands(town: str, keys: set[str]) -> None:
    alert = structs.replace(an_alert(), hazard=Hazard.FLOOD, level=Level.EVACUATE)
    exposure = Exposure(leaving={Hazard.FLOOD: frozenset({Town("river")})})
    assert Asking(keys=KEYS, exposure=exposure).keys_of(alert, Town(town)).keys() == keys


def test_where_no_map_says_so_nobody_is_asked_whether_they_stay() -> None:
    alert = structs.replace(an_alert(), hazard=Hazard.INLAND_FLOOD, level=Level.EVACUATE)
    exposure = Exposure(leaving={Hazard.FLOOD: frozenset()})
    assert Asking(keys=KEYS, exposure=exposure).keys_of(alert, Town("hill")).keys() == {"1", "3"}


def test_somebodys_last_reply_counts_once() -> None:
    said = [(1, Reply.SHELTER), (2, Reply.CANNOT), (1, Reply.CANNOT), (3, Reply.SHELTER), (2, Reply.SHELTER)]
    assert counts(Given(RecipientId(who), what, NOW) for who, what in said) == {
        Reply.CANNOT: 1,
        Reply.SHELTER: 2,
    }


@settings(max_examples=20)
@given(st.integers(1, 9999), st.integers(1, 2**62))
def test_an_address_names_alert_and_person_and_opens_with_our_key_alone(number: int, who: int) -> None:
    replying = Replying(f"2026-{number:04}", RecipientId(who))
    token = reply_link.token(KEYS, *replying)
    assert reply_link.read(KEYS, token) == replying
    assert reply_link.read(OTHERS, token) is None
    assert reply_link.read(KEYS, token[:-1]) is None
    assert reply_link.read(KEYS, token.replace(f".{who}.", f".{who + 1}.")) is None
