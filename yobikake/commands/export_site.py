"""`yobikake export-site`: the residents' pages as files, for a web server or a CDN in front."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bar

from hub.settings import Settings
from operator_ui.residents.static_site import Progress
from yobikake import export_site as exports
from yobikake.commands.output import DEFAULT, AsJson, SettingsFile, answer, err, load, out
from yobikake.site_folder import Changed


def export_site(
    to: Annotated[Path, typer.Option(help="The folder: new, empty, or written by this command before.")],
    watch: Annotated[
        bool, typer.Option("--watch/--once", help="Go on and follow every change until Ctrl-C or SIGTERM.")
    ] = False,
    settings_file: SettingsFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Write the residents' site as files: every language, each with its .gz, whole or not at all.

    Only what changed is written, and what is no longer true is removed. With --json an object that names the
    files written and removed; with --watch one on each line. config/nginx serves the folder.
    """
    settings = load(settings_file)

    def changed(found: Changed) -> None:
        answer(found, as_json=as_json, show=_show)

    if watch:
        asyncio.run(_watch(settings, to, changed))
    else:
        with _bar() as progress:
            found = asyncio.run(exports.once(settings, to, progress=progress))
        changed(found)


async def _watch(settings: Settings, to: Path, changed: Callable[[Changed], None]) -> None:
    task = asyncio.current_task()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)  # type: ignore[union-attr]
    try:
        with _bar() as progress:
            await exports.watch(settings, to, progress=progress, changed=changed)
    except asyncio.CancelledError:
        err.print(
            "stopped; the pages stay as they are, with their time on them / 停止しました。ページは残ります"
        )


@contextmanager
def _bar() -> Iterator[Progress]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Bar(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task("writing / 書き込み中", total=None)

        def progress(done: int, of: int) -> None:
            bar.update(task, completed=done, total=of, visible=done < of)

        yield progress


def _show(found: Changed) -> None:
    out.print(
        f"written / 書き込み {len(found.written):,}   removed / 削除 {len(found.removed):,}"
        f"   unchanged / 変更なし {found.unchanged:,}"
    )
