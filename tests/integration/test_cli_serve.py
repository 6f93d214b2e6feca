"""`yobikake serve` ends in order when it is told to, and in words when it cannot go on."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.integration.command_line import add, change, hub, run_apart, started


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    made = hub(tmp_path / "a")
    change(made, "port = 8080", "port = 0")
    change(made, "port = 8081", "port = 0")
    add(made, "[channels.manual]")
    return made


@asynccontextmanager
async def serving(settings: Path, *options: str) -> AsyncIterator[asyncio.subprocess.Process]:
    async with started("serve", "-s", settings, *options) as process:
        assert process.stderr is not None
        seen = []
        while b"runs:" not in (line := await process.stderr.readline()):
            seen.append(line.decode())
            assert line, "".join(seen)
        yield process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_ends_in_order_when_told_to(settings: Path, number: signal.Signals) -> None:
    async with serving(settings) as process:
        process.send_signal(number)
        out, err = await process.communicate()
    assert (process.returncode, out) == (0, b"")
    assert "停止しました" in err.decode()
    assert "Traceback" not in err.decode()
    assert "ResourceWarning" not in err.decode()
    assert (await run_apart("check", "-s", settings)).code == 0


async def test_a_second_process_on_the_same_folder_is_refused_and_the_first_goes_on(settings: Path) -> None:
    async with serving(settings) as process:
        said = await run_apart("serve", "-s", settings)
        assert said.code == 2
        assert "Traceback" not in said.err
        assert "bus.db" in said.err
        assert process.returncode is None
        assert (await run_apart("alerts", "-s", settings, "--json")).out == "[]\n"


async def test_a_port_that_is_taken_is_named(settings: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        change(settings, 'port = 0\n#public_url = "https://hub', f'port = {port}\n#public_url = "https://hub')
        said = await run_apart("serve", "-s", settings)
    assert said.code == 2
    assert "[staff] port" in said.err
    assert str(port) in said.err
    assert "Traceback" not in said.err


async def test_an_unknown_role_is_answered_with_those_there_are(settings: Path) -> None:
    said = await run_apart("serve", "-s", settings, "--role", "fax")
    assert said.code == 2
    assert "--role fax" in said.err
    assert "manual" in said.err


async def test_the_answer_of_a_program_is_one_json_value_whatever_is_logged(settings: Path) -> None:
    for options in ((), ("--verbose",), ("--log-json",)):
        said = await run_apart(*options, "alerts", "-s", settings, "--json")
        assert (said.code, said.out) == (0, "[]\n")
