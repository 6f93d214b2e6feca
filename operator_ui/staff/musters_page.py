"""参集: which musters run, which there were, and calling one: live and drill by doors of their own."""

import re
from collections.abc import Sequence
from uuid import uuid4

from aiohttp import web
from sqlalchemy import Connection

from hub import roster
from hub.alert import Mode
from hub.authorise import Action, authorise, may
from hub.capabilities import Unit
from hub.contact import TYPED
from hub.errors import BadInput, DiskFull, Refused
from hub.ledger import accounts, musters
from hub.muster import CalledGroup, Counts, Muster, Roll, counts, said
from hub.place import Name
from operator_ui import form
from operator_ui.form import Form, Problem
from operator_ui.staff.console import ACTOR, CONSOLE, Console, page, see_other

MODES = (Mode.LIVE, Mode.STAFF_DRILL)
_NAMED = "{mode:" + "|".join(MODES) + "}"


def routes() -> list[web.RouteDef]:
    return [
        web.get("/musters", show),
        web.get(f"/musters/new/{_NAMED}", show_new),
        web.post(f"/musters/new/{_NAMED}", call),
    ]


async def show(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.VIEW)
    console = request.app[CONSOLE]
    known, names, people = await console.ledger.read(
        lambda conn: (
            [counted(conn, each) for each in musters.recent(conn, console.keys)],
            {account.actor.login: account.actor.name for account in accounts.everyone(conn)},
            len(roster.listed(conn, console.keys)[0].people),
        )
    )
    return page(
        request,
        "musters.html",
        musters=known,
        names=names,
        people=people,
        may_call=may(request[ACTOR], Action.CALL_STAFF),
    )


async def show_new(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.CALL_STAFF)
    console = request.app[CONSOLE]
    return await _show_new(request, Form({}), channels=people_channels(console))


async def call(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.CALL_STAFF)
    console, typed = request.app[CONSOLE], await form.read(request)
    groups, channels = await groups_now(console), typed.all("channel")
    known = people_channels(console)
    roll = Roll(
        reason=typed.text("reason"),
        channels=tuple(each for each in known if each in channels),
        groups=roster.chosen(groups, typed.all("group")),
    )
    try:
        number = await console.mustering.call(
            roll, Mode(request.match_info["mode"]), request[ACTOR], form=_id(typed.text("id"))
        )
    except BadInput as e:
        problem = Problem(_FIELDS.get(e.path, "reason"), e.message.removeprefix(f"{e.path}: "))
        return await _show_new(request, typed, channels=channels, problem=problem, groups=groups)
    except DiskFull:
        raise
    except Refused as e:  # words of a drill in a live call
        return await _show_new(
            request, typed, channels=channels, problem=Problem("reason", e.message), groups=groups
        )
    return see_other(f"/musters/{number}")


def people_channels(console: Console) -> list[str]:
    """By which people are called, of those the hub has."""
    return [kind for kind, has in console.capabilities.items() if has.unit is Unit.PEOPLE and kind in TYPED]


async def groups_now(console: Console) -> list[CalledGroup]:
    """Every group as the staff list has it now, those of nobody too."""
    sites = await site_names(console)
    kept, _ = await console.ledger.read(lambda conn: roster.listed(conn, console.keys))
    return roster.groups(kept, console.organisation, sites)


async def site_names(console: Console) -> dict[str, Name]:
    return {str(row.site.code): row.site.name for row in (await console.board()).rows}


_FIELDS = {"groups": "groups", "channels": "channels", "reason": "reason"}


def counted(conn: Connection, muster: Muster) -> tuple[Muster, Counts]:
    """With how many of all who were called said what."""
    return muster, counts(muster.roll.people, said(musters.answers(conn, muster.id)))


async def _show_new(
    request: web.Request,
    typed: Form,
    *,
    channels: Sequence[str],
    problem: Problem | None = None,
    groups: list[CalledGroup] | None = None,
) -> web.Response:
    console = request.app[CONSOLE]
    found = await groups_now(console) if groups is None else groups
    filled = [group for group in found if group.members]
    return page(
        request,
        "muster_new.html",
        status=422 if problem else 200,
        mode=request.match_info["mode"],
        sections=[group for group in filled if not group.site],
        key_holders=[group for group in filled if group.site],
        all_keys=roster.KEY_HOLDERS,
        chosen=typed.all("group"),
        channels=[(kind, console.capabilities[kind].japanese) for kind in people_channels(console)],
        ticked=channels,
        reason=typed.text("reason"),
        problems=[problem] if problem else [],
        form_id=_id(typed.text("id")),
        may_edit=may(request[ACTOR], Action.CONFIGURE),
    )


def _id(given: str) -> str:
    return given if re.fullmatch("[0-9a-f-]{36}", given) else str(uuid4())
