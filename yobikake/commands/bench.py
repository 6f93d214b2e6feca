"""`yobikake bench`: how fast, against a peer in the same run; and what holds up what."""

import asyncio
import logging
from dataclasses import asdict
from typing import Annotated

import structlog
import typer

from yobikake import bench_accept, bench_isolation, bench_lanes
from yobikake.bench import Measured, measure
from yobikake.bench_lanes import Smarthost
from yobikake.commands.output import AsJson, answer, err, out

bench = typer.Typer(invoke_without_command=True, add_completion=False, pretty_exceptions_enable=False)


@bench.callback()
def throughput(
    context: typer.Context,
    recipients: Annotated[
        int, typer.Option(min=100, max=1_000_000, help="Recipients of the alert.")
    ] = 20_000,
    as_json: AsJson = False,
) -> None:
    """Send one alert by mail to many, embedded, and compare with aiosmtplib sending one by one."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    if context.invoked_subcommand is not None:
        return
    measured = asyncio.run(measure(recipients, say=_say))
    answer(asdict(measured) | {"ratio": measured.ratio}, as_json=as_json, show=lambda _: _show(measured))


@bench.command()
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
    measured = asyncio.run(bench_lanes.measure(recipients, drain_per_s=drain, smarthost=smarthost, say=_say))
    found = asdict(measured) | {"ratio": measured.ratio, "line_ratio": measured.line_ratio}
    answer(found, as_json=as_json, show=lambda _: _show_lanes(measured))


@bench.command()
def isolation(
    recipients: Annotated[int, typer.Option(min=100, max=100_000, help="Recipients of the alert.")] = 4_000,
    blackholed: Annotated[str, typer.Option(help="The channel whose gateway never answers.")] = "line",
    rounds: Annotated[int, typer.Option(min=1, max=20, help="Times each way; the median counts.")] = 3,
    as_json: AsJson = False,
) -> None:
    """Send an alert on all channels, with and without one gateway that never answers, and compare the others."""
    if blackholed not in bench_isolation.BULK:
        raise typer.BadParameter(f"one of {', '.join(bench_isolation.BULK)}", param_hint="--blackholed")
    measured = asyncio.run(
        bench_isolation.measure(recipients, blackholed=blackholed, rounds=rounds, say=_say)
    )
    found = asdict(measured) | {"ratios": measured.ratios, "ratio": measured.ratio}
    answer(found, as_json=as_json, show=lambda _: _show_isolation(measured))


@bench.command()
def accept(
    accepts: Annotated[int, typer.Option(min=20, max=10_000, help="Alerts that are approved.")] = 300,
    recipients: Annotated[
        int, typer.Option(min=100, max=1_000_000, help="Registrants, to whom a fan-out runs all the while.")
    ] = 20_000,
    readings: Annotated[float, typer.Option(min=1, help="Sensor readings a second.")] = 500.0,
    as_json: AsJson = False,
) -> None:
    """Approve alerts while the hub fans out and counts, and compare with a plain durable commit."""
    measured = asyncio.run(
        bench_accept.measure(accepts, recipients=recipients, readings_per_s=readings, say=_say)
    )
    found = asdict(measured) | {"ratio": measured.ratio, "goal_p99_ms": bench_accept.GOAL_MS}
    answer(found, as_json=as_json, show=lambda _: _show_accept(measured))


def _say(text: str) -> None:
    err.print(f"… {text}")


def _show(measured: Measured) -> None:
    out.print(f"{measured.recipients:,} recipients in {measured.variants} variants (language × zone)")
    out.print(f"  first accepted   {measured.first_s:6.2f} s after submit")
    out.print(f"  last accepted    {measured.last_s:6.2f} s after submit")
    out.print(f"  rate             {measured.rate:8,.0f} recipients/s")
    out.print(f"  aiosmtplib       {measured.peer_rate:8,.0f} recipients/s, one by one")
    out.print(f"  ratio            {measured.ratio:6.1f} ×")


def _show_lanes(measured: bench_lanes.Measured) -> None:
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


def _show_isolation(measured: bench_isolation.Measured) -> None:
    out.print(
        f"{measured.recipients:,} recipients, {measured.blackholed} blackholed, median of {measured.rounds}"
    )
    for channel, ratio in measured.ratios.items():
        without, with_it = measured.without[channel], measured.with_it[channel]
        out.print(
            f"  {channel:<6} complete after {without:7.2f} s, with the black hole {with_it:7.2f} s   {ratio:5.2f} ×"
        )
    out.print(f"  worst  {measured.ratio:5.2f} × (goal: at most {bench_isolation.GOAL:.2f})")


def _show_accept(measured: bench_accept.Measured) -> None:
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
        f"  ratio of the medians           {measured.ratio:.1f} × (goal: p99 of at most {bench_accept.GOAL_MS:.0f} ms)"
    )
