"""`yobikake bench ingest`."""

import asyncio
from dataclasses import asdict
from typing import Annotated

import typer

from yobikake.bench.ingest import GOAL, Measured, measure
from yobikake.commands.bench.say import say
from yobikake.commands.output import AsJson, answer, out


def ingest(
    rounds: Annotated[int, typer.Option(min=1, max=50, help="Times each way; the median counts.")] = 5,
    readings: Annotated[
        int,
        typer.Option(min=50, max=5_000, help="Readings one by one in a round; ten times as many together."),
    ] = 1_000,
    together: Annotated[
        int, typer.Option(min=2, max=50, help="Readings of a request, or under way at once to the broker.")
    ] = 50,
    connections: Annotated[int, typer.Option(min=1, max=100, help="HTTP connections of the sender.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Take sensor readings by HTTP and MQTT, many together and one by one, and compare."""
    measured = asyncio.run(
        measure(rounds, readings=readings, together=together, connections=connections, say=say)
    )
    found = {
        "ratios": {name: asdict(each) for name, each in measured.ratios.items()},
        "rates": {
            name: {what: asdict(each) for what, each in rates.items()}
            for name, rates in measured.rates.items()
        },
        "arrived_once": measured.arrived,
        "absent": measured.absent,
        "rounds": measured.rounds,
        "together": measured.together,
        "goal_http": GOAL,
        "machine": asdict(measured.machine),
    }
    answer(found, as_json=as_json, show=lambda _: _show(measured))


def _show(measured: Measured) -> None:
    out.print(f"{measured.arrived:,} readings, each of which arrived exactly once; {measured.rounds} rounds")
    for name, rates in measured.rates.items():
        out.print(f"  {name}, readings/s: median (least–most)")
        for what, each in rates.items():
            out.print(f"    {what:<20} {each}")
    for name, ratio in measured.ratios.items():
        out.print(f"  {name:<32} {ratio} ×")
    out.print(f"  goal: by HTTP, {measured.together} to 1, {GOAL:.0f} ×")
    for absent in measured.absent:
        out.print(f"  not installed, so not measured: {absent}")
