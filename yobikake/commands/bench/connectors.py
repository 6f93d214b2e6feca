"""`yobikake bench connectors`."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from yobikake.bench.connector_run import Run, Watch
from yobikake.bench.connectors import WINDOW, Measured, measure
from yobikake.bench.ways import ways
from yobikake.commands.bench.say import say
from yobikake.commands.output import AsJson, answer, err, out


def connectors(
    residents: Annotated[
        int, typer.Option(min=10, max=1_000_000, help="Who is registered on each channel that has addresses.")
    ] = 114_000,
    channels: Annotated[str, typer.Option(help="These alone, by commas: sms,webpush,window,…")] = "",
    faulty: Annotated[
        int,
        typer.Option(
            min=0,
            max=1_000_000,
            help="Residents of a second city, where some is refused, throttled or never answered; 0: without it.",
        ),
    ] = 2_000,
    questions: Annotated[
        int, typer.Option(min=1, max=10_000_000, help="What the window is asked.")
    ] = 114_000,
    as_json: AsJson = False,
) -> None:
    """Send an alert to everyone on each channel by itself, and compare what ledger and gateway say."""
    with _bar() as watch:
        measured = asyncio.run(
            measure(
                residents,
                faulty=faulty,
                questions=questions,
                channels=_chosen(channels),
                say=say,
                watch=watch,
            )
        )
    answer(asdict(measured), as_json=as_json, show=lambda _: _show(measured))


def _chosen(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    known = [*ways(()), WINDOW]
    if unknown := [name for name in names if name not in known]:
        raise typer.BadParameter(
            f"{', '.join(unknown)}: there are {', '.join(known)} / この手段はありません",
            param_hint="--channels",
        )
    return names


@contextmanager
def _bar() -> Iterator[Watch]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task("", total=None)
        yield lambda channel, done, of: bar.update(task, description=channel, completed=done, total=of)


def _show(measured: Measured) -> None:
    out.print(f"{measured.residents:,} residents; seconds from the click")
    _show_runs(measured.runs)
    _show_others(measured)


def _show_runs(runs: Sequence[Run]) -> None:
    for run in runs:
        out.print(
            f"  {run.channel:<8}{'faults ' if run.faulty else '       '}{run.sums.recipients:8,}  "
            f"first {run.first_s:6.2f}  last {run.last_s:8.2f}  settled {run.settled_s:8.2f}  {run.per_s:9,.0f}/s  "
            f"{run.requests:7,} requests  CPU {run.hub_cpu_s:7.2f} + {run.gateway_cpu_s:7.2f} s  "
            f"+{run.growth_bytes / 1e6:4.0f} MB  {run.sums.outcomes}, {run.sums.resent} resent",
            soft_wrap=True,
        )


def _show_others(measured: Measured) -> None:
    for peer in measured.peers:
        out.print(
            f"  {peer.channel}: {peer.name}, {peer.recipients:,}: {peer.per_s:,.0f}/s, {peer.cpu_ms:.2f} ms each"
        )
    if (window := measured.window) is not None:
        out.print(
            f"  window: {window.questions:,} questions answered, {window.per_s:,.0f}/s, "
            f"p50 {window.p50_ms:.0f} ms, p99 {window.p99_ms:.0f} ms, {window.hub_cpu_ms:.2f} ms CPU each, "
            f"+{window.growth_bytes / 1e6:.0f} MB; {window.naming:,} name a site, {window.wrong_sites} wrong ones"
        )
    parts = {run.channel: run.parts for run in measured.runs if not run.faulty}
    for channel, per_s in measured.contracts_per_s.items():
        out.print(
            f"  at {per_s:g} a second, as contracts have it, {channel} takes {parts[channel] / per_s / 3600:.1f} h"
        )
