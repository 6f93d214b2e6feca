"""Whose turn it is, among processes that run tests side by side: a test marked `alone` has the machine to itself."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOM = Path(__file__).parents[1]
DOOR = Path(__file__).parent
"""Folders that are locked (flock(2)), so that nothing is left behind, whatever dies."""


@contextmanager
def turn(*, alone: bool) -> Iterator[None]:
    """Who wants to be alone waits at the door for those inside to leave, and nobody enters past them."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        yield
        return
    with _held(DOOR, fcntl.LOCK_EX) as door, _held(ROOM, fcntl.LOCK_EX if alone else fcntl.LOCK_SH):
        fcntl.flock(door, fcntl.LOCK_UN)
        yield


@contextmanager
def _held(folder: Path, how: int) -> Iterator[int]:
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, how)
        yield lock
    finally:
        os.close(lock)
