"""The sessions with the smarthost, and the transactions that wait for one."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from functools import partial
from math import ceil
from typing import Any, NamedTuple

from channels.mail.handover import Envelope, Gates, Transaction
from channels.mail.relaying import Relaying
from channels.mail.session import Session
from hub.delivery import Result
from hub.errors import DeliveryFailure, TemporaryFailure

TRUSTED_S = 20.0
"""So long after its last use a session is taken without asking; a firewall may drop it unseen."""

ASKING_S = 3.0
CLOSING_S = 1.0

KEPT_WARM_EVERY_S = 60.0
"""A smarthost closes what is silent for five minutes (RFC 5321 §4.5.3.2.7)."""

NEAR = 40
"""Sessions with a smarthost next door; one more for each millisecond of the way there and back."""


class Idle(NamedTuple):
    since: float
    session: Session


class Pool:
    """At most `most` sessions. The one used last goes first: it is the surest to be alive.

    A transaction is taken by whichever session can begin it first; a busy one writes its commands behind the
    message it has just been asked for.
    """

    def __init__(
        self, connect: Callable[[], Awaitable[Session]], *, most: int, relaying: Relaying | None = None
    ) -> None:
        self.relaying = relaying or Relaying()
        self._connect = connect
        self._most = most
        self._sessions: set[Session] = set()
        self._idle: deque[Idle] = deque()
        self._waiting: deque[Transaction] = deque()
        self._opening = 0
        self._round_trip_s: float | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    @property
    def width(self) -> int:
        """How many sessions are of use: as many as it takes to have one write while the others wait."""
        return min(self._most, NEAR + ceil(1000 * (self._round_trip_s or 0.0)))

    async def hand_over(self, envelope: Envelope, gates: Gates) -> list[Result]:
        """One result for each recipient, in order.

        The gates are asked before MAIL, and directly before the message: what follows that cannot be taken back.
        A connection lost before the final dot was given to the transport is temporary; from then on, ambiguous.

        Raises:
            GateClosed: as the gate raised it.
            DeliveryFailure: there is no connection, and none can be had.
        """
        done: asyncio.Future[list[Result]] = asyncio.get_running_loop().create_future()
        transaction = Transaction(envelope, gates, partial(_settle, done), self.relaying)
        self.queue([transaction])
        try:
            return await done
        except asyncio.CancelledError:
            self.abandon([transaction])
            raise

    def queue(self, transactions: Sequence[Transaction]) -> None:
        """Each is begun by the session that is free first, and tells when it is over."""
        self._waiting.extend(transactions)
        self._serve()

    def withdraw(self, transactions: Iterable[Transaction]) -> list[Transaction]:
        """Those of them that still wait, and are not begun any more; nobody is told of them."""
        theirs = set(transactions)
        withdrawn = [each for each in self._waiting if each in theirs]
        if withdrawn:
            self._waiting = deque(each for each in self._waiting if each not in theirs)
        return withdrawn

    def abandon(self, transactions: Sequence[Transaction]) -> None:
        """Nobody waits for them: what was begun ends with its socket, once what goes before it has been answered."""
        self.withdraw(transactions)
        for transaction in transactions:
            transaction.abandoned = True
        for session in list(self._sessions):
            session.end_abandoned()

    async def warm_up(self, number: int) -> None:
        """Have so many open, and keep them, also after `close`. Raises whatever opening one raises, of several the
        gravest."""
        self._closed = False
        opened = await asyncio.gather(*(self._connect() for _ in range(number)), return_exceptions=True)
        failures = [failure for failure in opened if isinstance(failure, BaseException)]
        for session in opened:
            if isinstance(session, Session):
                self.keep(session)
        if number:
            self._spawn(self._keep_warm(number))
        for failure in sorted(failures, key=lambda failure: isinstance(failure, DeliveryFailure)):
            raise failure

    def keep(self, session: Session) -> None:
        """For later transactions, where there is room."""
        self._round_trip_s = min(session.round_trip_s, self._round_trip_s or session.round_trip_s)
        if self._closed or session.closed or len(self._sessions) + self._opening >= self._most:
            session.abort()
            return
        self._sessions.add(session)
        session.serve(self)

    async def close(self) -> None:
        """Say goodbye on what is idle; what is in use is dropped."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._opening = 0
        idle = [session for _, session in self._idle]
        self._idle.clear()
        await asyncio.gather(*map(_goodbye, idle))
        for session in list(self._sessions):
            session.abort()
        self._give_up()

    # --- Host, for the sessions ---

    def next(self) -> Transaction | None:
        return self._waiting.popleft() if self._waiting and not self._closed else None

    def idle(self, session: Session) -> None:
        self._idle.append(Idle(asyncio.get_running_loop().time(), session))

    def ended(self, session: Session, displaced: Sequence[Transaction]) -> None:
        self._sessions.discard(session)
        self._waiting.extendleft(reversed(displaced))
        self._serve()

    # --- giving out ---

    def _serve(self) -> None:
        """What waits goes to idle sessions; for the rest more are opened."""
        if self._closed:
            self._give_up()
            return
        given = 0
        while self._idle and given < len(self._waiting):
            since, session = self._idle.pop()
            if session.closed:
                continue
            if asyncio.get_running_loop().time() - since < TRUSTED_S:
                session.go_on()  # takes what waits longest
            else:
                given += 1
                self._spawn(self._revive(session))
        room = self.width - len(self._sessions) - self._opening
        for _ in range(min(room, len(self._waiting) - given - self._opening)):
            self._opening += 1
            self._spawn(self._open())

    async def _open(self) -> None:
        waiting = list(self._waiting)
        try:
            session = await self._connect()
        except Exception as e:
            self._opening -= 1
            self._unopened(e, waiting)
        else:
            self._opening -= 1
            self.keep(session)

    def _unopened(self, failure: Exception, waited: Sequence[Transaction]) -> None:
        """Those who waited when it was tried are served by others, or told why; for who came since it is tried anew."""
        if self._sessions or self._opening:
            return
        for transaction in waited:
            if transaction in self._waiting:
                self._waiting.remove(transaction)
                transaction.fail(failure)
        self._serve()

    async def _revive(self, session: Session) -> None:
        """Ask whether it is still there: it goes on by itself, or ends and others are opened for those who wait."""
        await session.ask(b"NOOP", within_s=ASKING_S)

    async def _keep_warm(self, number: int) -> None:
        """So many stay open while there is nothing to send; what an alert needed more leaves again."""
        while True:
            await asyncio.sleep(KEPT_WARM_EVERY_S)
            quiet = [each.session for each in self._idle]
            self._idle.clear()
            for extra in quiet[:-number]:
                self._spawn(_goodbye(extra))
            await asyncio.gather(*(self._revive(session) for session in quiet[-number:]))
            for _ in range(number - len(self._sessions) - self._opening):
                self._opening += 1
                await self._open()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _give_up(self) -> None:
        """Whoever still waits is told why."""
        waiting, self._waiting = self._waiting, deque()
        for transaction in waiting:
            transaction.fail(TemporaryFailure("closed", "the connections are closed / 接続を閉じています"))


async def _goodbye(session: Session) -> None:
    await session.ask(b"QUIT", within_s=CLOSING_S)
    session.abort()


def _settle(done: asyncio.Future[list[Result]], said: list[Result] | Exception) -> None:
    if done.done():
        return
    if isinstance(said, Exception):
        done.set_exception(said)
    else:
        done.set_result(said)
