"""A folder of three files that the city's site pulls (docs/decisions/0007)."""

import asyncio
import errno
import fcntl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import IO

import msgspec
import structlog

from channels._durable import replace_file
from channels.website.notice import Masthead, Notice, Notices, as_html, as_json, as_rss, in_force, notice
from channels.website.place import Failed, InForce
from hub import typed
from hub.channel import Parcel, freely
from hub.clock import Clock
from hub.delivery import Outcome
from hub.errors import Refused
from hub.outbound import Deployment

log = structlog.get_logger(__name__)

STATE, FRAGMENT, FEED = "alerts.json", "alerts.html", "alerts.rss"
LOCK_WAIT = timedelta(seconds=4)
"""A process that was stopped in the middle of a change must not hold up the others with it."""

MARK = ".yobikake-deployment"
"""Says for which kind of hub a folder is, so that a rehearsal never writes what a city publishes."""


class Folder:
    """Implements `channels.website.place.Place`. Several processes may share the folder."""

    def __init__(self, directory: Path, masthead: Masthead, *, deployment: Deployment, clock: Clock) -> None:
        self._directory = directory
        self._masthead = masthead
        self._deployment = deployment
        self._clock = clock

    async def open(self) -> None:
        await asyncio.to_thread(self._recognise)

    async def close(self) -> None:
        """Nothing is held open."""

    async def publish(self, parcel: Parcel) -> Failed | None:
        new = notice(parcel.content, expires=parcel.expires_at)

        def with_it(notices: Sequence[Notice]) -> list[Notice]:
            return [*(each for each in notices if each.identifier != new.identifier), new]

        return await self._changed(with_it, parcel.gate)

    async def keep(self, in_force: InForce) -> None:
        """What is in force and is missing is put up again: somebody may have emptied the folder."""
        standing = {each.identifier for each in await self._standing()}
        wanted = {key: notice(said.content, expires=said.expires) for key, said in (await in_force()).items()}

        def kept(notices: Sequence[Notice]) -> list[Notice]:
            known = standing | wanted.keys()
            return [*(each for each in notices if each.identifier not in known), *wanted.values()]

        failed = await self._changed(kept, freely)
        if failed is not None:
            raise failed

    async def trouble(self) -> str:
        try:
            await asyncio.to_thread(self._recognise)
            await self._standing()
        except Refused as e:
            return e.message
        except Failed as e:
            return unreadable(e)
        return ""

    async def shown(self) -> int:
        """Notices on the page. Raises `Failed`."""
        return len(await self._standing())

    async def _standing(self) -> Sequence[Notice]:
        try:
            return (await asyncio.to_thread(self._read)).notices
        except OSError as e:
            raise Failed(Outcome.TEMPORARY, _name(e)) from None

    async def _changed(
        self, change: Callable[[Sequence[Notice]], Sequence[Notice]], gate: Callable[[], None]
    ) -> Failed | None:
        try:
            as_written = await asyncio.to_thread(self._change, change, gate)
        except OSError as e:
            return Failed(Outcome.TEMPORARY, _name(e))
        return None if as_written else Failed(Outcome.TEMPORARY, "read back")

    def _change(
        self, change: Callable[[Sequence[Notice]], Sequence[Notice]], gate: Callable[[], None]
    ) -> bool:
        """Apply `change` to what is there, write all three files, and say whether they read so.

        The gate is asked once nobody else is in the way: how long that takes is not ours to say.
        """
        with self._locked():
            gate()
            now = self._clock()
            notices = Notices(generated=now, notices=in_force(change(self._read().notices), now))
            files = {
                STATE: as_json(notices),
                FRAGMENT: as_html(notices),
                FEED: as_rss(notices, self._masthead),
            }
            for name, content in files.items():
                replace_file(self._directory / name, content)
            return all((self._directory / name).read_bytes() == content for name, content in files.items())

    def _read(self) -> Notices:
        """What the state file says. A damaged one must not keep a new alert off the page."""
        path = self._directory / STATE
        try:
            return typed.from_json(path.read_bytes(), Notices)
        except FileNotFoundError:
            self._directory.stat()
        except (msgspec.DecodeError, UnicodeDecodeError):
            log.error("website state damaged, starting from an empty page", file=str(path))
        return Notices(generated=self._clock())

    def _recognise(self) -> bool:
        """Whether the folder bears our mark; False if it bears none, or is not there. Raises `Refused`."""
        ours = self._deployment.value
        try:
            found = (self._directory / MARK).read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            return False
        if found != ours:
            raise Refused(
                f"[channels.website] directory: {self._directory} belongs to a {found} hub, this one is {ours}. "
                "Nothing was written. / 本番用と訓練用のフォルダを取り違えています。何も書いていません。"
            )
        return True

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One writer at a time, over all processes of this machine; the first leaves our mark.

        Raises:
            BlockingIOError: another writer did not make room within `LOCK_WAIT`.
        """
        with (self._directory / ".lock").open("w") as lock:
            _acquire(lock)
            if not self._recognise():
                replace_file(self._directory / MARK, self._deployment.value.encode())
            yield


def unreadable(failed: Failed) -> str:
    """For staff."""
    return (
        f"掲載用のフォルダを読めません（{failed.reason}）。directory と権限を確かめてください / "
        f"the folder cannot be read ({failed.reason}): check directory and who may read it"
    )


def _acquire(lock: IO[str]) -> None:
    give_up_at = time.monotonic() + LOCK_WAIT.total_seconds()
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= give_up_at:
                raise
            time.sleep(0.05)  # in a thread of its own; the system has no wait for a lock with an end
        else:
            return


def _name(error: OSError) -> str:
    """`ENOSPC`, `EACCES` …"""
    return errno.errorcode.get(error.errno or 0, "OSError")
