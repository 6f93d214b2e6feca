"""Addresses: unsealed for sending, a pack once for all the batches that are in it."""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from hub.delivery import Variant
from hub.keys import Keys
from hub.ledger import AWAY, Ledger, census, register
from hub.ledger.packs import Opened
from hub.newest import Newest
from hub.recipient import RecipientId
from hub.together import Together

VARIANTS, OF_EACH = 32, 4
"""Kept open, for as long as others take their place: some hundred packs at the most."""

TOGETHER = 128


class Wanted(NamedTuple):
    variant: Variant
    members: tuple[RecipientId, ...]


class Addresses:
    """Of one channel. Those asked for at the same moment are read together, in one snapshot of the register.

    What is kept is used only while the register is the same, by its revision in that snapshot.
    """

    def __init__(self, ledger: Ledger, keys: Keys, channel: str) -> None:
        self._ledger = ledger
        self._keys = keys
        self._channel = channel
        self._together = Together(self._read, most=TOGETHER, for_all=AWAY)
        self._revision: int | None = None
        self._kept: Newest[Variant, deque[Opened]] = Newest(VARIANTS)

    async def of(self, variant: Variant, members: tuple[RecipientId, ...]) -> Opened:
        """At least the members'; one without an address is missing.

        Raises:
            BadInput: a pack or a contact was changed by somebody without the key.
            hub.ledger.AWAY: the database is.
        """
        return await self._together(Wanted(variant, members))

    async def _read(self, wanted: Sequence[Wanted]) -> list[Opened]:
        return await self._ledger.read(lambda conn: self._open(conn, wanted))

    def _open(self, conn: Connection, wanted: Sequence[Wanted]) -> list[Opened]:
        revision = census.revision(conn)
        if revision != self._revision:
            self._revision, self._kept = revision, Newest(VARIANTS)
        unknown: dict[Variant, set[RecipientId]] = {}
        for each in wanted:
            if self._known(each) is None:
                unknown.setdefault(each.variant, set()).update(each.members)
        opened = {
            variant: register.open_addresses(conn, self._keys, self._channel, variant, members)
            for variant, members in unknown.items()
        }
        found = [self._known(each) or opened[each.variant] for each in wanted]
        for variant, fresh in opened.items():
            kept = self._kept.get(variant) or deque(maxlen=OF_EACH)
            kept.append(fresh)
            self._kept.keep(variant, kept)
        return found

    def _known(self, wanted: Wanted) -> Opened | None:
        """What was opened before, if nobody is missing there: who is may have moved to another variant."""
        members = set(wanted.members)
        kept = self._kept.get(wanted.variant) or ()
        return next((opened for opened in reversed(kept) if opened.addresses.keys() >= members), None)
