"""The evaluation measures what it says, on numbers known beforehand, and the shipped library keeps its goals."""

import json
import os
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from hub.clock import JST
from hub.errors import BadInput
from shelters.ahead import HORIZONS, Ahead, Forecast
from shelters.evening import table
from shelters.forecast import Range
from yobikake.commands.shelters import shelters
from yobikake.evaluation import calit2, forecast, library, nanao, scenarios
from yobikake.evaluation.figure import Figure
from yobikake.evaluation.forecast import Score
from yobikake.evaluation.full import FullScore
from yobikake.evaluation.scenarios import USUAL

SHARED = Path(os.environ.get("YOBIKAKE_SHARED") or Path(__file__).resolve().parents[4] / "shared")
OCCUPANCY = SHARED / "data" / "occupancy"


def test_a_score_is_measured_by_the_best_of_the_simplest_ways() -> None:
    score = Score()
    score.add(10, Range(8, 11, 12), {"last": 14, "drift": 30}, now=14)
    score.add(20, Range(21, 23, 30), {"last": 24, "drift": 20}, now=24)
    score.add(5, None, {"last": 6, "drift": 5}, now=6)
    assert score.mae == pytest.approx(5 / 3)
    assert score.ratio == pytest.approx((1 + 3 + 1) / (4 + 4 + 1))
    assert score.coverage == 50


def test_a_time_to_full_is_right_where_it_comes_to_be_and_its_interval_holds_it() -> None:
    score, now, minute = FullScore(), forecast.START, timedelta(minutes=1)

    def say(full: int | None, between: tuple[int, int | None] | None, truth: int | None) -> None:
        ahead = tuple(Ahead(at=now + horizon, people=1, low=1, high=1) for horizon in HORIZONS[:2])
        ends = between and (now + between[0] * minute, between[1] and now + between[1] * minute)
        said = Forecast(ahead=ahead, full_at=None if full is None else now + full * minute, full_between=ends)
        score.add(said, now, None if truth is None else now + truth * minute)

    say(40, (20, None), 50)  # held, ten minutes off
    say(40, (20, 45), 58)  # too late for its interval
    say(None, (55, None), 90)  # beyond what is said: held
    say(None, None, 30)  # not foreseen
    say(None, None, None)  # nothing at stake
    say(30, (10, None), None)  # said, and it never fills: held, since it says perhaps not
    say(60, (10, 60), None)  # said for certain
    say(61, (10, None), None)  # not within the hour
    say(30, (10, 50), 0)  # it is full: nothing to say
    score.add(Forecast(), now, now + minute)
    assert score.held == [True, False, True, False, True, False, True]
    assert score.errors == [10, 18]
    assert score.foreseen == [True, True, False]
    assert score.false == [False, False, True, True]


def test_the_same_seed_gives_the_same_evening_and_nobody_is_made_of_nothing() -> None:
    one, again = (next(scenarios.evenings(USUAL, 1, seed=3)) for _ in range(2))
    other = next(scenarios.evenings(USUAL, 1, seed=4))
    assert (one.people == again.people).all()
    assert (one.counted == again.counted).all()
    assert one.people.tolist() != other.people.tolist()
    assert one.people[0] == 0
    assert 0 <= one.people.min() <= one.people.max() <= one.capacity
    assert one.people[-1] < one.people.max(), "they go home"
    assert 0 < np.abs(one.counted - one.people).max() < 0.2 * one.people.max()


def test_the_shipped_library_keeps_its_goals_on_evenings_it_never_saw() -> None:
    """Ten evenings are few: an interval may hold somewhat less, or more, of them than of all."""
    parts = forecast.on_evenings(10, seed=1)
    missed = {f"{part}: {name}": figure.value for part, name, figure in each(parts) if figure.met is False}
    assert all("coverage" in name and 70 < value < 93 for name, value in missed.items()), missed
    assert sum(figure.met is not None for _, _, figure in each(parts)) == 9


def each(parts: forecast.Parts) -> list[tuple[str, str, Figure]]:
    return [(part, name, figure) for part, named in parts.items() for name, figure in named.items()]


def test_the_library_is_learned_the_same_again() -> None:
    one, again = (library.learned(4, rounds=2, units=3) for _ in range(2))
    assert one == again
    stretched = library.stretched(one, 2)
    assert stretched.change[1::3] == one.change[1::3], "the middle stays"
    assert "shelters/evening.py" in library.written(stretched)
    assert len(table().hidden) == library.UNITS


def test_a_week_that_repeats_itself_is_known_by_its_hours(tmp_path: Path) -> None:
    doorway = calit2.read(written(tmp_path, days=17))
    people = calit2.online_estimate(doorway)
    assert people[14 * 48 + 30] == 8 * 14 - 8
    assert people[15 * 48 + 8] == 0
    figures = forecast.on_calit2(doorway)["forecast, CalIt2's estimate"]
    assert figures["+60 min, MAE"].value < 2
    assert figures["+60 min, MAE / best baseline"].at_most == 0.75


