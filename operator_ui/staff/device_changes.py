"""Changing the register of devices from a page: the rows that stand, a change of them, kept with its audit row."""

from collections.abc import Callable, Mapping

from aiohttp import web
from sqlalchemy import Connection

from hub.authorise import Action, authorise
from hub.errors import BadInput, Conflict
from operator_ui.staff.console import ACTOR, CONSOLE
from shelters import register
from shelters.device_rows import Rows
from shelters.register import Register, Standing

Change = Callable[[Rows], Rows]


def register_of(request: web.Request) -> Register:
    """Of somebody who may change it. Raises `Forbidden`, and `HTTPNotFound` where this console has none."""
    authorise(request[ACTOR], Action.CONFIGURE)
    found = request.app[CONSOLE].register
    if found is None:
        raise web.HTTPNotFound
    return found


async def standing(request: web.Request) -> Standing:
    return await register_of(request).standing()


async def keep(request: web.Request, change: Change, detail: Mapping[str, object], *, seen: int) -> None:
    """In force when it returns, here; elsewhere within seconds. `seen`: the revision that the page showed.

    Raises:
        BadInput: something is wrong with it; nothing was changed.
        Conflict: somebody changed the register meanwhile.
    """
    console, devices = request.app[CONSOLE], register_of(request)
    before = await devices.standing()
    if before.revision != seen:
        raise _changed()
    rows = change(before.rows)

    def work(conn: Connection) -> None:
        register.put(
            conn, console.keys, rows, sites=devices.sites, seen=seen,
            at=console.clock(), by=request[ACTOR].login, detail=detail,
        )  # fmt: skip

    await console.ledger.write(work)
    await devices.refresh()


def said(error: BadInput | Conflict) -> str:
    """Without the place in front, which the page has."""
    return error.message.removeprefix(f"{error.path}: ") if isinstance(error, BadInput) else error.message


def _changed() -> Conflict:
    return Conflict(
        "ほかの人が先に変更しました。新しい内容を確認してください / Someone changed this. Review the new version"
    )
