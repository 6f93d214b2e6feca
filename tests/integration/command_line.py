"""The command `yobikake` as somebody at a city hall runs it: in this process where that is enough, else in its own."""

import asyncio
import io
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import structlog

from yobikake import cli

PASSWORD = "correct horse battery"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def plain(self) -> bool:
        """Refused in words: no traceback, and what is wrong in both languages."""
        japanese = any("\u3040" <= letter <= "\u9fff" for letter in self.err)
        return self.code == 2 and not self.out and "Traceback" not in self.err and japanese


def run(*arguments: str | Path, typed: Iterable[str] = ()) -> Said:
    """In this process. `typed`: what is typed at the prompts that show nothing."""
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.TextIOWrapper(io.BytesIO(), "utf-8")
    with (
        _ends(),
        _logging_as_it_was(),
        patch.object(sys, "argv", ["yobikake", *map(str, arguments)]),
        patch("getpass.getpass", side_effect=list(typed)),
        patch.object(cli, "_log"),  # would bind every logger of this process to a stream of this call
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        code = _exit_code()
    return Said(code=code, out=_text(out), err=_text(err))


@contextmanager
def _logging_as_it_was() -> Iterator[None]:
    """`bench`, `chaos`, `check` and `demo` say nothing below an error: not what the next test of this process wants."""
    before = structlog.get_config()
    try:
        yield
    finally:
        structlog.configure(**before)


async def run_apart(*arguments: str | Path, cwd: Path | None = None) -> Said:
    """In a process of its own, beside the gateways of this one."""
    async with started(*arguments, cwd=cwd) as process:
        out, err = await process.communicate()
        assert process.returncode is not None
        return Said(code=process.returncode, out=out.decode(), err=err.decode())


@asynccontextmanager
async def started(
    *arguments: str | Path, cwd: Path | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "yobikake", *map(str, arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=cwd,
        env=os.environ | {"PYTHONWARNINGS": "default", "COLUMNS": "200"},
        start_new_session=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


def hub(folder: Path, *options: str) -> Path:
    """A new hub, without accounts. Gives its settings file."""
    said = run("init", folder, "--without-account", *options)
    assert said.code == 0, said.err
    return folder / "yobikake.toml"


def account(settings: Path, login: str, *roles: str) -> None:
    options = [option for role in roles or ("composer", "approver") for option in ("--role", role)]
    said = run(
        "account", "add", "-s", settings, "--login", login, "--name", "佐藤", "--password", PASSWORD, *options
    )
    assert said.code == 0, said.err


def change(settings: Path, old: str, new: str) -> None:
    text = settings.read_text(encoding="utf-8")
    assert old in text
    settings.write_text(text.replace(old, new), encoding="utf-8")


def add(settings: Path, text: str) -> None:
    with settings.open("a", encoding="utf-8") as file:
        file.write(f"\n{text}\n")


def _exit_code() -> int:
    try:
        cli.main()
    except SystemExit as e:
        return e.code if isinstance(e.code, int) else int(e.code is not None)
    return 0


@contextmanager
def _ends() -> Iterator[None]:
    """A hub that starts where it should have refused does not hold up the tests."""

    def still_running(*_: object) -> None:
        raise AssertionError("the command did not end")

    before = signal.signal(signal.SIGALRM, still_running)
    signal.alarm(120)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode("utf-8")