def written(folder: Path, *, days: int) -> Path:
    rows = (calit2_row(datetime(2026, 6, 1, tzinfo=JST) + k * calit2.STEP) for k in range(48 * days))
    (folder / "calit2.csv").write_text("\n".join(["local_time,inflow,outflow", *rows]))
    return folder / "calit2.csv"


def calit2_row(at: datetime) -> str:
    """Eight come every half hour from 8 to 15, and as many go from 15 to 22."""
    entered, left = 8 * (8 <= at.hour < 15), 8 * (15 <= at.hour < 22)
    return f"{at:%Y-%m-%dT%H:%M:%S},{entered if at.weekday() < 5 else 0},{left if at.weekday() < 5 else ''}"


def test_the_command_prints_the_goals_beside_the_figures(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "nanao").mkdir()
    for day in range(10, 20):
        file = tmp_path / "nanao" / f"open_shelter_Nanao-shi_2024-01-{day}-0600.csv"
        file.write_text(f"ID,人数\nA,{100 - day}", encoding="utf-8-sig")
    some = forecast.origins(calit2.read(written(tmp_path, days=22)))[::50]
    monkeypatch.setattr(forecast, "origins", lambda _: some)
    of = ["--calit2", str(written(tmp_path, days=22)), "--nanao", str(tmp_path / "nanao")]
    answered = CliRunner().invoke(shelters, ["evaluate", "--seeds", "1", "--json", *of])
    assert answered.exit_code == 0, answered.output
    parts = json.loads(answered.stdout)
    assert {part for part in parts if part.startswith("forecast")} == {
        "forecast, evenings",
        "forecast, evenings while filling",
        "forecast, evenings, time to full",
        "forecast, shifted evenings",
        "forecast, shifted evenings while filling",
        "forecast, shifted evenings, time to full",
        "forecast, CalIt2's estimate",
        "forecast, CalIt2's inflow",
        "forecast, Nanao",
    }
    goal = parts["forecast, shifted evenings while filling"]["+60 min, MAE / best baseline"]
    assert goal["at_most"] == 1.0
    assert goal["met"] == (goal["value"] <= 1.0)
    assert parts["forecast, Nanao"]["MAE / last value"]["met"]
    assert parts["forecast, Nanao"]["MAE"]["value"] == 1
    assert parts["forecast, CalIt2's inflow"]["+60 min, MAE / best baseline"]["at_most"] == 0.9


def test_too_few_days_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="three weeks at least"):
        forecast.on_calit2(calit2.read(written(tmp_path, days=14)))


@pytest.mark.parametrize(
    ("rows", "place"),
    [
        ("local_time,inflow,outflow\n2026-06-01T00:00:00,1,2\n2026-06-01T01:00:00,1,2", "line 3"),
        ("local_time,inflow\n2026-06-01T00:00:00,1", "line 2"),
        ("local_time,inflow,outflow\n2026-06-01T00:00:00,many,2", "line 2"),
        ("local_time,inflow,outflow", "no rows"),
    ],
)
def test_a_file_that_is_not_calit2_is_refused_with_its_line(tmp_path: Path, rows: str, place: str) -> None:
    file = tmp_path / "wrong.csv"
    file.write_text(rows)
    with pytest.raises(BadInput, match=place):
        calit2.read(file)


def test_snapshots_are_read_by_day_whatever_the_column_is_called(tmp_path: Path) -> None:
    write = {
        "2024-01-09-1800": "ID,人数_令和6年1月9日午後6時時点\nA,180\nB,",
        "2024-01-10-0600": "ID,人数\nA,170\nB,3.0",
        "2024-01-10-1800": "ID,人数\nA,171\n,9",
    }
    for at, text in write.items():
        (tmp_path / f"open_shelter_Nanao-shi_{at}.csv").write_text(text, encoding="utf-8-sig")
    ninth = datetime(2024, 1, 9, tzinfo=JST)
    shelters = nanao.read(tmp_path)
    assert shelters == {
        "A": {ninth: 180, ninth + timedelta(days=1): 171},
        "B": {ninth + timedelta(days=1): 3},
    }
    (tmp_path / "open_shelter_Nanao-shi_2024-01-11-0600.csv").write_text("ID,名称\nA,x")
    with pytest.raises(BadInput, match="2024-01-11"):
        nanao.read(tmp_path)
    with pytest.raises(BadInput, match="has no"):
        nanao.read(tmp_path / "elsewhere")


@pytest.mark.skipif(not OCCUPANCY.is_dir(), reason="the occupancy series are not beside the project")
def test_goals_on_real_numbers() -> None:
    doorway = calit2.read(OCCUPANCY / "calit2_in_out_30min.csv")
    parts = forecast.on_calit2(doorway) | forecast.on_nanao(nanao.read(OCCUPANCY / "nanao_shelters_2024"))
    assert [(part, name) for part, name, figure in each(parts) if figure.met is False] == []
    assert sum(figure.met is not None for _, _, figure in each(parts)) == 9
