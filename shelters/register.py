"""The register of devices in force: a city's `devices.toml`, until it is changed in the console or by an import; from
then on the ledger's newest revision, whole. Every process learns of a change within seconds, without a restart.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import NamedTuple

import structlog
from sqlalchemy import Connection

from hub import codec
from hub.errors import BadInput
from hub.folder import Folder
from hub.keys import Keys
from hub.ledger import Ledger, revisions
from shelters import device_check, device_rows
from shelters.device_rows import Rows
from shelters.site import Site, SiteCode

log = structlog.get_logger(__name__)

SUBJECT = "devices"
LOOK_EVERY_S = 2.0


class Standing(NamedTuple):
    """`revision` 0: nobody changed anything, and the city's file holds."""

    rows: Rows
    revision: int


def standing(conn: Connection, keys: Keys, file: Rows) -> Standing:
    """What is in force by now. `file`: what the city's says."""
    newest = revisions.latest(conn, keys, SUBJECT)
    if newest is None:
        return Standing(file, 0)
    return Standing(codec.decode(Rows, newest.value, what=SUBJECT), newest.number)


def put(
    conn: Connection,
    keys: Keys,
    rows: Rows,
    *,
    sites: Mapping[SiteCode, Site],
    seen: int,
    at: datetime,
    by: str,
    detail: Mapping[str, object],
) -> None:
    """Put `rows` in force after the revision `seen`, with its audit row, which `detail` says what was changed in.

    Raises:
        BadInput: something is wrong with them, as `device_check.devices`.
        Conflict: somebody changed the register meanwhile.
    """
    device_check.devices(rows, sites)
    value = codec.encode(rows)
    if codec.decode(Rows, value, what=SUBJECT) != rows:
        raise BadInput(SUBJECT, "cannot be kept / 保存できません")
    revisions.add(conn, keys, SUBJECT, value, seen=seen, at=at, by=by, detail=detail)


def lost_sites(rows: Rows, sites: Mapping[SiteCode, Site]) -> list[str]:
    """Sites of the register that the city's list does not have any more."""
    named = {row.site for row in rows.devices} | {row.site for row in rows.doors}
    return sorted(named - sites.keys())


class Register:
    """`devices` is what is in force, always the same object."""

    def __init__(self, ledger: Ledger, keys: Keys, folder: Folder, sites: Mapping[SiteCode, Site]) -> None:
        """Raises `BadSettings`: the city's file cannot be read, or is wrong."""
        self._ledger, self._keys, self.sites = ledger, keys, sites
        self.file = device_rows.read(folder)
        self.devices = device_check.in_file(self.file, sites, name=device_rows.FILE)
        self._revision = 0
        self._lost: list[str] = []

    @asynccontextmanager
    async def kept(self) -> AsyncIterator["Register"]:
        """In force, and looked at every `LOOK_EVERY_S`.

        Raises:
            BadInput: what the ledger holds cannot be read by this version of the hub.
        """
        await self._tell()
        task = asyncio.create_task(self._run())
        try:
            yield self
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def standing(self) -> Standing:
        """The rows in force by now, for who changes them."""
        return await self._ledger.read(lambda conn: standing(conn, self._keys, self.file))

    async def refresh(self) -> None:
        """Put in force what the ledger has. Reads the whole only where the revision is another."""
        newest = await self._ledger.read(lambda conn: revisions.number(conn, SUBJECT))
        if newest == self._revision:
            return
        rows, revision = await self.standing()
        known = device_check.of_known_sites(rows, self.sites)
        self.devices.become(device_check.devices(known, self.sites))
        self._lost, self._revision = lost_sites(rows, self.sites), revision

    async def _tell(self) -> None:
        """As `refresh`, and what is in force now goes to the log."""
        before = self._revision
        await self.refresh()
        if self._revision != before:
            log.info("the register of devices", revision=self._revision, devices=len(self.devices.all()))
            if self._lost:
                log.warning("devices of sites that are not in the city's list", sites=self._lost)

    async def _run(self) -> None:
        """What cannot be read leaves in force what is: a wrong register is worse than an old one."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self._tell()
            except Exception as e:
                log.warning("the register of devices was not read", error=type(e).__name__)
