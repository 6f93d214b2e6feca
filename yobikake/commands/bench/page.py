"""`yobikake bench page`."""

import asyncio
from dataclasses import asdict
from typing import Annotated

import typer

from yobikake.bench.page import GOAL_BYTES, GOAL_S, Measured, measure
from yobikake.commands.bench.say import say
from yobikake.commands.output import AsJson, answer, out


def page(
    rounds: Annotated[int, typer.Option(min=1, max=50, help="Times each way; the median counts.")] = 5,
    seconds: Annotated[float, typer.Option(min=0.1, max=60, help="Of each way in each round.")] = 2.0,
    streams: Annotated[
        int, typer.Option(min=1, max=20_000, help="Pages that are open when something changes.")
    ] = 5_000,
    as_json: AsJson = False,
) -> None:
    """Serve the residents' page kept, rendered each time, and by nginx, and compare; tell many of a change."""
    measured = asyncio.run(measure(rounds=rounds, seconds=seconds, streams=streams, say=say))
    answer(asdict(measured), as_json=as_json, show=lambda _: _show(measured))


def _show(measured: Measured) -> None:
    out.print(
        f"the residents' page, {measured.page_bytes:,} bytes packed, {measured.connections} connections"
    )
    out.print(f"  of {measured.rounds} rounds the median (least–most)")
    for way, rate in measured.rates.items():
        out.print(f"  {way:<18} {rate.per_s!s:>32} /s {rate.cpu_us.median:9,.0f} µs CPU")
        if rate.readers_busy > 0.9:
            out.print("    the readers were the limit, not the server")
    for name, ratio in measured.ratios.items():
        out.print(f"  {name:<25} {ratio!s:>25} ×")
    if measured.nginx:
        out.print(f"  {measured.nginx}")
    sse = measured.sse
    out.print(f"{sse.connected:,} open streams, of which {sse.heard:,} heard of a change")
    out.print(f"  from the first to the last  {sse.to_all_s:8.3f} s (goal: {GOAL_S} s)")
    out.print(f"  after the alert's commit    {sse.after_commit_s:8.3f} s")
    out.print(f"  memory for each             {sse.bytes_each:8,} bytes (goal: {GOAL_BYTES:,})")
