"""A mailing: the transactions of one parcel in which everybody has a message of their own."""

import asyncio
from collections.abc import AsyncIterator, Iterable

import msgspec

from channels.mail.handover import Envelope, Gates, Transaction
from channels.mail.pool import Pool
from channels.mail.replies import AT_ONCE, EVERYONES
from hub.delivery import Outcome, Result
from hub.recipient import RecipientId

PATIENCE_S = 15.0
"""So long a message waits for a session. Then it is temporary, and surely not sent; waiting until the claim runs out
would leave everybody in doubt of whom nothing was begun."""

WAITED = Result(RecipientId(0), Outcome.TEMPORARY, None, "no-session", AT_ONCE)
"""They have waited: they queue again at once."""


class Mailing:
    """All of them wait in the pool at once, so that every session has its next one at hand."""

    def __init__(self, pool: Pool, envelopes: Iterable[Envelope], gates: Gates) -> None:
        self._pool = pool
        self._transactions = [
            Transaction(envelope, gates, self._hear, pool.relaying) for envelope in envelopes
        ]
        self._left = len(self._transactions)
        """Of which nothing is known yet."""
        self._heard: list[Result] = []
        self._failure: Exception | None = None
        self._anything: asyncio.Future[None] | None = None

    async def results(self) -> AsyncIterator[list[Result]]:
        """One for each recipient, as they come, those that came together.

        A gate that closes, or a smarthost that is not there, lets nothing more begin; what was begun is waited
        for. What a smarthost would say to everybody it is not asked again, and after `PATIENCE_S` nothing is begun. Ended early, this leaves nothing
        running and closes no socket but those on which a message of its own is being handed over.

        Raises:
            GateClosed: as a gate raised it.
            DeliveryFailure: there is no connection, and none can be had.
        """
        self._pool.queue(self._transactions)
        patience = asyncio.get_running_loop().call_later(PATIENCE_S, self._give_up_waiting)
        try:
            while self._left or self._heard:
                if not self._heard:
                    self._anything = asyncio.get_running_loop().create_future()
                    await self._anything
                heard, self._heard = self._heard, []
                if heard:
                    yield heard
        finally:
            patience.cancel()
            if self._left:
                self._pool.abandon([each for each in self._transactions if not each.over])
        if self._failure is not None:
            raise self._failure

    def _hear(self, said: list[Result] | Exception) -> None:
        self._left -= 1
        if isinstance(said, Exception):
            self._failure = self._failure or said
            self._stop()
        else:
            self._heard += said
            if said[0].outcome in EVERYONES and not said[0].alone:
                self._stop(said[0])
        self._wake()

    def _give_up_waiting(self) -> None:
        self._stop(WAITED)
        self._wake()

    def _wake(self) -> None:
        if self._anything is not None and not self._anything.done():
            self._anything.set_result(None)

    def _stop(self, said: Result | None = None) -> None:
        """Nothing more is begun; whoever still waits gets what was `said`, if anything was."""
        withdrawn = self._pool.withdraw(self._transactions)
        self._left -= len(withdrawn)
        for transaction in withdrawn:
            transaction.over = True
            if said is not None:
                self._heard.append(msgspec.structs.replace(said, recipient=transaction.envelope.to[0].id))
