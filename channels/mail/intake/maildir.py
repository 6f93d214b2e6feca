"""A maildir: reports are moved from `new` to `cur` once they are durable, anything else to `.others`.

https://cr.yp.to/proto/maildir.html; flags as there: `:2,S` is seen.
"""

import asyncio
import os
import socket
import time
from itertools import count
from pathlib import Path

import structlog

from channels.mail.intake.source import LATER, Take
from hub.errors import BadSettings

log = structlog.get_logger(__name__)

OTHERS = ".others"
"""Maildir++ sub-folder for what is no report of ours."""

AT_ONCE = 50
LARGEST = 1 << 20
"""Octets of a mail that are read; what matters stands before that."""

_DELIVERIES = count()


class Maildir:
    """Implements `Source`."""

    def __init__(self, folder: Path, *, every_s: float) -> None:
        """Raises `BadSettings` where there is no maildir and none can be made."""
        self._folder = folder
        self._every_s = every_s
        make(folder)
        make(folder / OTHERS)

    async def run(self, take: Take) -> None:
        while True:
            waiting = await asyncio.to_thread(_new, self._folder)
            for begin in range(0, len(waiting), AT_ONCE):
                await asyncio.gather(*(self._one(each, take) for each in waiting[begin : begin + AT_ONCE]))
            await asyncio.sleep(self._every_s)

    async def _one(self, path: Path, take: Take) -> None:
        try:
            ours = await take(await asyncio.to_thread(_read, path))
            kept = self._folder / "cur" if ours else self._folder / OTHERS / "new"
            suffix = ":2,S" if ours else ""
            await asyncio.to_thread(path.rename, kept / (path.name.partition(":")[0] + suffix))
        except LATER as e:
            log.warning("a mail stays in the maildir for now", error=type(e).__name__)


def make(folder: Path) -> None:
    try:
        for name in ("tmp", "new", "cur"):
            (folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as e:
        raise BadSettings(
            "[channels.mail.bounces_from]",
            f"{folder} is no maildir and none can be made there: {e.strerror} / メールの置き場所を作れません",
        ) from e


def keep(folder: Path, mail: bytes) -> None:
    """Deliver into a maildir; durable when this returns. Raises `OSError`."""
    name = f"{time.time_ns()}.P{os.getpid()}Q{next(_DELIVERIES)}.{socket.gethostname()}".replace("/", "_")
    written = folder / "tmp" / name
    with written.open("xb") as file:
        file.write(mail)
        file.flush()
        os.fsync(file.fileno())
    written.rename(folder / "new" / name)
    directory = os.open(folder / "new", os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _new(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in (folder / "new").iterdir() if path.is_file())
    except OSError as e:
        log.warning("the maildir cannot be read", error=type(e).__name__)
        return []


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(LARGEST)
