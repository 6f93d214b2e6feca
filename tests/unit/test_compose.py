"""From a template to a message, and the names of what there is where a name is wrong."""

from datetime import UTC, datetime, timedelta

import pytest

import config
from hub import city as cities
from hub.alert import DecisionMethod, Mode
from hub.draft import Message, check
from hub.errors import BadInput
from hub.evacuation import Level
from hub.recipient import Towns, WholeCity
from yobikake import compose

NOW = datetime(2026, 9, 12, 9, 0, tzinfo=UTC)
CITY = cities.load(config.folder("akishima"))


def made(template: str, area: str | None = None) -> Message:
    return compose.message(
        compose.template(template),
        CITY,
        area=compose.preset(CITY, area) if area else None,
        mode=Mode.STAFF_DRILL,
        channels=("mail",),
        method=DecisionMethod.HEADQUARTERS,
        ordered_at=NOW,
        grounds="石原 氾濫危険水位",
    )


def test_a_preset_becomes_its_towns_and_its_name() -> None:
    message = made("flood-4", "tamagawa-flood")
    check(message)
    preset = CITY.presets["tamagawa-flood"]
    assert message.targeting.audience == Towns(towns=preset.towns)
    assert message.area.description == preset.area.ja
    assert (message.level, message.valid_for) == (Level.EVACUATE, timedelta(hours=6))
    assert {info.language for info in message.infos} == set(CITY.names)
    assert not any("{area}" in info.description for info in message.infos)


def test_the_whole_city_is_said_in_so_many_words() -> None:
    message = made("flood-4")
    check(message)
    assert message.targeting.audience == WholeCity()
    assert message.area.description == "昭島市全域"


def test_an_order_names_its_issuer() -> None:
    assert made("flood-4").order.issuer == CITY.mayor.ja


def test_a_correction_needs_the_alert_it_corrects() -> None:
    with pytest.raises(BadInput, match="earlier"):
        made("correction")


@pytest.mark.parametrize("name", ["", "flood", "FLOOD-4", "../phrases/flood-4"])
def test_a_template_there_is_not_is_answered_with_those_there_are(name: str) -> None:
    with pytest.raises(BadInput, match=r"flood-4.*定型文"):
        compose.template(name)


def test_an_area_there_is_not_is_answered_with_those_there_are() -> None:
    with pytest.raises(BadInput, match=r"tamagawa-flood.*地域"):
        compose.preset(CITY, "atlantis")


def test_a_template_for_what_the_city_does_not_have_is_not_offered() -> None:
    assert compose.template("storm_surge-4").id == "storm_surge-4"
    with pytest.raises(BadInput, match="flood-4") as refused:
        compose.template("storm_surge-4", without=CITY.absent)
    assert "storm_surge-3" not in refused.value.message
