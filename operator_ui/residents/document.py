"""A document of the residents' site as bytes: what it depends on, how long it stays true, its gzip and its digest."""

import gzip
import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import NamedTuple

STUCK = b"<!--stuck-->"
"""Where in a page stands that nothing could be checked since, once that is so."""


class Edition(NamedTuple):
    """What a document depends on: what is true, and the minute it was checked, which the page shows."""

    version: str
    minute: datetime

    def differs_in_counts_alone(self, other: "Edition") -> bool:
        """Or not even in these; and by no more than a minute."""
        return self.version.partition("-")[0] == other.version.partition("-")[0] and abs(
            self.minute - other.minute
        ) <= timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A document as it comes from the press.

    `until`: when something in it stops being true, whatever happens. `stuck`: what to put at the mark `STUCK`
    if no newer one can be written.
    """

    body: bytes
    content_type: str
    until: datetime
    stuck: bytes = b""


@dataclass(frozen=True, kw_only=True)
class Built:
    """`at`: when its edition was checked. `number`: that of its writing. `changed_at`: since when its body has been
    the same, as far as this process knows."""

    number: int
    edition: Edition
    at: datetime
    written: Written
    packed: bytes = field(repr=False)
    digest: str
    changed_at: datetime

    @cached_property
    def aged(self) -> "Built":
        """The same, saying that nothing could be checked since."""
        body = self.written.body.replace(STUCK, self.written.stuck)
        written = Written(body=body, content_type=self.written.content_type, until=self.written.until)
        return pack(self.edition, self.at, written, number=self.number)


def pack(edition: Edition, at: datetime, written: Written, *, number: int) -> Built:
    """With its gzip and its digest."""
    return Built(
        number=number,
        edition=edition,
        at=at,
        written=written,
        packed=packed(written.body),
        digest=hashlib.sha256(written.body).hexdigest()[:16],
        changed_at=at,
    )


def packed(body: bytes) -> bytes:
    """The same bytes for the same body."""
    return gzip.compress(body, 9, mtime=0)
