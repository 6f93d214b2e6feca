"""`yobikake bench plan`."""

import asyncio
from dataclasses import asdict
from typing import Annotated

import typer

from yobikake.bench.plan import Measured, measure
from yobikake.commands.bench.say import say
from yobikake.commands.output import AsJson, answer, out

MOST = 20_000_000


def plan(
    residents: Annotated[
        str, typer.Option(help="Sizes of the audience, by commas; 14000000 is Tokyo.")
    ] = "100000,1000000",
    as_json: AsJson = False,
) -> None:
    """Plan one alert by mail for audiences of growing size: time, memory, bytes in the database."""
    measured = asyncio.run(measure(sizes(residents), say=say))
    answer(asdict(measured), as_json=as_json, show=lambda _: _show(measured))


def sizes(text: str) -> list[int]:
    """Numbers of residents."""
    try:
        found = [int(part) for part in text.split(",")]
    except ValueError:
        found = []
    if not found or not all(100 <= each <= MOST for each in found):
        raise typer.BadParameter(
            f"from 100 to {MOST} residents, by commas: 100000,14000000 / 100〜{MOST}人をコンマで区切ってください",
            param_hint="--residents",
        )
    return found


def _show(measured: Measured) -> None:
    out.print("   residents   batches   seconds   s per million   memory growth   bytes per recipient")
    for size in measured.sizes:
        out.print(
            f"{size.residents:12,} {size.batches:9,} {size.seconds:9.2f} {size.seconds_per_million:15.2f} "
            f"{size.memory_growth_bytes / 1e6:12.1f} MB {size.bytes_per_recipient:21.1f}"
        )
