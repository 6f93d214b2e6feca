"""`yobikake serve`: run the hub, all of it or some of its roles."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Coroutine
from typing import Annotated, Any

import structlog
import typer

from hub.background import end_others
from yobikake import initialise
from yobikake import roles as all_roles
from yobikake.assembly import assemble
from yobikake.commands.output import DEFAULT, SettingsFile, err, load

log = structlog.get_logger(__name__)


def serve(
    settings_file: SettingsFile = DEFAULT,
    role: Annotated[
        list[str] | None,
        typer.Option("--role", help="Run only this role; repeat for several. Without it: all of them."),
    ] = None,
    name: Annotated[
        str,
        typer.Option(
            help="This process's name, unique in the hub and kept over restarts, for example mail-1."
        ),
    ] = "",
) -> None:
    """Run the hub until Ctrl-C or SIGTERM.

    Roles: api, fanout, sweep, receipts, shelters, and each channel by its name. Split over processes
    they need Kafka and a database server (see docs/operations.md).
    """
    asyncio.run(to_the_end(_serve(settings_file, role or [], name)))


async def to_the_end(serving: Coroutine[Any, Any, None]) -> None:
    """Serve, and leave nothing behind that keeps the process from ending: by then all that counts is durable."""
    await serving
    if left := await end_others():
        log.error("tasks that do not end are left behind", tasks=left)
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


async def _serve(settings_file: SettingsFile, wanted: list[str], name: str) -> None:
    _end_on_signals()
    try:
        settings = load(settings_file)
        await initialise.refuse_placeholders(settings)
        async with assemble(settings, name=name) as assembly:
            names = list(dict.fromkeys(wanted)) or all_roles.names(assembly)

            def ready() -> None:
                err.print(f"Yobikake ({assembly.deployment}) runs: {', '.join(names)}")
                if "api" in names:
                    err.print(f"  staff      {assembly.settings.staff.url}")
                    err.print(f"  residents  {assembly.settings.residents.url}")

            await all_roles.run(assembly, names, ready=ready)
    except asyncio.CancelledError:
        err.print("stopped; what was on its way is recorded / 停止しました")


def _end_on_signals() -> None:
    """The first signal ends the hub in order, from its first moment on; a second one at once."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    def end() -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
        if task is not None:
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end)
