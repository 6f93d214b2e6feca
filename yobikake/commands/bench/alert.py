"""`yobikake bench alert`."""

import asyncio
from dataclasses import asdict
from typing import Annotated

import typer

from yobikake.bench.alert import Measured, measure
from yobikake.bench.hub_apart import Shape
from yobikake.commands.bench.say import say
from yobikake.commands.output import AsJson, answer, out


def alert(
    residents: Annotated[
        int, typer.Option(min=100, max=1_000_000, help="Who is registered, all by mail.")
    ] = 114_000,
    delay: Annotated[
        str, typer.Option(help="Milliseconds to the smarthost and back; several by commas: 0,10,50.")
    ] = "0",
    rounds: Annotated[int, typer.Option(min=1, max=50, help="Alerts of each kind; medians count.")] = 3,
    shape: Annotated[
        Shape, typer.Option(help="One process; or several over Kafka, PostgreSQL and Redis.")
    ] = Shape.EMBEDDED,
    as_json: AsJson = False,
) -> None:
    """Approve an alert over HTTP and watch the smarthost: first and last acknowledgement, ledger durable."""
    delays = _delays(delay)
    measured = asyncio.run(measure([residents], delays_ms=delays, shape=shape, rounds=rounds, say=say))
    answer(asdict(measured), as_json=as_json, show=lambda _: _show(measured))


def _delays(text: str) -> list[float]:
    try:
        delays = [float(each) for each in text.split(",")]
    except ValueError as e:
        raise typer.BadParameter("numbers of milliseconds, by commas", param_hint="--delay") from e
    if not all(0 <= each <= 1000 for each in delays):
        raise typer.BadParameter("0 to 1000 ms", param_hint="--delay")
    return delays


def _show(measured: Measured) -> None:
    for run in measured.runs:
        out.print(
            f"{run.residents:,} residents, {run.shape}, {run.delay_ms:g} ms; {len(run.rounds)} rounds, medians"
        )
        out.print(f"  the click was answered          {run.answer_ms:8.0f} ms")
        out.print(f"  first message acknowledged      {run.first_ms:8.0f} ms")
        out.print(f"  last message acknowledged       {run.last_ms:8.0f} ms")
        out.print(f"  every outcome durable           {run.durable_ms:8.0f} ms")
        out.print(f"  distinct recipients             {run.distinct:8,}")
