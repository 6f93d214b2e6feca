"""The headcount on the screen is the number that would be planned."""

import pytest

from hub.alert import Mode
from hub.ledger import census
from hub.ledger.plans import Cursor
from hub.recipient import Audience, Targeting, Town, Towns, WholeCity
from hub.source import gather, source_of
from hub.testing.alerts import an_alert
from tests.unit.operator_ui.desk import CAPABILITIES, CITY, Desk

SOME = Towns(towns=tuple(CITY.towns)[:7])


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("audience", [WholeCity(), SOME], ids=["whole city", "some towns"])
async def test_it_counts_whom_the_fan_out_plans(desk: Desk, mode: Mode, audience: Audience) -> None:
    counted = await desk.ledger.read(lambda conn: census.take(conn, list(CAPABILITIES)))
    towns: frozenset[Town] | None = frozenset(SOME.towns) if isinstance(audience, Towns) else None
    for kind, has in CAPABILITIES.items():
        alert = an_alert(mode=mode, targeting=Targeting(audience=audience, channels=(kind,)))
        source = source_of(alert, (), kind, has)
        cuts, _, complete = await desk.ledger.read(
            lambda conn: gather(conn, source, Cursor(), size=10, limit=1_000)  # noqa: B023
        )
        assert complete
        assert counted.on(kind, has, mode, towns) == sum(len(cut.members) for cut in cuts), kind


async def test_a_person_on_two_channels_is_one_person(desk: Desk) -> None:
    counted = await desk.ledger.read(lambda conn: census.take(conn, list(CAPABILITIES)))
    assert counted.people(Mode.LIVE, None, ["mail", "line"]) == 30
    assert counted.people(Mode.LIVE, None, ["line"]) == 10
    assert counted.people(Mode.LIVE, None, []) == 0
    assert counted.people(Mode.STAFF_DRILL, None, ["mail", "line"]) == 4
    assert counted.people(Mode.RESIDENT_DRILL, None, ["mail", "line"]) == 3
    assert counted.residents == 30
