"""`yobikake residents`: people come into the register from a spreadsheet, and are counted there."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bar
from rich.table import Table

from hub.clock import utc_now
from hub.language import Language
from yobikake import fax_trial, registration
from yobikake import support as statement
from yobikake.commands.output import DEFAULT, AsJson, SettingsFile, answer, err, load, out
from yobikake.registration import Counts, Imported, Progress

residents = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


@residents.callback()
def people() -> None:
    """Who is registered. / 登録している人"""


@residents.command("import")
def import_(
    file: Annotated[
        Path, typer.Argument(help=f"A CSV file in UTF-8, with the columns {','.join(registration.COLUMNS)}.")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check and count; register nobody.")] = False,
    trial: Annotated[
        bool | None,
        typer.Option(
            "--trial/--no-trial",
            help=f"Try each telephone and fax once, by day; without this: of {registration.BULK} people or fewer.",
        ),
    ] = None,
    settings_file: SettingsFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Register everybody in a CSV file, or nobody while any row of it is wrong. / CSVから登録する

    What is wrong is named by line and column, without showing it.
    """
    settings = load(settings_file)
    with _bar() as progress:
        imported = asyncio.run(
            registration.import_file(
                settings, file, dry_run=dry_run, progress=progress, at=utc_now(), trial=trial
            )
        )
    answer(imported, as_json=as_json, show=_imported)


@residents.command()
def count(settings_file: SettingsFile = DEFAULT, as_json: AsJson = False) -> None:
    """Show how many residents are registered, by channel and language. / 登録者の数"""
    counts = asyncio.run(registration.count(load(settings_file)))
    answer(counts, as_json=as_json, show=_counted)


@residents.command()
def support(
    number: Annotated[
        str, typer.Argument(help="A registered number (voice, sms or fax), as +81425550100 or 042-555-0100.")
    ],
    needs: Annotated[
        bool, typer.Option("--needs/--no-longer", help="They need help to evacuate, or do so no longer.")
    ],
    settings_file: SettingsFile = DEFAULT,
) -> None:
    """Keep what a resident says: that they need help to evacuate, so that they are called first. /
    避難に助けがいることを登録する
    """
    asyncio.run(statement.state(load(settings_file), number, needs=needs, at=utc_now()))
    out.print("kept / 記録しました")


@residents.command("try-fax")
def try_fax(
    number: Annotated[str, typer.Argument(help="As +81425550100 or 042-555-0100.")],
    settings_file: SettingsFile = DEFAULT,
) -> None:
    """Send a test page to one fax number, so that whoever registers it sees whether it comes out. /
    ファクスの試し
    """
    asyncio.run(fax_trial.try_out(load(settings_file), number, utc_now))
    out.print(
        "handed over to the gateway; see whether the page comes out / 送りました。紙が出るか確かめてください"
    )


@contextmanager
def _bar() -> Iterator[Progress]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Bar(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task("registering / 登録中", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _imported(imported: Imported) -> None:
    said = "Every row is good / すべての行を登録できます" if imported.dry_run else "Registered / 登録しました"
    out.print(f"{said}: residents / 住民 {imported.residents:,}, staff / 職員 {imported.staff:,}")
    if imported.trials:
        out.print(f"Numbers to be tried by day / 昼間に1回ずつ確かめる電話・FAX: {imported.trials:,}")
    out.print(_table(imported))


def _counted(counts: Counts) -> None:
    out.print(f"Residents registered / 登録している住民: {counts.residents:,}")
    out.print(_table(counts))


def _table(counts: Counts) -> Table:
    table = Table("", box=None, pad_edge=False)
    for channel in counts.channels:
        table.add_column(channel, justify="right")
    for language in Language:
        numbers = [languages.get(language, 0) for languages in counts.channels.values()]
        if any(numbers):
            table.add_row(language.autonym, *(f"{number:,}" for number in numbers))
    table.add_row("", *(f"{sum(languages.values()):,}" for languages in counts.channels.values()))
    return table
