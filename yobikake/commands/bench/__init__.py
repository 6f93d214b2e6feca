"""`yobikake bench`: how fast, against peers in the same run; and what holds up what. One file a measurement."""

import logging

import structlog
import typer

from yobikake.commands.bench.accept import accept
from yobikake.commands.bench.alert import alert
from yobikake.commands.bench.connectors import connectors
from yobikake.commands.bench.ingest import ingest
from yobikake.commands.bench.isolation import isolation
from yobikake.commands.bench.lanes import lanes
from yobikake.commands.bench.line import line
from yobikake.commands.bench.mail import mail
from yobikake.commands.bench.page import page
from yobikake.commands.bench.paint import paint
from yobikake.commands.bench.plan import plan
from yobikake.commands.bench.readings import readings
from yobikake.commands.bench.report import report
from yobikake.commands.bench.voice import voice
from yobikake.commands.bench.webpush import webpush

bench = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

for command in (
    alert,
    mail,
    line,
    voice,
    webpush,
    connectors,
    ingest,
    readings,
    page,
    paint,
    lanes,
    isolation,
    accept,
    plan,
    report,
):
    bench.command()(command)


@bench.callback()
def quietly() -> None:
    """Measure how fast it is, in a fresh temporary directory, against gateways on loopback."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
