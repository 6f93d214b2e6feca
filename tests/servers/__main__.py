"""python -m tests.servers run [--require] -- COMMAND…   the command, with every server's address
python -m tests.servers up                            the servers alone, until Ctrl-C
python -m tests.servers prepare                       what they need, installed; nothing is started

`run` ends with the exit code of the command. With `--require`, or CI=true, a server that cannot be
had is an error, and no test may skip itself for want of one.
"""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.servers.absence import REQUIRE, required
from tests.servers.stack import prepare, running
from yobikake.rehearsal.servers.say import say


def main() -> int:
    arguments = _arguments()
    try:
        return asyncio.run(_asked_for(arguments))
    except asyncio.CancelledError:
        return 0 if arguments.verb == "up" else 128 + signal.SIGINT


async def _asked_for(arguments: argparse.Namespace) -> int:
    if arguments.verb == "run":
        return await _run(arguments.command)
    if arguments.verb == "up":
        return await _up()
    await prepare()
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.servers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    run = verbs.add_parser("run", help="start the servers, run a command, end them")
    run.add_argument("--require", action="store_true", help="a missing server is an error")
    run.add_argument("command", nargs="+", metavar="COMMAND")
    verbs.add_parser("prepare", help="install what the servers need")
    verbs.add_parser("up", help="start the servers and keep them until Ctrl-C")
    arguments = parser.parse_args()
    if arguments.verb == "run" and arguments.require:
        os.environ[REQUIRE] = "1"
    return arguments


async def _run(command: list[str]) -> int:
    async with _servers() as environment:
        if environment is None:
            return 1
        return await _command(command, environment)


async def _up() -> int:
    async with _servers() as environment:
        if environment is None:
            return 1
        for variable, value in environment.items():
            if not variable.endswith("_MISSING"):
                print(f"export {variable}={value}", flush=True)
        say("Ctrl-C ends them")
        await asyncio.Event().wait()
    return 0


@asynccontextmanager
async def _servers() -> AsyncIterator[dict[str, str] | None]:
    """The environment that names them; None when one is missing and none may be."""
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    async with running() as (environment, lacking):
        for line in lacking:
            say(line)
        yield None if lacking and required() else environment


async def _command(argv: list[str], environment: dict[str, str]) -> int:
    """Ctrl-C reaches the command by itself, since the terminal sends it to both: we wait for its end."""
    child = await asyncio.create_subprocess_exec(*argv, env=os.environ | environment)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, lambda: None)
    loop.add_signal_handler(signal.SIGTERM, child.terminate)
    code = await child.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
