"""Room on the disk: with too little of it no new alert is accepted, so that what was accepted can go on.

from half as much again   staff are paged, and the console says so
below the limit           new alerts are refused; what is under way, stops and follow-ups go on
"""

import os
import sqlite3
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from hub.errors import DiskFull

WARNING = 1.5
"""Times the limit: 15 % free, where the limit is 10 %."""
EVERY_S = 60.0
_POSTGRESQL_FULL = "53100"


class Room(StrEnum):
    ENOUGH = "enough"
    LITTLE = "little"
    TOO_LITTLE = "too_little"


class Disk:
    """The file system of the hub's data folder, on this machine."""

    def __init__(self, folder: Path, *, limit: float) -> None:
        """`limit`: the share that stays free, for example 0.10; 0: there is none."""
        self._folder = folder
        self._limit = limit

    def free(self) -> float:
        """From 0 to 1, as `df` counts it: of what this user may write, without root's reserve."""
        there = next(each for each in (self._folder, *self._folder.absolute().parents) if each.exists())
        found = os.statvfs(there)
        usable = found.f_blocks - found.f_bfree + found.f_bavail
        return found.f_bavail / usable if usable else 1.0

    def room(self) -> Room:
        free = self.free()
        if free < self._limit:
            return Room.TOO_LITTLE
        return Room.LITTLE if free < self._limit * WARNING else Room.ENOUGH

    def refuse_new(self) -> None:
        """Call before a new alert is accepted.

        Raises:
            DiskFull: there is too little room; says what to do.
        """
        if self.room() is Room.TOO_LITTLE:
            raise DiskFull(self.warning())

    def warning(self) -> str:
        """What there is, and what to do, in both languages."""
        japanese, english = _SAID[self.room() is Room.TOO_LITTLE]
        free, limit = f"{self.free():.0%}", f"{self._limit:.0%}"
        place = self._folder.absolute()
        return (
            f"ディスクの空きが{free}です。{japanese.format(limit=limit)}{place} のあるディスクの空きを増やしてください / "
            f"{free} of the disk is free. {english.format(limit=limit)} Make room on the disk of {place}"
        )


async def watch(disk: Disk, page: Callable[[str, str], None]) -> None:
    """Wake staff while there is little room; the pager keeps repeats back."""
    if disk.room() is not Room.ENOUGH:
        page("disk", disk.warning())


def is_full(error: SQLAlchemyError) -> bool:
    """Whether the database refused for lack of space (SQLITE_FULL; SQLSTATE 53100 disk_full)."""
    origin = getattr(error, "orig", None)
    if isinstance(origin, sqlite3.Error):
        return getattr(origin, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
    return getattr(origin, "sqlstate", None) == _POSTGRESQL_FULL


_SAID = {
    False: (
        "{limit}を切ると、新しい配信を受け付けません。",
        "Below {limit} no new alert is accepted.",
    ),
    True: (
        "{limit}を切っているため、新しい配信を受け付けません。下書きは残っています。配信中のもの、訂正・続報・解除、"
        "送信の停止はできます。急ぐときは、防災行政無線や緊急速報メールなど、ほかの手段で知らせてください。",
        "Below {limit} no new alert is accepted: the draft is kept. What is being sent goes on, and corrections, "
        "updates, liftings and stops are taken. If it cannot wait, use what does not need this hub.",
    ),
}
