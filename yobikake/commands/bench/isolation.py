"""`yobikake bench isolation`."""

import asyncio
from dataclasses import asdict
from typing import Annotated

import typer

from yobikake.bench.isolation import BULK, GOAL, Measured, measure
from yobikake.commands.bench.say import say
from yobikake.commands.output import AsJson, answer, out


def isolation(
    recipients: Annotated[int, typer.Option(min=100, max=100_000, help="Recipients of the alert.")] = 4_000,
    blackholed: Annotated[str, typer.Option(help="The channel whose gateway never answers.")] = "line",
    rounds: Annotated[int, typer.Option(min=1, max=20, help="Times each way; the median counts.")] = 3,
    as_json: AsJson = False,
) -> None:
    """Send an alert on all channels, with and without one gateway that never answers, and compare the others."""
    if blackholed not in BULK:
        raise typer.BadParameter(f"one of {', '.join(BULK)}", param_hint="--blackholed")
    measured = asyncio.run(measure(recipients, blackholed=blackholed, rounds=rounds, say=say))
    found = asdict(measured) | {"ratios": measured.ratios, "ratio": measured.ratio}
    answer(found, as_json=as_json, show=lambda _: _show(measured))


def _show(measured: Measured) -> None:
    out.print(
        f"{measured.recipients:,} recipients, {measured.blackholed} blackholed, median of {measured.rounds}"
    )
    for channel, ratio in measured.ratios.items():
        without, with_it = measured.without[channel], measured.with_it[channel]
        out.print(
            f"  {channel:<6} complete after {without:7.2f} s, with the black hole {with_it:7.2f} s   {ratio:5.2f} ×"
        )
    out.print(f"  worst  {measured.ratio:5.2f} × (goal: at most {GOAL:.2f})")
