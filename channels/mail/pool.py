"""Connections that stay open between transactions."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

from aiosmtplib import SMTP, SMTPException

from channels.mail.connection import abort

TRUSTED_S = 20.0
"""So long after its last use a connection is taken without asking; a firewall may drop it unseen."""

ASKING_S = 3.0
CLOSING_S = 1.0


class Idle(NamedTuple):
    since: float
    smtp: SMTP


class Pool:
    """At most `size` in use at once. The one used last goes first: it is the surest to be alive."""

    def __init__(self, connect: Callable[[], Awaitable[SMTP]], *, size: int) -> None:
        self._connect = connect
        self._size = size
        self._free = asyncio.Semaphore(size)
        self._in_use = 0
        self._idle: deque[Idle] = deque()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[SMTP]:
        """An idle connection that answers, or a new one. Whatever is raised inside drops it."""
        async with self._free:
            self._in_use += 1
            try:
                smtp = await self._take()
                try:
                    yield smtp
                except BaseException:
                    abort(smtp)
                    raise
            finally:
                self._in_use -= 1
            self.keep(smtp)

    def keep(self, smtp: SMTP) -> None:
        """For a later transaction, where there is room."""
        if not smtp.is_connected:
            return
        if len(self._idle) + self._in_use >= self._size:
            abort(smtp)
            return
        self._idle.append(Idle(asyncio.get_running_loop().time(), smtp))

    @property
    def idle(self) -> int:
        return sum(idle.smtp.is_connected for idle in self._idle)

    async def close(self) -> None:
        """Say goodbye on what is idle; what is in use belongs to its user."""
        leaving = [idle.smtp for idle in self._idle]
        self._idle.clear()
        await asyncio.gather(*(_quit(smtp) for smtp in leaving))

    async def _take(self) -> SMTP:
        while self._idle:
            idle = self._idle.pop()
            alive = False
            try:
                alive = await _answers(idle)
            finally:
                if not alive:
                    abort(idle.smtp)
            if alive:
                return idle.smtp
        return await self._connect()


async def _answers(idle: Idle) -> bool:
    if not idle.smtp.is_connected:
        return False
    if asyncio.get_running_loop().time() - idle.since < TRUSTED_S:
        return True
    try:
        await idle.smtp.noop(timeout=ASKING_S)
    except (SMTPException, OSError):
        return False
    return True


async def _quit(smtp: SMTP) -> None:
    try:
        await smtp.quit(timeout=CLOSING_S)
    except (SMTPException, OSError):
        return
    finally:
        abort(smtp)
