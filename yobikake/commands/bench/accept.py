"""`yobikake bench accept`."""

import asyncio
from dataclasses import asdict
from typing import Annotated

import typer

from yobikake.bench.accept import GOAL_MS, Measured, measure
from yobikake.commands.bench.say import say
from yobikake.commands.output import AsJson, answer, out


def accept(
    accepts: Annotated[int, typer.Option(min=20, max=10_000, help="Alerts that are approved.")] = 300,
    recipients: Annotated[
        int, typer.Option(min=100, max=1_000_000, help="Registrants, to whom a fan-out runs all the while.")
    ] = 20_000,
    readings: Annotated[float, typer.Option(min=1, help="Sensor readings a second.")] = 500.0,
    as_json: AsJson = False,
) -> None:
    """Approve alerts while the hub fans out and counts, and compare with a plain durable commit."""
    measured = asyncio.run(measure(accepts, recipients=recipients, readings_per_s=readings, say=say))
    found = asdict(measured) | {"ratio": measured.ratio, "goal_p99_ms": GOAL_MS}
    answer(found, as_json=as_json, show=lambda _: _show(measured))


def _show(measured: Measured) -> None:
    out.print(
        f"{measured.accepts} accepts under {measured.readings_per_s:,.0f} readings/s and {measured.fan_outs} "
        f"fan-outs to {measured.recipients:,}"
    )
    out.print(
        f"  accept, to its answer          p50 {measured.p50_ms:7.1f} ms   p99 {measured.p99_ms:7.1f} ms"
    )
    out.print(
        f"  SQLite FULL, one row           p50 {measured.peer_p50_ms:7.1f} ms   p99 {measured.peer_p99_ms:7.1f} ms"
    )
    out.print(
        f"  ratio of the medians           {measured.ratio:.1f} × (goal: p99 of at most {GOAL_MS:.0f} ms)"
    )
