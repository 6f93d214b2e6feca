"""`yobikake chaos`: seeded runs of the real program under faults, and what became of everyone."""

import asyncio
import logging
import sys
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import structlog
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from hub import codec
from yobikake.chaos.report import Report
from yobikake.chaos.series import Done, series
from yobikake.chaos.shapes import Embedded, Shape
from yobikake.commands.output import err, out


class ShapeName(StrEnum):
    EMBEDDED = "embedded"
    CITY = "city"
    SMALL_CITY = "small-city"


class Sabotage(StrEnum):
    """Ways to break the hub on purpose."""

    SKIP_CLAIM = "skip-claim"
    ACK_EARLY = "ack-early"
    DROP_OUTCOME = "drop-outcome"
    NO_FENCE = "no-fence"


def chaos(
    seeds: Annotated[int, typer.Option(min=1, help="How many runs.")] = 30,
    seed_start: Annotated[int, typer.Option(min=0, help="The first run's seed.")] = 0,
    seed: Annotated[int | None, typer.Option(min=0, help="Only this one run, once more.")] = None,
    shape: Annotated[
        ShapeName,
        typer.Option(
            help="One process and no server; or many with Kafka (three nodes, or one), PostgreSQL and Redis."
        ),
    ] = ShapeName.EMBEDDED,
    jobs: Annotated[int, typer.Option(min=1, max=16, help="Runs side by side.")] = 2,
    sabotage: Annotated[
        Sabotage | None, typer.Option(help="Break the hub on purpose: the runs must tell.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object at the end.")] = False,
) -> None:
    """Kill, freeze and starve real hubs while they send to simulated gateways, and compare what the hub
    says with what the gateways saw. Nobody real is reached.

    A seed is a run that can be had again. What a run leaves behind that found something is kept.
    """
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    wanted = [seed] if seed is not None else list(range(seed_start, seed_start + seeds))
    report = asyncio.run(_run(wanted, shape, jobs, sabotage, quiet=as_json))
    if as_json:
        sys.stdout.write(codec.encode(report.as_json()).decode() + "\n")
    else:
        _print(report)
    if report.violations:
        raise typer.Exit(1)


async def _run(
    seeds: Sequence[int], shape: ShapeName, jobs: int, sabotage: Sabotage | None, *, quiet: bool
) -> Report:
    report = Report()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=quiet or not err.is_terminal) as bar:
        task = bar.add_task(_line(report), total=len(seeds))

        def on_done(done: Done) -> None:
            report.add(done.outcome)
            bar.update(task, advance=1, description=_line(report))
            if done.kept is not None:
                err.print(f"seed {done.outcome.plan.seed}: {done.kept}", markup=False, soft_wrap=True)

        await series(seeds, _shape(shape), jobs=jobs, sabotage=sabotage and sabotage.value, on_done=on_done)
    return report


def _shape(name: ShapeName) -> type[Shape]:
    if name is ShapeName.EMBEDDED:
        return Embedded
    from yobikake.chaos.city import City, SmallCity  # noqa: PLC0415 - Kafka's and PostgreSQL's clients

    return City if name is ShapeName.CITY else SmallCity


def _line(report: Report) -> str:
    return f"runs / 実行（違反 {len(report.violations)}）"


def _print(report: Report) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, value in report.as_json().items():
        if isinstance(value, int):
            table.add_row(name.replace("_", " "), f"{value:,}")
    for kind, times in sorted(report.fired.items()):
        table.add_row(f"  {kind}", f"{times:,}")
    out.print(table)
    for violation in report.violations:
        out.print(violation, markup=False, soft_wrap=True)
