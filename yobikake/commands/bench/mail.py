"""`yobikake bench mail`."""

import asyncio
from dataclasses import asdict
from typing import Annotated

import typer

from yobikake.bench.mail import AtDelay, Measured, measure
from yobikake.bench.mail_run import Unanswered
from yobikake.commands.bench.say import say
from yobikake.commands.output import AsJson, answer, err, out


def mail(
    delay: Annotated[
        str, typer.Option(help="Round trips to the server in milliseconds, separated by commas.")
    ] = "0,10,50",
    rounds: Annotated[int, typer.Option(min=1, max=100, help="Times each sender runs, in turn.")] = 5,
    connections: Annotated[int, typer.Option(min=1, max=100, help="To the server, of each sender.")] = 16,
    recipients: Annotated[
        int, typer.Option(min=100, max=1_000_000, help="Of a run, at most; slow senders get fewer.")
    ] = 114_000,
    as_json: AsJson = False,
) -> None:
    """Hand mail over to Postfix's smtp-sink, and compare with the sink's ceiling, smtp-source, aiosmtplib, Apprise.

    "ratios" in the JSON are those at the first delay; "delays" has them all.
    """
    try:
        measured = asyncio.run(
            measure(delays_ms=delays(delay), rounds=rounds, connections=connections, most=recipients, say=say)
        )
    except Unanswered as e:
        err.print(f"[red]yobikake:[/] {e}", soft_wrap=True)
        raise typer.Exit(1) from None
    answer({"ratios": measured.ratios} | asdict(measured), as_json=as_json, show=lambda _: _show(measured))


def delays(text: str) -> list[float]:
    """Round trips in milliseconds."""
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        found = []
    if not found or not all(0 <= each <= 1_000 for each in found):
        raise typer.BadParameter(
            "milliseconds from 0 to 1000, separated by commas: 0,10,50 / 0〜1000のミリ秒をコンマで区切ってください",
            param_hint="--delay",
        )
    return found


def _show(measured: Measured) -> None:
    counted = measured.verified
    out.print(
        f"everyone arrived once: {counted['r100']:,} by 100 a transaction, {counted['r1']:,} by a mail each; "
        f"a reply of their own: {counted['told_apart']:,}\n"
        f"{measured.rounds} rounds on {measured.connections} connections, load {measured.machine.load:.1f}; "
        f"medians (min–max)",
        soft_wrap=True,
    )
    for each in measured.delays:
        _show_delay(each)


def _show_delay(measured: AtDelay) -> None:
    out.print(
        f"\nround trip {measured.delay_ms:g} ms        recipients/s      of   CPU s  sink's CPU s   ours ×"
    )
    for name, figures in measured.senders.items():
        ratio = measured.ratios.get(name, "")
        out.print(
            f"  {name:<18} {figures.rate.median:>16,.0f} {figures.recipients:>8,} "
            f"{figures.cpu_s.median:>7.2f} {figures.sink_cpu_s.median:>8.2f}       {ratio}",
            soft_wrap=True,
        )
