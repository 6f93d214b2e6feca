"""`yobikake shelters`: who has room now, and how good the numbers are."""

import asyncio
from typing import Any

import typer
from rich.markup import escape
from rich.table import Table

from hub.settings import Settings
from shelters.board import Board, Row
from shelters.crowding import JAPANESE
from yobikake import initialise
from yobikake.commands.output import DEFAULT, AsJson, SettingsFile, answer, load, local, out
from yobikake.commands.shelters_evaluate import evaluate
from yobikake.commands.shelters_simulate import simulate
from yobikake.recorded_board import recorded_board

shelters = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
shelters.command()(evaluate)
shelters.command()(simulate)


@shelters.callback(invoke_without_command=True)
def show(
    context: typer.Context,
    settings_file: SettingsFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Show every site: its state, how many people are there, and how old that is."""
    if context.invoked_subcommand is not None:
        return
    found = asyncio.run(_board(load(settings_file)))
    answer([_site(row) for row in found.rows], as_json=as_json, show=lambda _: _sites(found))


async def _board(settings: Settings) -> Board:
    async with initialise.opened(settings) as ledger, recorded_board(settings, ledger) as look:
        return await look()


def _site(row: Row) -> dict[str, Any]:
    return {
        "code": row.site.code,
        "name": row.site.name.ja,
        "stage": row.step.stage,
        "people": row.people,
        "margin": row.occupancy.margin,
        "guessed": row.occupancy.guessed,
        "recount": row.occupancy.recount,
        "capacity": row.site.capacity,
        "crowding": row.crowding,
        "as_of": row.occupancy.as_of,
        "ahead": row.occupancy.ahead,
        "full_at": row.occupancy.full_at,
    }


def _sites(found: Board) -> None:
    table = Table("site", "state", "people", "crowding", "as of", "+30 min", box=None)
    for row in found.rows:
        people = "不明" if row.people is None else str(row.people)
        if row.people is not None and row.site.capacity is not None:
            people = f"{row.site.capacity}人中{row.people}人"
        if row.people is not None and row.occupancy.margin is not None:
            people += f" ±{row.occupancy.margin}" + (" 推定" if row.occupancy.guessed else "")
        crowding = "–" if row.crowding is None else JAPANESE[row.crowding]
        table.add_row(
            escape(row.site.name.ja),
            row.step.stage.japanese,
            people,
            crowding,
            local(row.occupancy.as_of),
            _soon(row),
        )
    out.print(table)


def _soon(row: Row) -> str:
    """A dash where nothing is forecast; 「？」 where nobody can say."""
    if not row.occupancy.ahead:
        return "–"
    soon = row.occupancy.ahead[0]
    return "？" if soon.people is None else f"{soon.people} ({soon.low}–{soon.high})"
