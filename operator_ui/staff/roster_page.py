"""The staff list (職員名簿): who may be called, by which addresses, in which groups, with whose keys."""

from aiohttp import web

from hub import roster
from hub.authorise import Action, authorise
from hub.errors import BadInput, Conflict
from hub.muster import CalledGroup
from hub.recipient import RecipientId
from hub.roster import Key, Roster, Typed
from operator_ui import form
from operator_ui.form import Form, Problem
from operator_ui.staff.console import ACTOR, CONSOLE, page, see_other
from operator_ui.staff.musters_page import site_names

CHANNELS = {"mail": "メール", "voice": "電話", "sms": "SMS（携帯電話）", "line": "LINE"}
"""What a person may be called by, whether or not the hub has it today: what is registered is never dropped unseen."""
KEYS_OF_ONE = 3
"""Shelters whose keys one person may hold."""


def routes() -> list[web.RouteDef]:
    return [
        web.get("/roster", show),
        web.get("/roster/new", show_person),
        web.post("/roster/new", save_person),
        web.get("/roster/{person:[0-9]{1,10}}", show_person),
        web.post("/roster/{person:[0-9]{1,10}}", save_person),
        web.post("/roster/{person:[0-9]{1,10}}/remove", remove_person),
        web.post("/roster/teams", change_teams),
        web.post("/roster/lines", add_lines),
    ]


async def show(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.CONFIGURE)
    return await _show(request)


async def show_person(request: web.Request) -> web.Response:
    """Addresses are shown to those who keep the list, and to nobody else."""
    authorise(request[ACTOR], Action.CONFIGURE)
    console, number = request.app[CONSOLE], _person(request)
    kept, revision = await console.ledger.read(lambda conn: roster.listed(conn, console.keys))
    if number is None:
        return await _form(request, kept, Typed(name="", contacts={}), revision)
    person = kept.person(number)
    if person is None:
        raise BadInput("person", "この人は名簿にありません / This person is not on the list")
    contacts = await console.ledger.read(lambda conn: roster.contacts(conn, console.keys, number))
    typed = Typed(name=person.name, contacts=contacts, groups=person.groups, keys=person.keys)
    return await _form(request, kept, typed, revision)


async def save_person(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.CONFIGURE)
    console, posted = request.app[CONSOLE], await form.read(request)
    kept, _ = await console.ledger.read(lambda conn: roster.listed(conn, console.keys))
    typed = _typed(posted)
    groups = roster.groups(kept, console.organisation, await site_names(console))
    seen = posted.number("revision") or 0
    try:
        await console.ledger.write(
            lambda conn: roster.set_person(
                conn,
                console.keys,
                typed,
                request[ACTOR],
                old=_person(request),
                known=[group.code for group in groups],
                seen=seen,
                at=console.clock(),
            )
        )
    except BadInput as e:
        problem = Problem(e.path, e.message.removeprefix(f"{e.path}: "))
        return await _form(request, kept, typed, seen, problem, status=422)
    except Conflict as e:
        return await _form(request, kept, typed, seen, Problem("name", e.message), status=409)
    return see_other("/roster?saved")


async def remove_person(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.CONFIGURE)
    console, posted, number = request.app[CONSOLE], await form.read(request), _person(request)
    await console.ledger.write(
        lambda conn: roster.remove_person(
            conn,
            console.keys,
            number or RecipientId(0),
            request[ACTOR],
            seen=posted.number("revision") or 0,
            at=console.clock(),
        )
    )
    return see_other("/roster?saved")


