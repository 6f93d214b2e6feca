"""The telegram of a rehearsal is read like a real one, and can start nothing but a drill."""

from datetime import UTC, datetime

import pytest
from lxml import etree

from hub.evacuation import Level
from hub.hazard import Hazard
from hub.inbound import jma
from hub.inbound.warning import State, Status, suggest
from tests.unit.inbound.test_jma import JMA, needs_samples
from yobikake.rehearsal.telegram import FORECAST_AREA, flood_forecast

AT = datetime(2026, 9, 12, 12, 40, tzinfo=UTC)


@pytest.mark.parametrize("level", [2, 3, 4, 5])
def test_it_is_a_drill_of_its_level(level: int) -> None:
    read = jma.parse(flood_forecast(AT, level=Level(level)))
    (warned,) = read.warnings
    assert read.status is Status.DRILL
    assert read.headline.startswith("【訓練】")
    assert read.issued_at == AT
    assert (warned.hazard, warned.level, warned.state) == (Hazard.FLOOD, level, State.ISSUED)


def test_it_suggests_the_evacuation_order_as_a_drill() -> None:
    (made,) = suggest(jma.parse(flood_forecast(AT)), {FORECAST_AREA})
    assert (made.template, made.level, made.drill) == ("flood-4", Level.EVACUATE, True)
    assert made.grounds == "多摩川 レベル４氾濫危険警報（21時40分 発表）"


def test_reports_of_one_rehearsal_share_their_event() -> None:
    first, second = (jma.parse(flood_forecast(AT, serial=serial)) for serial in (1, 2))
    assert first.event_id == second.event_id
    assert first.key != second.key


def test_a_river_s_name_cannot_break_the_form() -> None:
    read = jma.parse(flood_forecast(AT, river="<青&波川>"))
    assert read.warnings[0].areas[0].name == "<青&波川>"


@needs_samples
@pytest.mark.parametrize("level", [2, 3, 4, 5])
def test_it_has_the_form_of_the_official_schema(level: int) -> None:
    schema = etree.XMLSchema(etree.parse(JMA / "schema" / "jmx.xsd"))
    schema.assertValid(etree.fromstring(flood_forecast(AT, level=Level(level))))
