"""`yobikake shelters simulate`: an evening's people, told to go to the nearest shelter, or by plan."""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer
from rich.progress import Progress
from rich.table import Table

from hub.errors import BadInput
from yobikake.commands.output import AsJson, answer, err, out

if TYPE_CHECKING:  # numpy and scipy are loaded when it runs
    from yobikake.evaluation.comparison import Case, Comparison, Row
    from yobikake.evaluation.town import Scenario


def simulate(
    scenario: Annotated[
        str, typer.Option(help="typhoon-2019; -full: as many people as fit; -rush: all set out at once.")
    ] = "typhoon-2019",
    seeds: Annotated[int, typer.Option(min=1, max=10_000, help="How many evenings.")] = 10,
    svg: Annotated[Path | None, typer.Option(help="Draw the first evening into this file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Compare what becomes of an evening's people under each policy. / 誘導のしかたを比べる"""
    from yobikake.evaluation.comparison import compare  # noqa: PLC0415
    from yobikake.evaluation.town import SCENARIOS  # noqa: PLC0415

    chosen = SCENARIOS.get(scenario)
    if chosen is None:
        raise BadInput(
            "--scenario", f"{scenario}: there are {', '.join(SCENARIOS)} / このシナリオはありません"
        )
    if svg is not None:
        svg.write_text(_evening(chosen), encoding="utf-8")
    with Progress(console=err, transient=True) as bar:
        task = bar.add_task("evenings / 夜", total=seeds)
        compared = compare(chosen, range(1, seeds + 1), lambda done, _all: bar.update(task, completed=done))
    answer(_values(compared), as_json=as_json, show=lambda _: _show(compared))


def _evening(scenario: "Scenario") -> str:
    """The first one, as the hub knows it badly."""
    from yobikake.evaluation.comparison import FALLBACK, NEAREST, PROGRAMME  # noqa: PLC0415
    from yobikake.evaluation.evening_chart import drawn  # noqa: PLC0415
    from yobikake.evaluation.routing import live  # noqa: PLC0415
    from yobikake.evaluation.town import evening  # noqa: PLC0415

    this = evening(scenario, 1)
    policies = {
        "nearest / 最寄りへ": NEAREST,
        "proportional / 比例配分": FALLBACK,
        "programme / 計画": PROGRAMME,
    }
    outcomes = {
        name: live(this, way.policy, compliance=0.7, beliefs=this.wrong, told=way.told)
        for name, way in policies.items()
    }
    title = (
        f"{scenario.name}: {this.people:,} people, {100 * this.load:.0f} % of what {len(this.sites)} "
        "shelters hold (invented capacities)"
    )
    return drawn(this, outcomes, title=title)


def _values(compared: "Comparison") -> dict[str, Any]:
    values: dict[str, Any] = msgspec.to_builtins(compared)
    values["goals"] = [msgspec.to_builtins(goal) | {"met": goal.met} for goal in compared.goals]
    return values


def _show(compared: "Comparison") -> None:
    least, mean, most = (f"{100 * load:.0f}" for load in compared.load)
    out.print(
        f"{compared.scenario}: {compared.seeds} evenings, {compared.people:,} people, "
        f"load {mean} % of the capacity ({least} to {most} %)"
    )
    for case, rows in groupby(compared.rows, key=lambda row: row.case):
        table = Table("told", title=_title(case), title_justify="left", box=None, pad_edge=False)
        for heading in ("turned away", "of nearest", "minutes", "95 %", "sites full", "no place"):
            table.add_column(heading, justify="right")
        for row in rows:
            table.add_row(*_cells(row))
        out.print(table)
    for goal in compared.goals:
        sign, met = ("≤" if goal.at_most else "≥"), ("met" if goal.met else "NOT MET")
        out.print(
            f"{met:7} {100 * goal.figure:4.0f} % (goal {sign} {100 * goal.target:.0f} %) {goal.goal}",
            soft_wrap=True,
        )


def _title(case: "Case") -> str:
    usable = "" if case.usable is None else f", sites named until {100 * case.usable:.0f} % full"
    return f"\ncompliance {case.compliance}, priors {case.priors}{usable}"


def _cells(row: "Row") -> Iterator[str]:
    yield (
        f"{row.way.policy}, {row.way.told}" if row.way.policy in ("programme", "fallback") else row.way.policy
    )
    yield f"{100 * row.turned_away:.1f} %"
    yield "–" if row.way.policy == "nearest" else f"{-100 * row.reduction:+.0f} %"
    yield f"{row.walking_min:.1f}"
    yield f"{row.walking_p95_min:.0f}"
    yield f"{100 * row.sites_full:.0f} %"
    yield f"{row.unplaced:,}"
