"""`yobikake shelters evaluate`: how good the numbers of people are, beside simpler ways and the goals."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bar

from yobikake.commands import figures_table
from yobikake.commands.output import AsJson, answer, err
from yobikake.evaluation import calit2 as doorways
from yobikake.evaluation import estimate, forecast
from yobikake.evaluation import nanao as snapshots
from yobikake.evaluation.calit2 import Doorway
from yobikake.evaluation.crowds import BAD, USUAL


def evaluate(
    seeds: Annotated[
        int,
        typer.Option("--seeds", min=1, max=1000, help="How many simulated nights and evenings of each kind."),
    ] = 80,
    calit2: Annotated[
        Path | None,
        typer.Option(
            "--calit2",
            help="CalIt2's half hours (columns local_time,inflow,outflow): real counters drift, real days repeat.",
        ),
    ] = None,
    nanao: Annotated[
        Path | None,
        typer.Option("--nanao", help="Nanao's daily lists of open shelters (open_shelter_Nanao-shi_*.csv)."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure how good the numbers of people are, now and soon, beside simpler ways, with the goals. Needs no hub.

    Errors of the estimate are in percent of the mean number of people, on CalIt2 in people; those of the forecast in
    people, and in parts of the best of the simplest ways. What it shows is no verdict: it ends with 0 whether a goal
    is met or not.
    """
    doorway = doorways.read(calit2) if calit2 else None
    shelters = snapshots.read(nanao) if nanao else None
    nights = [f"evaluation:{number}" for number in range(seeds)]
    with _bar(4 * seeds) as advance:
        figures = {
            "estimate, 3-8 % missed": estimate.on_nights(
                nights,
                USUAL,
                error_at_most=5,
                better_at_least=15,
                coverage=(85, 97),
                progress=lambda _: advance(),
            ),
            "estimate, 8-15 % missed": estimate.on_nights(
                nights, BAD, error_at_most=7, coverage=(80, None), progress=lambda _: advance()
            ),
            **forecast.on_evenings(seeds, seed=1, progress=lambda _: advance()),
        }
    if doorway is not None:
        figures["estimate, drift on CalIt2"] = estimate.on_calit2(doorway)
        figures |= _of_half_hours(doorway)
    if shelters is not None:
        figures |= forecast.on_nanao(shelters)
    answer(
        {
            part: {name: figures_table.told(each) for name, each in named.items()}
            for part, named in figures.items()
        },
        as_json=as_json,
        show=lambda _: figures_table.show(figures),
    )


def _of_half_hours(doorway: Doorway) -> forecast.Parts:
    with _bar(2 * len(forecast.origins(doorway))) as advance:
        return forecast.on_calit2(doorway, progress=lambda _: advance())


@contextmanager
def _bar(total: int) -> Iterator[Callable[[], None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Bar(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task("evaluating / 評価中", total=total)
        yield lambda: bar.advance(task)
