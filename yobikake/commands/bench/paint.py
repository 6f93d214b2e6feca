"""`yobikake bench paint`."""

import asyncio
from dataclasses import asdict
from typing import Annotated

import typer

from hub.language import Language
from yobikake.bench.paint import GOAL_S, LINES, Measured, measure
from yobikake.commands.bench.say import say
from yobikake.commands.output import AsJson, answer, out


def paint(
    rounds: Annotated[int, typer.Option(min=1, max=50, help="Visits on each line; the median counts.")] = 5,
    language: Annotated[list[Language] | None, typer.Option(help="Whose page; all without it.")] = None,
    as_json: AsJson = False,
) -> None:
    """Open the residents' page in Chromium on a bad line, as a first visit, and time its first paint."""
    measured = asyncio.run(measure(rounds=rounds, languages=language or list(Language), say=say))
    answer(asdict(measured), as_json=as_json, show=lambda _: _show(measured))


def _show(measured: Measured) -> None:
    out.print(f"the residents' page, first visits; of {measured.rounds} the median (least–most)")
    for language, lines in measured.lines.items():
        out.print(f"{language}: {measured.size_bytes[language]:,} bytes as sent")
        for line in lines:
            goal = f" (goal: {GOAL_S} s)" if line.kbit_s == min(LINES) else ""
            out.print(
                f"  {line.kbit_s:4} kbit/s, {line.latency_ms} ms: first paint {line.painted_s!s} s{goal}"
            )
            out.print(f"  {'':15} the last byte {line.loaded_s!s} s")
