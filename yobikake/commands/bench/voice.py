"""`yobikake bench voice`."""

import asyncio
from dataclasses import asdict
from typing import Annotated

import typer

from yobikake.bench.voice import GOAL, Measured, measure
from yobikake.commands.bench.say import say
from yobikake.commands.output import AsJson, answer, out


def voice(
    rounds: Annotated[int, typer.Option(min=1, max=50, help="Times each contract; the median counts.")] = 3,
    seconds: Annotated[int, typer.Option(min=1, max=3_600, help="Calls for so long.")] = 10,
    latency_ms: Annotated[float, typer.Option(min=0, help="How long the gateway takes to answer.")] = 50.0,
    as_json: AsJson = False,
) -> None:
    """Use contracts of one, ten and thirty calls a second."""
    measured = asyncio.run(measure(rounds, seconds=seconds, latency_s=latency_ms / 1000, say=say))
    found = {
        "ratios": {name: asdict(each) for name, each in measured.ratios.items()},
        "most_in_a_second": measured.most_in_a_second,
        "taken": measured.taken,
        "refused": measured.refused,
        "calls": {f"{per_s}_per_s": calls for per_s, calls in measured.calls.items()},
        "goal": GOAL,
        "rounds": measured.rounds,
        "machine": asdict(measured.machine),
    }
    answer(found, as_json=as_json, show=lambda _: _show(measured))


def _show(measured: Measured) -> None:
    out.print(f"the part of the contract that was used, {measured.rounds} rounds; {measured.refused} refused")
    for name, ratio in measured.ratios.items():
        out.print(f"  {name:<10} {ratio}; at most {measured.most_in_a_second[name]} calls in any second")
    out.print(f"  goal: {GOAL:.2f} of it, and never more than it allows in a second")
