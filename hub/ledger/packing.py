"""Packing: the packs of a large register are written anew beside the old ones, which stay in force meanwhile.

What planning and delivering read changes in one short commit, with the register's revision, so that
planning under way sees the old packs or the new ones. No transaction lasts: nobody's batch waits.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple
from uuid import uuid4

import structlog
from sqlalchemy import Connection, delete, insert, or_, update

from hub.blocks import blocks
from hub.keys import Keys
from hub.ledger import Ledger, census, register, tables

log = structlog.get_logger(__name__)

_AT_ONCE = 8
"""Packs of one commit."""

_packs = tables.packs.c


async def repack(
    ledger: Ledger,
    keys: Keys,
    channels: Iterable[str] | None = None,
    *,
    along: Callable[[Connection], None] = lambda _: None,
) -> int:
    """Write the packs of `channels` (or of all) anew from the contacts. Returns the number of contacts.

    `along` is done in the commit that puts them in force. When the register was rebuilt by somebody else
    meanwhile, this begins again: theirs may hold what this one has not seen.
    """
    names = None if channels is None else list(channels)
    loop = asyncio.get_running_loop()
    while True:
        token = str(uuid4())

        def put(rows: Sequence[dict[str, Any]]) -> None:
            asyncio.run_coroutine_threadsafe(ledger.write(partial(_insert, rows)), loop).result()

        staging = partial(_stage, keys=keys, names=names, token=token, put=put)
        try:
            staged = await ledger.read(staging)
            if await ledger.write(partial(_put_in_force, staged=staged, token=token, along=along)):
                return staged.contacts
        except BaseException:
            await asyncio.shield(ledger.write(partial(_clear, token=token)))
            raise
        log.info("the register was rebuilt meanwhile; packing begins again")


class _Staged(NamedTuple):
    channels: Sequence[str]
    revision: int
    contacts: int


def _stage(
    conn: Connection,
    *,
    keys: Keys,
    names: Sequence[str] | None,
    token: str,
    put: Callable[[Sequence[dict[str, Any]]], None],
) -> _Staged:
    """One look at the contacts, in a reader's thread; `put` writes what is made of them, a little at a time."""
    revision, contacts = census.revision(conn), 0
    channels = register.in_use(conn) if names is None else names
    for channel in channels:
        for packs in blocks(register.built(conn, keys, channel), _AT_ONCE):
            put([pack | {"staged": token} for pack in packs])
            contacts += sum(len(pack["ids"]) for pack in packs)
    return _Staged(channels, revision, contacts)


def _insert(rows: Sequence[dict[str, Any]], conn: Connection) -> None:
    conn.execute(insert(tables.packs), rows)


def _put_in_force(
    conn: Connection, *, staged: _Staged, token: str, along: Callable[[Connection], None]
) -> bool:
    """False when the register is no longer what was read."""
    known = tables.deployment.c.register_revision
    moved = conn.execute(
        update(tables.deployment)
        .where(known == staged.revision)
        .values(register_revision=staged.revision + 1)
    )
    if moved.rowcount == 0:
        _clear(conn, token=token)
        return False
    others = or_(_packs.staged.is_(None), _packs.staged != token)
    conn.execute(delete(tables.packs).where(_packs.channel.in_(staged.channels), others))
    conn.execute(update(tables.packs).where(_packs.staged == token).values(staged=None))
    along(conn)
    return True


def _clear(conn: Connection, *, token: str) -> None:
    conn.execute(delete(tables.packs).where(_packs.staged == token))
