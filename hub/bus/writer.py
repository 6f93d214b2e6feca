"""One thread that writes: whatever waits goes into one transaction (group commit)."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, TypeVar

T = TypeVar("T")

LARGEST_BATCH = 1_000
"""Jobs of one transaction, so that the first of them does not wait for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    work: Callable[[sqlite3.Connection], Any]
    done: asyncio.Future[Any]
    then: Callable[[Any], None]


_Outcome = tuple[_Job, Any, Exception | None]


class Writer:
    """The only user of its connection, which `close` closes. Lives in the event loop it is made in."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread = Thread(target=self._serve, name="bus-writer", daemon=True)
        self._thread.start()

    async def run(
        self, work: Callable[[sqlite3.Connection], T], then: Callable[[T], None] = lambda _: None
    ) -> T:
        """What `work` returned, once it is committed.

        Work starts in the order of the calls. `then` is called in the event loop with the result,
        before the caller goes on, and also when the caller was cancelled meanwhile.

        Raises:
            sqlite3.Error: this work was rolled back; that of others was not. It may have been tried
                twice: once with others, once alone.
        """
        done: asyncio.Future[T] = self._loop.create_future()
        self._jobs.put(_Job(work=work, done=done, then=then))
        return await done

    async def close(self) -> None:
        """Finish what was asked before, then end. Nothing may be asked afterwards."""
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)

    def _serve(self) -> None:
        ending = False
        while not ending:
            waiting = [self._jobs.get(), *self._waiting()]
            jobs = [job for job in waiting if job is not None]
            ending = len(jobs) < len(waiting)
            self._loop.call_soon_threadsafe(_settle, self._write(jobs))
        self._connection.close()

    def _waiting(self) -> Iterator[_Job | None]:
        for _ in range(LARGEST_BATCH - 1):
            try:
                yield self._jobs.get_nowait()
            except Empty:
                return

    def _write(self, jobs: Sequence[_Job]) -> Sequence[_Outcome]:
        try:
            return self._transaction(jobs)
        except Exception:
            return [self._alone(job) for job in jobs]

    def _alone(self, job: _Job) -> _Outcome:
        try:
            return self._transaction([job])[0]
        except Exception as e:
            return job, None, e

    def _transaction(self, jobs: Sequence[_Job]) -> Sequence[_Outcome]:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            outcomes: list[_Outcome] = [(job, job.work(self._connection), None) for job in jobs]
            self._connection.execute("COMMIT")
        except Exception:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        return outcomes


def _settle(outcomes: Sequence[_Outcome]) -> None:
    for job, result, error in outcomes:
        if error is None:
            job.then(result)
        if job.done.cancelled():
            continue
        if error is None:
            job.done.set_result(result)
        else:
            job.done.set_exception(error)
