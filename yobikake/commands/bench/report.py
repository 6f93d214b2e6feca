"""`yobikake bench report`."""

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from yobikake.bench import sections
from yobikake.bench.report import Reported
from yobikake.bench.report import report as measured
from yobikake.commands.bench.say import say
from yobikake.commands.output import AsJson, answer, out


def report(
    to: Annotated[
        Path, typer.Option(help="Folder for performance.md and its charts.", file_okay=False)
    ] = Path("docs"),
    full: Annotated[bool, typer.Option("--full", help="Longer runs, over an hour on two cores.")] = False,
    only: Annotated[str, typer.Option(help="These alone, by commas: mail,alert,city,…")] = "",
    as_json: AsJson = False,
) -> None:
    """Run a set of the measurements and write docs/performance.md with its charts."""
    reported = asyncio.run(measured(to, full=full, only=chosen(only), say=say))
    found = asdict(reported) | {"page": str(reported.page)}
    answer(found, as_json=as_json, show=lambda _: _show(reported))


def chosen(text: str) -> list[str]:
    """Names of sections; none: all of them."""
    known = [section.name for section in sections.ALL]
    names = [name.strip() for name in text.split(",") if name.strip()]
    if unknown := [name for name in names if name not in known]:
        raise typer.BadParameter(
            f"{', '.join(unknown)}: there are {', '.join(known)} / この計測はありません", param_hint="--only"
        )
    return names


def _show(reported: Reported) -> None:
    out.print(
        f"{reported.page}: {len(reported.measured)} measurements in {reported.seconds / 60:.1f} minutes"
    )
    for name, why in reported.skipped.items():
        out.print(f"  not measured: {name}: {escape(why)}", soft_wrap=True)
    for goal in reported.not_reached:
        out.print(f"  not reached: {goal}", soft_wrap=True)
