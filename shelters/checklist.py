"""Ticks on the manual's list, in the ledger: who did what, when. Rows are only ever added; undoing is a row too.

Plain functions on a connection, for `ledger.write` and `ledger.read`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, insert, select

from hub import typed
from hub.errors import Conflict
from shelters.manual import Item
from shelters.shelter import Stage, Step
from shelters.site import SiteCode
from shelters.tables import shelter_ticks


class Tick(msgspec.Struct, frozen=True, kw_only=True):
    """`id` is made by the screen, so that a repeat counts once. `opening`: the number of the step 開設準備 by which
    the site began to open; another opening begins with an empty list. `at` is the device's time."""

    id: str
    site: SiteCode
    opening: int
    item: Item
    done: bool
    at: datetime
    by: str


def opening(steps: Sequence[Step]) -> int:
    """The number of the step that began the opening which `steps` (of one site, first to last) are in; 0: none."""
    if not steps or steps[-1].stage is Stage.CLOSED:
        return 0
    return max((step.number for step in steps if step.stage is Stage.PREPARING), default=0)


def record(conn: Connection, tick: Tick, *, begun: int, recorded_at: datetime) -> bool:
    """Whether it was new: the same id again changes nothing. `begun`: the `opening` that the site is in.

    Raises:
        Conflict: the site is in another opening, or in none.
    """
    known = conn.execute(select(shelter_ticks.c.id).where(shelter_ticks.c.id == tick.id)).first()
    if known is not None:
        return False
    if not begun or tick.opening != begun:
        raise Conflict(
            "この避難所はいま開設中ではないか、開設し直されています。開き直してください / "
            "This shelter is not being opened, or was opened anew: open the page again"
        )
    conn.execute(insert(shelter_ticks).values(msgspec.structs.asdict(tick) | {"recorded_at": recorded_at}))
    return True


def ticked(conn: Connection, site: SiteCode, number: int) -> Mapping[Item, Tick]:
    """What is done in the opening of this number: the last word on each item, if it was not undone."""
    table = shelter_ticks
    query = select(table).where(table.c.site == site, table.c.opening == number)
    rows = conn.execute(query.order_by(table.c.at, table.c.recorded_at)).mappings()
    last = {Item(row["item"]): _tick(row) for row in rows if row["item"] in set(Item)}
    return {item: tick for item, tick in last.items() if tick.done}


def _tick(row: Any) -> Tick:
    fields = {name: row[name] for name in ("id", "site", "opening", "item", "done", "at", "by")}
    return typed.convert(fields, Tick)