async def change_teams(request: web.Request) -> web.Response:
    """Add the one that was typed, or remove the one whose button was pressed."""
    authorise(request[ACTOR], Action.CONFIGURE)
    console, posted, actor = request.app[CONSOLE], await form.read(request), request[ACTOR]
    removed, seen, at = posted.text("remove"), posted.number("revision") or 0, console.clock()
    try:
        if removed:
            await console.ledger.write(
                lambda conn: roster.remove_team(conn, console.keys, removed, actor, seen=seen, at=at)
            )
        else:
            name = posted.text("team")
            await console.ledger.write(
                lambda conn: roster.add_team(conn, console.keys, name, actor, seen=seen, at=at)
            )
    except (BadInput, Conflict) as e:
        said = e.message.removeprefix(f"{e.path}: ") if isinstance(e, BadInput) else e.message
        return await _show(request, Problem("team", said), status=422)
    return see_other("/roster?saved")


async def add_lines(request: web.Request) -> web.Response:
    """Many at once, a line each: all of them, or nobody."""
    authorise(request[ACTOR], Action.CONFIGURE)
    console, posted = request.app[CONSOLE], await form.read(request)
    kept, _ = await console.ledger.read(lambda conn: roster.listed(conn, console.keys))
    groups = roster.groups(kept, console.organisation, await site_names(console))
    people = roster.lines(posted.text("lines"), posted.text("of"))
    if not people:
        problem = Problem("lines", "1行に1人ずつ書いてください / Write one person a line")
        return await _show(request, problem, status=422)
    try:
        await console.ledger.write(
            lambda conn: roster.add_people(
                conn,
                console.keys,
                people,
                request[ACTOR],
                known=[group.code for group in groups],
                seen=posted.number("revision") or 0,
                at=console.clock(),
            )
        )
    except BadInput as e:
        problem = Problem("lines", e.message.removeprefix(f"{e.path}: "))
        return await _show(request, problem, posted=posted, status=422)
    except Conflict as e:
        return await _show(request, Problem("lines", e.message), posted=posted, status=409)
    return see_other("/roster?saved")


async def _show(
    request: web.Request,
    problem: Problem | None = None,
    *,
    posted: Form | None = None,
    status: int = 200,
) -> web.Response:
    console = request.app[CONSOLE]
    kept, revision = await console.ledger.read(lambda conn: roster.listed(conn, console.keys))
    groups = roster.groups(kept, console.organisation, await site_names(console))
    return page(
        request,
        "roster.html",
        status=status,
        roster=kept,
        groups=groups,
        of=_of(groups),
        without_keys=[group for group in groups if group.site and not group.members],
        revision=revision,
        problems=[problem] if problem else [],
        saved="saved" in request.query,
        lines=posted.text("lines") if posted else "",
        chosen=posted.text("of") if posted else "",
    )


async def _form(
    request: web.Request,
    kept: Roster,
    typed: Typed,
    revision: int,
    problem: Problem | None = None,
    *,
    status: int = 200,
) -> web.Response:
    console = request.app[CONSOLE]
    sites = await site_names(console)
    groups = roster.groups(kept, console.organisation, sites)
    return page(
        request,
        "roster_person.html",
        status=status,
        person=_person(request),
        typed=typed,
        groups=[group for group in groups if not group.site],
        sites=sites,
        key_rows=[*typed.keys, *[None] * (KEYS_OF_ONE - len(typed.keys))],
        choices=roster.CHOICES,
        channels=CHANNELS,
        revision=revision,
        problems=[problem] if problem else [],
    )


def _typed(posted: Form) -> Typed:
    contacts = {channel: text for channel in CHANNELS if (text := posted.text(channel))}
    keys = [
        Key(site=site, choice=posted.number(f"choice-{row}") or 0)
        for row in range(KEYS_OF_ONE)
        if (site := posted.text(f"site-{row}"))
    ]
    return Typed(name=posted.text("name"), contacts=contacts, groups=posted.all("group"), keys=tuple(keys))


def _of(groups: list[CalledGroup]) -> dict[int, list[CalledGroup]]:
    """Everybody's groups."""
    found: dict[int, list[CalledGroup]] = {}
    for group in groups:
        for member in group.members:
            found.setdefault(member.recipient, []).append(group)
    return found


def _person(request: web.Request) -> RecipientId | None:
    """None: a new one."""
    number = request.match_info.get("person")
    return None if number is None else RecipientId(int(number))
