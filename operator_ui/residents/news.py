"""What is true now: the alerts in force that residents may see, and the shelters. Read once for everybody.

A staff drill never appears here, nor anywhere else on this listener (I6).
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import Connection, select
from sqlalchemy.exc import SQLAlchemyError

from hub.alert import Alert, Mode
from hub.background import Background
from hub.cap import MsgType
from hub.errors import HubError
from hub.ledger import alerts, tables
from hub.ledger.alerts import Accepted
from operator_ui.residents.occupancy_file import REACH
from operator_ui.residents.portal import Residents
from operator_ui.residents.snapshot import Snapshot
from shelters import public_past, record
from shelters.public_past import InForce, Past
from shelters.shelter import Step
from shelters.site import SiteCode

log = structlog.get_logger(__name__)

FRESH = timedelta(seconds=1)
"""Whoever asks within this time of another gets the same answer."""
STUCK_AFTER = timedelta(minutes=2)
"""Of failing to look, after which the page says so."""
PATIENCE_S = 2.0
"""How long a reader waits for a look before getting what was true at the last one."""
FIRST_PATIENCE_S = 10.0
"""How long for the first look of all: there is nothing else to show."""
COUNTS_EVERY = timedelta(seconds=20)
"""Head counts alone change the site's files no more often than this; everything else does at once."""
LATE = timedelta(seconds=10)
"""After so long without a look, what has ended meanwhile is taken off without one."""


_EVERY_ALERT = 10_000
"""Of two weeks."""
_NEVER = datetime.min.replace(tzinfo=UTC)


_Then = tuple[Mapping[SiteCode, Sequence[Step]], Sequence[InForce]]


class News:
    """Asks the ledger and the board at most once in `FRESH`, however many ask it."""

    def __init__(
        self, portal: Residents, background: Background, *, counts_every: timedelta = COUNTS_EVERY
    ) -> None:
        """`counts_every`: how often head counts alone are another truth."""
        self._portal = portal
        self._counts_every = counts_every
        self._background = background
        self._latest: Snapshot | None = None
        self._looked_at = _NEVER
        self._counts_at = _NEVER
        self._looking: asyncio.Task[None] | None = None

    async def now(self) -> Snapshot:
        """The present; or, when it cannot be read, the last that could: see its `checked_at`.

        Raises:
            HubError: nothing could be read since the start.
        """
        patience_s = FIRST_PATIENCE_S if self._latest is None else PATIENCE_S
        if self._looking is None and self._portal.clock() - self._looked_at >= FRESH:
            self._looking = self._background.start(self._look(), name="residents look")
            await asyncio.wait([self._looking], timeout=patience_s)
        elif self._looking is not None and self._latest is None:
            await asyncio.wait([self._looking], timeout=patience_s)
        if self._latest is None:
            raise HubError("いまは情報を読めません / Nothing can be read now")
        self._latest = self._aged(self._latest)
        return self._latest

    async def look(self, _subject: str) -> bytes:
        """For `Changes`: the version itself."""
        return (await self.now()).version.encode()

    def _aged(self, latest: Snapshot) -> Snapshot:
        now = self._portal.clock()
        unheard = now - latest.checked_at
        if unheard <= LATE or now - latest.board.at < FRESH:
            return latest
        return latest.later(now, stuck=unheard > STUCK_AFTER)

    async def alert(self, number: str) -> Accepted | None:
        """The alert with this number, in force or not, unless residents must not see it."""
        return await self._portal.ledger.read(lambda conn: self._numbered(conn, number))

    async def with_references(self, identifier: str) -> tuple[Accepted, tuple[Alert, ...]] | None:
        """An alert by its identifier, and the alerts it refers to."""
        return await self._portal.ledger.read(lambda conn: self._identified(conn, identifier))

    async def recent(self, limit: int) -> list[Accepted]:
        """The newest alerts, in force or not."""
        keys = self._portal.keys
        found = await self._portal.ledger.read(lambda conn: alerts.recent(conn, keys, limit=limit))
        return [each for each in found if _public(each)]

    async def past(self, until: datetime) -> Past:
        """What was public of how full the shelters were, in the days before `until`."""
        portal, since = self._portal, until - REACH
        samples = await portal.samples(since, until)
        sites = {row.site.code: row.site for row in (await portal.board()).rows}
        steps, alerts_then = await portal.ledger.read(lambda conn: self._then(conn, since, until))
        found = await asyncio.to_thread(public_past.public, samples, sites, steps, alerts_then)
        return Past(since=since, until=until, samples=found)

    def _then(self, conn: Connection, since: datetime, until: datetime) -> _Then:
        """The steps that sites took, and which alerts residents saw. One that was sent long before may still hold."""
        _, found = alerts.search(
            conn,
            self._portal.keys,
            lambda each: _public(each) and each.alert.msg_type is not MsgType.CANCEL,
            modes=(Mode.LIVE,),
            since=since - REACH,
            before=until,
            limit=_EVERY_ALERT,
        )
        return record.histories(conn), [_in_force(each) for each in found]

    async def _look(self) -> None:
        now = self._portal.clock()
        try:
            self._latest = self._paced(await self._read(now), self._latest)
        except (HubError, SQLAlchemyError, OSError) as e:
            log.warning("residents see what was true before", reason=type(e).__name__)
        finally:
            self._looked_at, self._looking = now, None

    async def _read(self, now: datetime) -> Snapshot:
        keys = self._portal.keys
        found = await self._portal.ledger.read(lambda conn: alerts.active(conn, keys, at=now))
        return Snapshot(
            checked_at=now,
            alerts=_ordered(found),
            board=await self._portal.board(),
            slots=await self._portal.slots(),
        )

    def _paced(self, new: Snapshot, before: Snapshot | None) -> Snapshot:
        """`new`, with the counts there were before if they are all that changed, and changed too soon."""
        if (
            before is None
            or new.gist != before.gist
            or new.checked_at - self._counts_at >= self._counts_every
        ):
            self._counts_at = new.checked_at
            return new
        return replace(new, board=before.board)

    def _numbered(self, conn: Connection, number: str) -> Accepted | None:
        identifier = alerts.numbered(conn, number)
        found = alerts.get(conn, self._portal.keys, identifier) if identifier else None
        return found if found and _public(found) else None

    def _identified(self, conn: Connection, identifier: str) -> tuple[Accepted, tuple[Alert, ...]] | None:
        row, keys = tables.alerts.c, self._portal.keys
        if conn.execute(select(row.identifier).where(row.identifier == identifier)).first() is None:
            return None
        found = alerts.get(conn, keys, identifier)
        if not _public(found):
            return None
        return found, tuple(alerts.get(conn, keys, reference).alert for reference in found.alert.references)


def _public(accepted: Accepted) -> bool:
    return accepted.alert.public and accepted.alert.mode is not Mode.STAFF_DRILL


def _in_force(accepted: Accepted) -> InForce:
    alert = accepted.alert
    ends = (alert.expires, accepted.ended_at, accepted.stopped_at)
    return InForce(alert.hazard, alert.sent, min(end for end in ends if end is not None))


def _ordered(found: Iterable[Accepted]) -> tuple[Accepted, ...]:
    """`found` comes newest first, and the sort keeps that within a level."""
    public = (each for each in found if _public(each))
    return tuple(
        sorted(public, key=lambda each: (each.alert.mode is not Mode.LIVE, -(each.alert.level or 0)))
    )
