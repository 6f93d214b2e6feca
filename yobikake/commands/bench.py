"""`yobikake bench`: how fast, against a peer in the same run."""

import asyncio
import logging
from dataclasses import asdict
from typing import Annotated

import structlog
import typer

from yobikake.bench import Measured, measure
from yobikake.commands.output import AsJson, answer, err, out


def bench(
    recipients: Annotated[
        int, typer.Option(min=100, max=1_000_000, help="Recipients of the alert.")
    ] = 20_000,
    as_json: AsJson = False,
) -> None:
    """Send one alert by mail to many, embedded, and compare with aiosmtplib sending one by one."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    measured = asyncio.run(measure(recipients, say=lambda text: err.print(f"… {text}")))
    answer(asdict(measured) | {"ratio": measured.ratio}, as_json=as_json, show=lambda _: _show(measured))


def _show(measured: Measured) -> None:
    out.print(f"{measured.recipients:,} recipients in {measured.variants} variants (language × zone)")
    out.print(f"  first accepted   {measured.first_s:6.2f} s after submit")
    out.print(f"  last accepted    {measured.last_s:6.2f} s after submit")
    out.print(f"  rate             {measured.rate:8,.0f} recipients/s")
    out.print(f"  aiosmtplib       {measured.peer_rate:8,.0f} recipients/s, one by one")
    out.print(f"  ratio            {measured.ratio:6.1f} ×")
