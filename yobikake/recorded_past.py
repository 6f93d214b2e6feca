"""How full the shelters were, from the occupancy database: for a process that publishes it and does not keep it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from itertools import chain

from hub.settings import Settings
from operator_ui.residents.portal import Samples
from shelters.history import History, Point


@asynccontextmanager
async def recorded_past(settings: Settings) -> AsyncIterator[Samples]:
    """Looking makes no file, as with `recorded_board`: without one there is no past yet."""
    history = History(settings.occupancy_url)
    opened = False

    async def samples(since: datetime, until: datetime) -> Sequence[Point]:
        nonlocal opened
        if not settings.ledger.url and not (settings.data / "occupancy.db").exists():
            return ()
        if not opened:
            await history.open()
            opened = True
        return [*chain.from_iterable((await history.read(since, until)).values())]

    try:
        yield samples
    finally:
        await history.close()
