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
    assert said.plain
    assert "'check'" in said.err


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (("chek",), ["'chek' というコマンドはありません。'check' ですか"]),
        (("telegraph",), ["'telegraph' というコマンドはありません。使い方"]),
        (("line", "mneu"), ["'menu' ですか", "line --help"]),
        (("check", "--bogus"), ["--bogus はありません", "check --help"]),
        (("send", "--are", "x"), ["近いものは --area"]),
        (("send", "--as"), ["'--as' には値が要ります"]),
        (("check", "--json=1"), ["'--json' に値は書けません"]),
        (("alerts", "a", "b"), ["b が余分です"]),
        (("approve", "x", "--as", "sato", "--level", "four"), ["'--level' の値が使えません"]),
        (("bench", "report", "--only", "x"), ["there are mail", "この計測はありません"]),
    ],
    ids=" ".join,
)
def test_a_command_written_wrong_is_said_in_both_languages(line: tuple[str, ...], words: list[str]) -> None:
    said = run(*line)
    assert said.plain
    assert all(word in said.err for word in words), said.err


def test_everything_that_a_command_needs_is_said_at_once() -> None:
    said = run("send")
    assert said.plain
    assert "It needs --as, --template, --grounds" in said.err
    assert "要るもの：--as, --template, --grounds" in said.err


def test_help_that_was_asked_for_by_writing_nothing_is_no_error() -> None:
    said = run("line")
    assert (said.code, said.err) == (2, "")
    assert "menu" in said.out


def test_a_prompt_that_is_left_is_said_in_both_languages(monkeypatch: pytest.MonkeyPatch) -> None:
    """As by Ctrl-D, or without a terminal."""

    def left(**_: object) -> None:
        raise typer.Abort

    monkeypatch.setattr(cli, "app", left)
    said = run("voice", "test")
    assert said.code == 1
    assert "中止しました" in said.err
