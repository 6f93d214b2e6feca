"""The hub under test: `yobikake serve`, and a desk at which an operator sits.

    python -m yobikake.chaos.hub --settings FILE [--role R]… [--name N] [--sabotage S] [--failpoint NAME:NTH:HOW]…

Standard input takes a command a line, `{"id": 1, "do": "stop", "identifier": …}`; standard output gives
an answer for each, `{"id": 1, "ok": {…}}` or `{"id": 1, "error": …}`, in whatever order they are done.
The first line is `{"ready": true}`. It ends on SIGTERM as `serve` does, and when its input ends.
"""

import argparse
import asyncio
import ctypes
import faulthandler
import json
import logging
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import structlog

from hub import settings
from hub.errors import HubError
from yobikake import roles
from yobikake.assembly import assemble
from yobikake.chaos import sabotage
from yobikake.chaos.desk import ClockHand, Desk
from yobikake.chaos.failpoints import Armed, Failpoints
from yobikake.commands.serve import to_the_end

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m yobikake.chaos.hub")
    parser.add_argument("--settings", type=Path, required=True)
    parser.add_argument("--role", action="append", default=[])
    parser.add_argument("--name", default="")
    parser.add_argument("--sabotage", choices=sorted(sabotage.SABOTAGES))
    parser.add_argument("--failpoint", action="append", default=[], type=Armed.parse)
    given = parser.parse_args(arguments)
    end_with_parent()
    faulthandler.enable()
    _log()
    if given.sabotage:
        sabotage.apply(given.sabotage)
    failpoints = Failpoints()
    failpoints.install()
    for armed in given.failpoint:
        failpoints.arm(armed)
    asyncio.run(to_the_end(_serve(given.settings, given.role, given.name, failpoints)))


async def _serve(path: Path, wanted: Sequence[str], name: str, failpoints: Failpoints) -> None:
    hub = asyncio.create_task(_hub(path, wanted, name, failpoints))
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, hub.cancel)
    with suppress(asyncio.CancelledError):
        await hub


async def _hub(path: Path, wanted: Sequence[str], name: str, failpoints: Failpoints) -> None:
    clock = ClockHand()
    async with assemble(settings.load(path), name=name, clock=clock) as assembly:
        desk = Desk(assembly, failpoints, clock)
        async with asyncio.TaskGroup() as group:
            group.create_task(_listen(desk))
            names = wanted or roles.names(assembly)
            group.create_task(roles.run(assembly, names, ready=lambda: _say({"ready": True})))


async def _listen(desk: Desk) -> None:
    """Each command in a task of its own, until the input ends: then the hub does, too."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    answering: set[asyncio.Task[None]] = set()
    async for line in reader:
        task = asyncio.create_task(_answer(desk, json.loads(line)))
        answering.add(task)
        task.add_done_callback(answering.discard)
    os.kill(os.getpid(), signal.SIGTERM)


async def _answer(desk: Desk, command: dict[str, Any]) -> None:
    number = command.pop("id")
    try:
        _say({"id": number, "ok": dict(await desk.do(command.pop("do"), command))})
    except HubError as e:
        _say({"id": number, "error": type(e).__name__, "message": e.message})
    except Exception as e:
        structlog.get_logger(__name__).exception("a command failed")
        _say({"id": number, "error": type(e).__name__, "message": str(e)})


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def end_with_parent() -> None:
    """However the instrument ends, no hub is left behind, not even a stopped one (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _log() -> None:
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


if __name__ == "__main__":
    main()
