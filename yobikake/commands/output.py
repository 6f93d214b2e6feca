"""What every command shares: where the settings are, how an answer and an error are printed."""

import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console

from hub import settings
from hub.clock import JST
from hub.settings import Settings

T = TypeVar("T")

out = Console(highlight=False)
"""For what was asked for."""
err = Console(stderr=True, highlight=False)
"""For everything else: progress, warnings, errors."""

SettingsFile = Annotated[
    Path,
    typer.Option(
        "--settings", "-s", envvar="YOBIKAKE_SETTINGS", help="The hub's settings file.", show_default=True
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON value for a program to read.")]

DEFAULT = Path("yobikake.toml")


def load(path: Path) -> Settings:
    """Raises `BadSettings`, which `main` prints."""
    return settings.load(path)


def answer(value: T, *, as_json: bool, show: Callable[[T], None]) -> None:
    """`value` as one JSON value, or shown to a person."""
    if not as_json:
        show(value)
        return
    from hub import codec  # noqa: PLC0415 - not needed to show help

    sys.stdout.buffer.write(
        codec.encode(value) + b"\n"
    )  # UTF-8 whatever the terminal's locale (RFC 8259 §8.1)
    sys.stdout.flush()


def local(moment: datetime | None) -> str:
    """A time as staff read it."""
    return "–" if moment is None else moment.astimezone(JST).strftime("%m-%d %H:%M:%S")
