"""A process that has the whole program imported, and becomes a hub at once.

A hub takes two seconds of a processor to import, and a run starts it again and again. So one process
imports it once and forks: each hub is a process of its own, as if it had been started from nothing.

    python -m yobikake.chaos.zygote SOCKET     the number of an inherited socket

A request is a line of JSON, the arguments of `yobikake.chaos.hub`, with three pipes for its standard
input, output and error. An answer is a line, `{"begun": PID}`, and one when it ended: `{"ended": PID,
"code": CODE}`.
"""

import gc
import json
import os
import random
import select
import signal
import socket
import sys
from collections.abc import Sequence
from typing import NamedTuple, NoReturn

LINE_BYTES = 1 << 16


class Pipes(NamedTuple):
    """The hub's ends of its standard input, output and error."""

    stdin: int
    stdout: int
    stderr: int


def main(number: int) -> None:
    """Fork hubs until the other end is closed."""
    _import_all()
    gc.freeze()  # what is shared stays shared
    asked = socket.socket(fileno=number)
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        ready, _, _ = select.select([number, reading], [], [])
        if reading in ready:
            os.read(reading, LINE_BYTES)
            _bury(asked)
        if number in ready:
            line, pipes, _, _ = socket.recv_fds(asked, LINE_BYTES, len(Pipes._fields))
            if not line:
                return
            _beget(asked, json.loads(line), Pipes(*pipes), (reading, writing))


def _beget(asked: socket.socket, arguments: Sequence[str], pipes: Pipes, own: Sequence[int]) -> None:
    pid = os.fork()
    if pid == 0:
        _become(arguments, pipes, (asked.fileno(), *own))
    for pipe in pipes:
        os.close(pipe)
    asked.sendall(json.dumps({"begun": pid}).encode() + b"\n")


def _become(arguments: Sequence[str], pipes: Pipes, own: Sequence[int]) -> NoReturn:
    """A hub like any other: its own pipes, its own session, its own luck."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    for number, pipe in enumerate(pipes):
        os.dup2(pipe, number)
    for each in (*own, *pipes):
        os.close(each)
    random.seed()
    code = 1
    try:
        from yobikake.chaos import hub  # noqa: PLC0415 - imported before the fork

        hub.main(arguments)
        code = 0
    except SystemExit as e:
        code = e.code if isinstance(e.code, int) else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _bury(asked: socket.socket) -> None:
    """Say who has ended."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        code = os.waitstatus_to_exitcode(status)
        asked.sendall(json.dumps({"ended": pid, "code": code}).encode() + b"\n")


def _import_all() -> None:
    """What a hub would import at its start and when its connectors are configured, and the texts it reads."""
    from importlib import import_module  # noqa: PLC0415

    from config import folder  # noqa: PLC0415
    from hub import phrases  # noqa: PLC0415
    from hub.language import Language  # noqa: PLC0415
    from operator_ui import words  # noqa: PLC0415
    from operator_ui.pages import FOLDER  # noqa: PLC0415
    from yobikake.chaos import hub  # noqa: PLC0415
    from yobikake.chaos.plan import CHANNELS  # noqa: PLC0415
    from yobikake.connectors import CONNECTORS  # noqa: PLC0415

    hub.end_with_parent()
    for channel in CHANNELS:
        import_module(CONNECTORS[channel][0])
    for lazily in ("hub.bus.kafka", "hub.live.redis", "psycopg", "twilio.rest.api"):
        import_module(lazily)
    phrases.load(folder("phrases"))
    words.load(FOLDER / "locales", Language)


if __name__ == "__main__":
    main(int(sys.argv[1]))
