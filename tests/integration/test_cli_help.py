"""Help for every command and option, at once: what a command needs is loaded when it is run."""

import subprocess
import sys
from typing import Any

import pytest
import typer

from tests.integration.command_line import run
from yobikake import cli

HEAVY = {
    "aiohttp", "aiokafka", "alembic", "channels", "cryptography", "jinja2", "linebot", "lxml",
    "operator_ui", "redis", "shapely", "shelters", "sqlalchemy", "tweepy", "twilio",
}  # fmt: skip


def commands(name: str) -> list[Any]:
    """The command of this name, or those below it."""
    found: Any = cli._imported(name)
    return list(found.commands.values()) if hasattr(found, "commands") else [found]


def test_help_loads_nothing_that_only_a_command_needs() -> None:
    said = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "yobikake", "--help"], capture_output=True, text=True, check=True
    )  # fmt: skip
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in said.stderr.splitlines()}
    assert "yobikake" in loaded
    assert loaded & HEAVY == set()


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_and_option_says_what_it_is_for(name: str) -> None:
    for command in commands(name):
        assert command.help
        for option in command.params:
            assert option.help or option.name == "help", f"{name} {option.name}"
    said = run(name, "--help")
    assert (said.code, said.err) == (0, "")


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_the_list_says_what_the_command_says(name: str) -> None:
    """Its line there stands apart from its docstring, so that nothing need be loaded."""
    said = " ".join((typer.main.get_command(cli.app).commands[name].help or "").split())  # type: ignore[attr-defined]
    whole = " ".join((cli._imported(name).help or "").split())
    assert said.split()[:2] == whole.split()[:2]
    assert not said.isascii(), "in Japanese as well: staff read it"


def test_a_slip_of_the_pen_is_answered_with_what_was_meant() -> None:
    said = run("chek")
    assert said.code == 2
    assert "'check'" in said.err
