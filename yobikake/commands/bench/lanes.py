"""`yobikake bench lanes`."""

import asyncio
from dataclasses import asdict
from typing import Annotated

import typer

from yobikake.bench.lanes import Measured, Smarthost, measure
from yobikake.commands.bench.say import say
from yobikake.commands.output import AsJson, answer, out


def lanes(
    recipients: Annotated[
        int, typer.Option(min=200, max=1_000_000, help="Registrants, who all get both alerts.")
    ] = 114_000,
    drain: Annotated[
        float, typer.Option(min=1, help="Recipients a second that the smarthost passes on.")
    ] = 1_000.0,
    smarthost: Annotated[
        Smarthost, typer.Option(help="Whether it queues what it takes, or answers once it has passed it on.")
    ] = Smarthost.QUEUES,
    as_json: AsJson = False,
) -> None:
    """Send an urgent alert alone and behind a backlog of routine news, on all channels, and compare."""
    measured = asyncio.run(measure(recipients, drain_per_s=drain, smarthost=smarthost, say=say))
    found = asdict(measured) | {"ratio": measured.ratio, "line_ratio": measured.line_ratio}
    answer(found, as_json=as_json, show=lambda _: _show(measured))


def _show(measured: Measured) -> None:
    alone, behind = measured.alone, measured.behind
    out.print(
        f"{measured.recipients:,} registrants; a smarthost that {measured.smarthost} and passes on "
        f"{measured.drain_per_s:,.0f} recipients/s"
    )
    out.print("  urgent alert, after its approval     alone      behind routine")
    out.print(f"  first byte at any gateway      {alone.first_byte_s:8.2f} s   {behind.first_byte_s:8.2f} s")
    out.print(
        f"  last mail passed on            {alone.mail_drained_s:8.2f} s   {behind.mail_drained_s:8.2f} s"
        f"   {measured.ratio:5.2f} ×"
    )
    out.print(
        f"  last LINE message taken        {alone.line_taken_s:8.2f} s   {behind.line_taken_s:8.2f} s"
        f"   {measured.line_ratio:5.2f} ×"
    )
    out.print(f"  routine in the smarthost       at most {measured.routine_held_s:.2f} s of its work")
