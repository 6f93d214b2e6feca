"""`yobikake bench line`."""

import asyncio
from dataclasses import asdict
from typing import Annotated

import typer

from yobikake.bench.figures import spread
from yobikake.bench.line import CONTRACT_PER_S, GOAL, Measured, measure
from yobikake.commands.bench.say import say
from yobikake.commands.output import AsJson, answer, out


def line(
    rounds: Annotated[int, typer.Option(min=1, max=50, help="Times each way; the median counts.")] = 3,
    requests: Annotated[
        int, typer.Option(min=20, max=10_000, help="Multicasts of a round, 500 people each.")
    ] = 1_000,
    latency_ms: Annotated[float, typer.Option(min=0, help="How long the gateway takes to answer.")] = 50.0,
    recipients: Annotated[
        int, typer.Option(min=0, max=1_000_000, help="Registrants of the whole hub; 0: without it.")
    ] = 20_000,
    as_json: AsJson = False,
) -> None:
    """Use LINE's 200 multicasts a second, and compare with line-bot-sdk by itself."""
    measured = asyncio.run(
        measure(rounds, requests=requests, latency_s=latency_ms / 1000, recipients=recipients, say=say)
    )
    found = {
        "ratios": {name: asdict(each) for name, each in measured.ratios.items()},
        "most_in_a_second": {name: max(each.most) for name, each in measured.series.items()},
        "taken": {name: sum(each.taken) for name, each in measured.series.items()},
        "refused": {name: sum(each.refused) for name, each in measured.series.items()},
        "cpu_ms": {name: asdict(spread(each.cpu_ms)) for name, each in measured.series.items()},
        "contract_per_s": CONTRACT_PER_S,
        "goal": GOAL,
        "rounds": measured.rounds,
        "requests": measured.requests,
        "latency_s": measured.latency_s,
        "machine": asdict(measured.machine),
    }
    answer(found, as_json=as_json, show=lambda _: _show(measured))


def _show(measured: Measured) -> None:
    out.print(
        f"{measured.requests:,} multicasts of 500, answered after {1000 * measured.latency_s:.0f} ms; "
        f"{measured.rounds} rounds; a contract of {CONTRACT_PER_S} a second"
    )
    for name, each in measured.series.items():
        out.print(
            f"  {name:<12} used {measured.ratios[name]} of it; at most {max(each.most)} in any second; "
            f"{sum(each.refused)} refused; {spread(each.cpu_ms)} ms of processor time a request"
        )
    out.print(f"  goal: {GOAL:.2f} of it, and never more than {CONTRACT_PER_S} in a second")
