"""A place of the city's own site where alerts stand, whatever it is made of."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from hub.channel import Content, Parcel
from hub.delivery import Outcome


class Failed(Exception):
    """`reason`: a code of the site's system, an HTTP status, or one of our words; never a text of an answer."""

    def __init__(self, outcome: Outcome, reason: str, retry_after: timedelta | None = None) -> None:
        super().__init__(reason)
        self.outcome, self.reason, self.retry_after = outcome, reason, retry_after


class Posted(NamedTuple):
    """What a place is to say of an alert in force, and until when."""

    content: Content
    expires: datetime


InForce = Callable[[], Awaitable[Mapping[str, Posted]]]
"""Asks for all that is in force now, by identifier."""


class Place(Protocol):
    async def open(self) -> None:
        """Raises `Refused` for a place of the other kind of hub."""

    async def close(self) -> None: ...

    async def publish(self, parcel: Parcel) -> Failed | None:
        """None: the alert stands there, and was read back. Raises what the gate raises."""

    async def keep(self, in_force: InForce) -> None:
        """Withdraw what is over, and let the rest say what it says now: a site that no longer receives must not stay
        named (I16). To be called whenever that has changed. What stands there is read before it is asked what is in
        force, so that what is put up meanwhile is not taken for over.

        Raises:
            Failed: it is not known to be so.
            Refused: it is a place of the other kind of hub.
        """

    async def trouble(self) -> str:
        """For staff, 「日本語 / English」; empty: there is none. Reads only."""
        ...
