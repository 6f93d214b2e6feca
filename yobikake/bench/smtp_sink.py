"""Postfix's `smtp-sink`: a server that takes all mail and throws it away, or keeps what it was told.

smtp-sink(1). It offers PIPELINING, 8BITMIME and DSN, and runs in a process of its own.
"""

import asyncio
import os
import pwd
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from hub.errors import Refused
from yobikake.rehearsal.servers.port import free_port
from yobikake.rehearsal.servers.process import NotStarted, run_as
from yobikake.rehearsal.servers.program import SMTP_SINK, SMTP_SOURCE, advice, missing

USER = "postfix"
BACKLOG = 1024
SESSIONS = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Sink:
    """A running one."""

    port: int
    pid: int

    def cpu_s(self) -> float:
        """Seconds of processor time so far (Linux, Documentation/scheduler/sched-stats)."""
        return int(Path(f"/proc/{self.pid}/schedstat").read_text(encoding="ascii").split()[0]) / 1e9


def require_postfix() -> None:
    """Raises `Refused` with what to install."""
    if absent := missing((SMTP_SINK, SMTP_SOURCE)):
        raise Refused(
            f"This measurement needs Postfix's smtp-sink and smtp-source ({advice(absent)}). / "
            "この計測には Postfix の smtp-sink と smtp-source が必要です。"
            "apt-get install postfix を実行してください（設定は「No configuration」）。"
        )


def hand_to_sink(folder: Path) -> None:
    """Let the sink write there: started by root, it runs as Postfix's own user."""
    if os.geteuid() == 0:
        user = pwd.getpwnam(USER)
        os.chown(folder, user.pw_uid, user.pw_gid)


@asynccontextmanager
async def smtp_sink(dump: Path | None = None) -> AsyncIterator[Sink]:
    """Listens on 127.0.0.1. `dump` gets every transaction, envelope and message, which costs time.

    What is to hold the dump goes through `hand_to_sink` first.
    """
    port = free_port()
    keep = ["-D", str(dump)] if dump else []
    user = USER if os.geteuid() == 0 else None
    argv = [*run_as(user), str(SMTP_SINK.path), "-m", str(SESSIONS), *keep, f"127.0.0.1:{port}", str(BACKLOG)]
    process = await asyncio.create_subprocess_exec(*argv, stderr=asyncio.subprocess.DEVNULL)
    try:
        await _listens(process, port)
        yield Sink(port=port, pid=process.pid)
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _listens(process: asyncio.subprocess.Process, port: int) -> None:
    while process.returncode is None:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionRefusedError:
            await asyncio.sleep(0.01)
            continue
        writer.close()
        await writer.wait_closed()
        return
    raise NotStarted("smtp-sink ended before it listened")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What was said in one transaction. The message's lines end in LF; its dots are not stuffed."""

    mail: str
    """The argument of MAIL: the path and its parameters."""
    rcpt: str
    """The first RCPT's."""
    message: bytes


def told(dump: Path) -> Told:
    """The first transaction of a dump."""
    first = re.split(rb"(?m)^X-Client-Addr: ", dump.read_bytes(), maxsplit=2)[1]
    envelope, _, message = first.partition(b"\nReceived: ")
    mail, rcpt = (re.search(rb"(?m)^X-%s-Args: (.*)$" % verb, envelope) for verb in (b"Mail", b"Rcpt"))
    assert mail is not None  # noqa: S101 - smtp-sink(1): always present
    assert rcpt is not None  # noqa: S101
    return Told(
        mail=mail[1].decode(),
        rcpt=rcpt[1].decode(),
        message=message.split(b"\n", 3)[3].removesuffix(b"\n"),
    )


def recipients(dump: Path) -> Counter[bytes]:
    """How often each address was named to the sink, in what it took."""
    return Counter(re.findall(rb"(?m)^X-Rcpt-Args: (<[^>]*>)", dump.read_bytes()))
