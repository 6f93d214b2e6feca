"""The record: one database, SQLite or PostgreSQL, and one way to read and to write it.

`Ledger.read(fn)` and `Ledger.write(fn)` run `fn(connection)` in a thread, inside one transaction.
`fn` does database work only: no await, no network, nothing slow. What it raises reaches the caller,
and its changes are undone.
"""

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from math import inf
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, InvalidatePoolError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection

from hub.errors import BadSettings, Refused

T = TypeVar("T")
Work = Callable[[Connection], T]

AWAY = (OperationalError, InterfaceError, NoConnection)
"""What `read` and `write` raise while the database cannot be worked with (restarted, full, locked): nothing
was written, and a later try may succeed."""

_GROUP = 256
"""Writes that share one commit at the most."""
_READERS = 4
_PAUSE_S = 1.0
_RETRIES = 3
"""Tries of a PostgreSQL transaction that lost a deadlock or a serialisation conflict."""
_CONFLICTS = {"40001", "40P01"}

_KNOWS_WHEN_IT_IS_DEAD = {
    "connect_timeout": 5,
    "keepalives_idle": 3,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 9_000,
}
"""libpq's: a connection whose other end vanished without a word is an error after some nine seconds, and
not a thread that waits for ever."""


class Ledger:
    """Opened once a process. `write` returns only after the commit is durable (I1)."""

    def __init__(self, url: str) -> None:
        """`url` is SQLAlchemy's: `sqlite:///path/ledger.db` or `postgresql+psycopg://…`."""
        self._url = make_url(url)
        self.is_sqlite = self._url.get_backend_name() == "sqlite"
        if not self.is_sqlite and self._url.get_backend_name() != "postgresql":
            raise BadSettings("[ledger] url", "is neither sqlite:///… nor postgresql+psycopg://…")
        self._engines: list[Engine] = []
        self._threads = ThreadPoolExecutor(2 * _READERS, thread_name_prefix="ledger")
        self._read: Engine | None = None
        self._write: Callable[[Work[Any]], Future[Any]] | None = None
        self._writer: _GroupWriter | None = None

    async def open(self) -> None:
        """Connects; does not migrate (`hub.ledger.migrations.upgrade` does).

        Raises:
            BadSettings: the database cannot be reached; says which and why, never the password.
        """
        await asyncio.to_thread(self._open)

    async def read(self, work: Work[T]) -> T:
        """Run `work` in a snapshot; it must not write."""
        if self._read is None:
            raise Refused("the ledger is not open / 台帳は開いていません")
        return await asyncio.get_running_loop().run_in_executor(self._threads, _transact, self._read, work)

    async def write(self, work: Work[T]) -> T:
        """Run `work` and commit. SQLite: concurrent calls share a commit; each stands or falls alone."""
        if self._write is None:
            raise Refused("the ledger is not open / 台帳は開いていません")
        return cast(T, await asyncio.wrap_future(self._write(work)))

    async def close(self) -> None:
        """Finishes what was given to `write`, then disconnects."""
        self._write, self._read = None, None
        await asyncio.to_thread(self._close)

    def _open(self) -> None:
        try:
            if self.is_sqlite:
                self._open_sqlite()
            else:
                self._open_postgresql()
        except (DBAPIError, OSError) as e:
            reason = str(getattr(e, "orig", e)).strip().splitlines()[0]
            raise BadSettings(
                "[ledger] url", f"{self._url.render_as_string()} cannot be opened: {reason}"
            ) from e

    def _open_sqlite(self) -> None:
        self._read = self._sqlite_engine("BEGIN")
        writing = self._sqlite_engine("BEGIN IMMEDIATE")
        self._writer = _GroupWriter(writing)
        self._write = self._writer.submit

    def _open_postgresql(self) -> None:
        engine = create_engine(
            self._url,
            pool_size=2 * _READERS,
            hide_parameters=True,
            connect_args=_KNOWS_WHEN_IT_IS_DEAD,
        )
        self._engines.append(engine)
        _ask_after_a_pause(engine)
        with engine.connect():
            self._read = engine.execution_options(isolation_level="REPEATABLE READ")
        self._write = lambda work: self._threads.submit(_transact_again, engine, work)

    def _sqlite_engine(self, begin: str) -> Engine:
        engine = create_engine(self._url, hide_parameters=True)
        self._engines.append(engine)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", lambda conn: conn.exec_driver_sql(begin))
        with engine.connect():
            return engine

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.stop()
        self._threads.shutdown()
        for engine in self._engines:
            engine.dispose()


