"""`yobikake bench readings`."""

import asyncio
from dataclasses import asdict
from typing import Annotated

import typer

from yobikake.bench.readings import GOAL_S, Measured, measure
from yobikake.commands.bench.say import say
from yobikake.commands.output import AsJson, answer, out

PERCENTS = (50, 95, 99)


def readings(
    per_s: Annotated[float, typer.Option(min=1, max=5_000, help="Readings a second, over MQTT.")] = 500.0,
    seconds: Annotated[float, typer.Option(min=2, max=600, help="For so long.")] = 60.0,
    recipients: Annotated[
        int, typer.Option(min=1, max=200_000, help="Of the alert that goes out meanwhile, by mail.")
    ] = 20_000,
    as_json: AsJson = False,
) -> None:
    """From a sensor's reading to the residents' page that shows it, while an alert goes out."""
    measured = asyncio.run(measure(per_s, seconds=seconds, recipients=recipients, say=say))
    found = {
        "page_s": {f"p{percent}": measured.percentile(percent) for percent in PERCENTS},
        "goal_p95_s": GOAL_S,
        "met": measured.met,
        "groups": measured.groups,
        "seen": len(measured.latencies_s),
        "readings": measured.readings,
        "per_s": measured.per_s,
        "recipients": measured.recipients,
        "alert_s": measured.alert_s,
        "absent": measured.absent,
        "machine": asdict(measured.machine),
    }
    answer(found, as_json=as_json, show=lambda _: _show(measured))


def _show(measured: Measured) -> None:
    out.print(
        f"{measured.readings:,} readings at {measured.per_s:,.0f} a second; "
        f"{len(measured.latencies_s)} of {measured.groups} groups were seen on the page"
    )
    for percent in PERCENTS:
        late = measured.percentile(percent)
        out.print(f"  p{percent}  {'not seen' if late is None else f'{late:.2f} s'}")
    met = "met / 達成" if measured.met else "not met / 未達成"
    out.print(f"  goal: p95 within {GOAL_S:g} s: {met}")
    over = "not over with" if measured.alert_s is None else f"over with after {measured.alert_s:.1f} s"
    out.print(f"  the alert to {measured.recipients:,} was {over}")
    for absent in measured.absent:
        out.print(f"  not installed: {absent}")
