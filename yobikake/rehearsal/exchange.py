"""One request as the gateway that got it sees it: the simulated city's own account of what was asked and done."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

PATIENCE = timedelta(seconds=1)
"""A gateway that takes longer is slow, with or without a mishap: the sender may have given up."""


class Denial(NamedTuple):
    """One address that was refused. `code` is the gateway's own; `permanent`: trying again would not help."""

    address: str
    code: str
    permanent: bool


@dataclass(slots=True, kw_only=True)
class Exchange:
    """Filled in while it goes on, by the gateway alone.

    `begun_at` is the moment at which the gateway read MAIL FROM, or the head of an HTTP request.
    """

    channel: str
    begun_at: datetime
    to: list[str] = field(default_factory=list)
    """Whom the request named, as far as it came."""
    text: str = ""
    """What they were to see or hear, its subject in front."""
    key: str = ""
    """What makes a repeat visible: Message-ID, retry key, the call's or the post's own id."""
    taken: list[str] = field(default_factory=list)
    """For whom the request was carried out."""
    taken_at: datetime | None = None
    reached: bool = True
    """False: it was carried out and reached nobody, and the gateway will say so (a call nobody picks up)."""
    denied: list[Denial] = field(default_factory=list)
    answered: bool = False
    """An answer that says what was taken was written whole to a connection that was open: this one's own,
    or a later one's that speaks of it (a repeat recognised, a list)."""
    about: list["Exchange"] = field(default_factory=list)
    """Earlier requests that this one's answer speaks of."""
    open_for: int = 0
    """Recipients whose fate a fault of the gateway may have left open in the sender's eyes."""
    mishap: str = ""
    """The fault that hit it."""

    def take(self, at: datetime, *, to: Sequence[str]) -> None:
        """These got it."""
        self.taken, self.taken_at = list(to), at

    def deny(self, code: str, *, permanent: bool) -> None:
        """Everybody named was refused."""
        self.denied = [Denial(address, code, permanent) for address in self.to]

    def tell(self) -> None:
        """Its answer is being written to an open connection. Called before the first byte: whoever reads
        the answer was told."""
        for each in (self, *self.about):
            each.answered = each.answered or bool(each.taken)

    def slow_for(self, at: datetime) -> bool:
        """Whoever asked is gone by now, and the gateway took long enough to be the reason."""
        return not self.mishap and at - self.begun_at > PATIENCE


Witness = Callable[[Exchange], None]
"""Called with every request when it begins; it looks at it again whenever it wants to know more."""


def nobody(exchange: Exchange) -> None:
    """A witness that keeps nothing."""