def sqlite_url(path: Path) -> str:
    return f"sqlite:///{path}"


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """`synchronous=FULL`: NORMAL may lose the last commits on a power cut, and an accepted alert is one."""
    connection.isolation_level = None  # SQLAlchemy's BEGIN and SAVEPOINT, not the driver's guesses
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
        connection.execute(f"PRAGMA {pragma}")


def _ask_after_a_pause(engine: Engine) -> None:
    """Whether a connection that lay unused still stands. SQLAlchemy's `pool_pre_ping` asks before every
    transaction: a fifth of the round trips of an alert, whose connections are used again at once."""

    def left(_connection: Any, record: Any) -> None:
        record.info["left_at"] = monotonic()

    def taken(connection: Any, record: Any, _proxy: Any) -> None:
        if monotonic() - record.info.get("left_at", inf) <= _PAUSE_S:  # a new one was never left
            return
        try:
            engine.dialect.do_ping(connection)
        except Exception as e:
            raise InvalidatePoolError from e  # the pool connects anew, and throws the others away

    event.listen(engine, "checkin", left)
    event.listen(engine, "checkout", taken)


def _transact(engine: Engine, work: Work[T]) -> T:
    with engine.begin() as conn:
        return work(conn)


def _transact_again(engine: Engine, work: Work[T]) -> T:
    for _ in range(_RETRIES - 1):
        try:
            return _transact(engine, work)
        except OperationalError as e:
            if getattr(e.orig, "sqlstate", None) not in _CONFLICTS:
                raise
    return _transact(engine, work)


@dataclass(slots=True)
class _Job:
    work: Work[Any]
    future: Future[Any]
    result: Any = None
    error: BaseException | None = None


class _GroupWriter:
    """SQLite's one writer: whatever waits is run in one transaction, each job in a savepoint."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="ledger-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Work[Any]) -> Future[Any]:
        job = _Job(work, Future())
        self._jobs.put(job)
        return job.future

    def stop(self) -> None:
        self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            jobs = [job, *self._waiting()]
            last = jobs[-1] is None
            group = [job for job in jobs if job is not None and job.future.set_running_or_notify_cancel()]
            self._together(group)
            _answer(group)
            if last:
                return

    def _together(self, group: Sequence[_Job]) -> None:
        if len(group) == 1:  # the transaction is all the protection it needs
            self._alone(group[0])
            return
        try:
            with self._engine.begin() as conn:
                for job in group:
                    _in_savepoint(conn, job)
        except Exception:  # nothing of the group is durable, also what seemed done
            for job in group:
                self._alone(job)

    def _alone(self, job: _Job) -> None:
        job.result = job.error = None
        try:
            with self._engine.begin() as conn:
                job.result = job.work(conn)
        except Exception as e:
            job.error = e

    def _waiting(self) -> list[_Job | None]:
        found: list[_Job | None] = []
        while len(found) < _GROUP and not self._jobs.empty():
            found.append(self._jobs.get())
            if found[-1] is None:
                break
        return found


def _in_savepoint(conn: Connection, job: _Job) -> None:
    """Raises when SQLite has given up the whole transaction, as it may where the disk is full (SQLite,
    "Response To Errors Within A Transaction"): then the savepoint is gone, and what others wrote before."""
    try:
        with conn.begin_nested():
            job.result = job.work(conn)
    except Exception as e:
        if not getattr(conn.connection.dbapi_connection, "in_transaction", False):
            raise
        job.error = e


def _answer(group: Sequence[_Job]) -> None:
    for job in group:
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.result)
