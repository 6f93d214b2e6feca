"""A simulated evening: repeatable, nobody lost, and better by plan than by the nearest shelter."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner

from hub.hazard import Hazard
from yobikake.commands.shelters import shelters
from yobikake.evaluation import comparison, town
from yobikake.evaluation.comparison import FALLBACK, NEAREST, PROGRAMME, WRONG, Case
from yobikake.evaluation.routing import Policy, Told, live
from yobikake.evaluation.town import Scenario, evening

SMALL = Scenario(
    name="small", city="akishima", hazard=Hazard.FLOOD, load=(0.6, 0.6), open_sites=(3, 3), night=True
)


def test_an_evening_is_the_same_each_time_and_loses_nobody() -> None:
    this = evening(SMALL, 7)
    assert this == evening(SMALL, 7)
    assert this.families != evening(SMALL, 8).families
    assert all(site.designated_for(Hazard.FLOOD) for site in this.sites)
    assert this.load == pytest.approx(0.6, abs=0.01)
    outcomes = [
        live(this, policy, compliance=0.7, beliefs=this.wrong, told=told)
        for policy, told in (
            (Policy.NEAREST, Told.PLACE),
            (Policy.ROOM_NOW, Told.PLACE),
            (Policy.FALLBACK, Told.PLACE),
            (Policy.PROGRAMME, Told.FIRST),
        )
    ]
    for outcome in outcomes:
        assert sum(people[-1] for people in outcome.inside) + outcome.unplaced == this.people
        assert all(
            people[-1] <= (site.capacity or 0)
            for people, site in zip(outcome.inside, this.sites, strict=True)
        )
        assert outcome.walking_min < outcome.walking_p95_min
    nearest, room_now, fallback, programme = (outcome.turned_away for outcome in outcomes)
    assert max(fallback, programme) < room_now < nearest


def test_nobody_obeying_makes_every_policy_the_nearest() -> None:
    this = evening(SMALL, 9)
    by_plan, nearest = (
        live(this, policy, compliance=0.0, beliefs=this.right, told=Told.PLACE)
        for policy in (Policy.FALLBACK, Policy.NEAREST)
    )
    assert by_plan == nearest


def test_the_command_prints_the_goals_beside_the_figures_and_draws_the_evening(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(town.SCENARIOS, "small", SMALL)
    runs = (
        (Case(compliance=0.7, priors=WRONG), (NEAREST, FALLBACK, PROGRAMME)),
        (Case(compliance=0.5, priors=WRONG), (NEAREST, PROGRAMME)),
    )
    monkeypatch.setattr(comparison, "_RUNS", runs)
    drawing = tmp_path / "evening.svg"
    arguments = ["simulate", "--scenario", "small", "--seeds", "1", "--json", "--svg", str(drawing)]
    answered = CliRunner().invoke(shelters, arguments)
    assert answered.exit_code == 0, answered.output
    told = json.loads(answered.stdout)
    assert len(told["rows"]) == 5
    assert [goal["target"] for goal in told["goals"]] == [0.6, 0.5, 0.5, 1.0]
    for goal in told["goals"]:
        reached = goal["figure"] <= goal["target"] if goal["at_most"] else goal["figure"] >= goal["target"]
        assert goal["met"] == reached
    svg = ET.fromstring(drawing.read_text(encoding="utf-8"))
    rows = svg.findall(".//{http://www.w3.org/2000/svg}path")
    assert len(rows) == 3 * 3  # three policies, three sites
    shown = CliRunner().invoke(shelters, ["simulate", "--scenario", "none"])
    assert "typhoon-2019" in str(shown.exception)
