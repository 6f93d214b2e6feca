"""The command `yobikake`."""

import logging
import sys
from collections.abc import Iterator
from typing import Annotated

import structlog
import typer

from yobikake.preflight import refuse_foreign_packages

refuse_foreign_packages()

from hub.errors import HubError  # noqa: E402 - only after the preflight
from yobikake.commands import bench, check, demo, init, look, send, serve  # noqa: E402
from yobikake.commands.output import err  # noqa: E402

app = typer.Typer(
    name="yobikake",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Yobikake (呼びかけ): one emergency message on every channel at once, and shelters that answer.\n\n"
    "Start with `yobikake demo`; make a hub of your own with `yobikake init`.",
)
app.command()(demo.demo)
app.command()(init.init)
app.add_typer(init.account, name="account")
app.command()(serve.serve)
app.command()(check.check)
app.command()(send.send)
app.command()(send.approve)
app.command("alerts")(look.show_alerts)
app.command("shelters")(look.show_shelters)
app.command()(bench.bench)


@app.callback()
def options(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log every step.")] = False,
    log_json: Annotated[bool, typer.Option("--log-json", help="Log a JSON object a line.")] = False,
) -> None:
    _log(logging.DEBUG if verbose else logging.INFO, as_json=log_json)


def main() -> None:
    """Run a command. What the hub says on purpose is printed without a traceback, and ends with 2."""
    try:
        app()
    except (HubError, ExceptionGroup) as e:
        for error in _said_on_purpose(e):
            err.print("[red]yobikake:[/]", error.message, soft_wrap=True)
        sys.exit(2)


def _said_on_purpose(error: HubError | ExceptionGroup[Exception]) -> list[HubError]:
    """The hub's own errors in it; anything else in a group is a fault and keeps its traceback."""
    if isinstance(error, HubError):
        return [error]
    ours, others = error.split(HubError)
    if others is not None:
        raise others
    return list(_leaves(ours)) if ours is not None else []


def _leaves(group: ExceptionGroup[HubError]) -> Iterator[HubError]:
    for error in group.exceptions:
        if isinstance(error, ExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


def _log(level: int, *, as_json: bool) -> None:
    """To standard error: standard output belongs to the answer."""
    renderer = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
