"""Waking staff up: a line in the log, a row on the console, and a mail to whoever is on call."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection, insert, select, update

from hub.authorise import Actor
from hub.background import Background
from hub.clock import Clock
from hub.ledger import Ledger, tables

log = structlog.get_logger(__name__)

Notify = Callable[[str, str], Awaitable[None]]
"""Sends (subject, text) to the staff on call."""

OVER = "回復しました"
"""With this the text of a page begins whose cause is over."""
LATELY = timedelta(days=1)
"""What lasts is paged again and again; so of what was paged longer ago nobody is told that it is over."""

QUIET = timedelta(minutes=10)
"""The same topic wakes nobody twice within this."""

_pages = tables.pages.c


class Pager:
    """`page` returns at once and never raises: paging must not stop what it reports."""

    def __init__(self, *, ledger: Ledger, notify: Notify, clock: Clock, background: Background) -> None:
        self._ledger = ledger
        self._notify = notify
        self._clock = clock
        self._background = background
        self._last: dict[str, datetime] = {}

    def page(self, topic: str, text: str) -> None:
        """`topic` groups pages of one cause (`credentials mail`); `text` says what happened and what to do."""
        now = self._clock()
        last = self._last.get(topic)
        if last is not None and now - last < QUIET:
            return
        self._last[topic] = now
        log.error("paging staff", topic=topic, text=text)
        self._background.start(self._deliver(topic, text, now), name=f"page {topic}")

    def recovered(self, topic: str, text: str) -> None:
        """What was paged under this topic is over: whoever was called hears it once, whichever process had called
        them. Where nobody was called, nothing happens. Never raises."""
        self._last.pop(topic, None)
        self._background.start(self._tell_recovery(topic, text, self._clock()), name=f"recovered {topic}")

    async def _tell_recovery(self, topic: str, text: str, at: datetime) -> None:
        try:
            told = await self._ledger.write(lambda conn: over(conn, topic, text, at=at))
        except Exception:
            log.exception("nobody is told that it is over", topic=topic)
            return
        if told:
            log.warning("over", topic=topic, text=text)
            await self._notify(f"[よびかけ] {OVER}: {topic}", text)

    async def _deliver(self, topic: str, text: str, at: datetime) -> None:
        try:
            await self._ledger.write(lambda conn: record(conn, topic, text, at=at))
        except Exception:
            log.exception("a page is not on the console; it is sent all the same", topic=topic)
        await self._notify(f"[よびかけ] {topic}", text)


def record(conn: Connection, topic: str, text: str, *, at: datetime) -> None:
    """Put a page on the console: one row a topic for as long as nobody has taken it on."""
    repeated = conn.execute(
        update(tables.pages)
        .where(_pages.topic == topic, _pages.acknowledged_at.is_(None))
        .values(at=at, text=text)
    )
    if not repeated.rowcount:
        conn.execute(insert(tables.pages).values(at=at, topic=topic, text=text))


def over(conn: Connection, topic: str, text: str, *, at: datetime) -> bool:
    """The newest page of this topic says from now on that it is over. False: there was none lately, or it says so."""
    newest = conn.execute(
        select(_pages.id, _pages.text)
        .where(_pages.topic == topic, _pages.at > at - LATELY)
        .order_by(_pages.id.desc())
        .limit(1)
    ).first()
    if newest is None or newest.text.startswith(OVER):
        return False
    conn.execute(update(tables.pages).where(_pages.id == newest.id).values(at=at, text=f"{OVER}：{text}"))
    return True


def unacknowledged(conn: Connection, *, limit: int = 20) -> list[tuple[int, datetime, str, str]]:
    """(id, at, topic, text) of what nobody has taken on yet, the newest first."""
    rows = conn.execute(
        select(_pages.id, _pages.at, _pages.topic, _pages.text)
        .where(_pages.acknowledged_at.is_(None))
        .order_by(_pages.at.desc())
        .limit(limit)
    )
    return [(row.id, row.at, row.topic, row.text) for row in rows]


def acknowledge(conn: Connection, page: int, actor: Actor, *, at: datetime) -> None:
    conn.execute(
        update(tables.pages)
        .where(_pages.id == page, _pages.acknowledged_at.is_(None))
        .values(acknowledged_at=at, acknowledged_by=actor.login)
    )


def settle(conn: Connection, topic: str, actor: Actor, *, at: datetime) -> None:
    """What was asked by this topic is answered."""
    conn.execute(
        update(tables.pages)
        .where(_pages.topic == topic, _pages.acknowledged_at.is_(None))
        .values(acknowledged_at=at, acknowledged_by=actor.login)
    )
