"""What every way in does with a mail."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError

from hub.errors import HubError

Take = Callable[[bytes], Awaitable[bool]]
"""Takes one mail. True: it was a report about mail of ours, and is durable. Raises one of `LATER`."""

LATER = (HubError, SQLAlchemyError, OSError)
"""It could not be made durable now: the mail stays, and is taken again."""


class Source(Protocol):
    async def run(self, take: Take) -> None:
        """Until cancelled."""
