"""The rules by which staff are called without anybody asking: the list, one rule's form, and what they did."""

from uuid import uuid4

from aiohttp import web

from hub import muster_rules, roster
from hub.authorise import Action, authorise
from hub.errors import BadInput, Conflict
from hub.evacuation import Level
from hub.hazard import Hazard
from hub.ledger import musters
from hub.muster_rules import INTENSITIES, Cause, Rule
from operator_ui import form
from operator_ui.form import Form, Problem
from operator_ui.staff.console import ACTOR, CONSOLE, page, see_other
from operator_ui.staff.musters_page import groups_now


def routes() -> list[web.RouteDef]:
    return [
        web.get("/muster-rules", show),
        web.get("/muster-rules/new", show_rule),
        web.post("/muster-rules/new", save),
        web.get("/muster-rules/{rule:[a-z0-9-]{1,32}}", show_rule),
        web.post("/muster-rules/{rule:[a-z0-9-]{1,32}}", save),
        web.post("/muster-rules/{rule:[a-z0-9-]{1,32}}/remove", remove),
    ]


async def show(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.CONFIGURE)
    console = request.app[CONSOLE]
    (rules, revision), firings = await console.ledger.read(
        lambda conn: (
            muster_rules.listed(conn, console.keys, console.muster_rules),
            musters.firings(conn),
        )
    )
    groups = await groups_now(console)
    return page(
        request,
        "muster_rules.html",
        rules=rules,
        revision=revision,
        firings=firings,
        groups={group.code: group for group in groups},
        all_keys=roster.KEY_HOLDERS,
        organisation=console.organisation,
        saved="saved" in request.query,
    )


async def show_rule(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.CONFIGURE)
    console, code = request.app[CONSOLE], request.match_info.get("rule")
    rules, revision = await console.ledger.read(
        lambda conn: muster_rules.listed(conn, console.keys, console.muster_rules)
    )
    rule = next((each for each in rules if each.code == code), None)
    if code is not None and rule is None:
        raise BadInput("rule", "この規則はありません / There is no such rule")
    return await _form(request, rule or Rule(code="new", cause=Cause.QUAKE, groups=()), revision)


async def save(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.CONFIGURE)
    posted = await form.read(request)
    rule, seen = _typed(posted, request.match_info.get("rule")), posted.number("revision") or 0
    try:
        await _put(request, rule.code, rule, seen=seen)
    except BadInput as e:
        problem = Problem(e.path, e.message.removeprefix(f"{e.path}: "))
        return await _form(request, rule, seen, problem, status=422)
    except Conflict as e:
        return await _form(request, rule, seen, Problem("groups", e.message), status=409)
    return see_other("/muster-rules?saved")


async def remove(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.CONFIGURE)
    seen = (await form.read(request)).number("revision") or 0
    await _put(request, request.match_info["rule"], None, seen=seen)
    return see_other("/muster-rules?saved")


async def _put(request: web.Request, code: str, rule: Rule | None, *, seen: int) -> None:
    """In the place of the one of that code, or behind all; None: without it."""
    console = request.app[CONSOLE]
    rules, _ = await console.ledger.read(
        lambda conn: muster_rules.listed(conn, console.keys, console.muster_rules)
    )
    changed = [rule if each.code == code else each for each in rules]
    if all(each.code != code for each in rules):
        changed.append(rule)
    await console.ledger.write(
        lambda conn: muster_rules.set_rules(
            conn,
            console.keys,
            [each for each in changed if each is not None],
            console.organisation,
            request[ACTOR],
            seen=seen,
            at=console.clock(),
        )
    )


async def _form(
    request: web.Request, rule: Rule, revision: int, problem: Problem | None = None, *, status: int = 200
) -> web.Response:
    console = request.app[CONSOLE]
    groups = await groups_now(console)
    return page(
        request,
        "muster_rule.html",
        status=status,
        rule=rule,
        code=request.match_info.get("rule"),
        revision=revision,
        causes=list(Cause),
        intensities=INTENSITIES,
        hazards=[hazard for hazard in Hazard if hazard is not Hazard.EARTHQUAKE],
        levels=[level for level in Level if level > Level.EARLY],
        stages=console.organisation.stages,
        groups=[group for group in groups if not group.site],
        all_keys=roster.KEY_HOLDERS,
        problems=[problem] if problem else [],
    )


def _typed(posted: Form, code: str | None) -> Rule:
    """Only what belongs to the cause is kept."""
    cause = posted.choice("cause", Cause) or Cause.QUAKE
    warned = cause is Cause.WARNING
    return Rule(
        code=code or f"rule-{uuid4().hex[:8]}",
        cause=cause,
        groups=posted.all("group"),
        on=posted.ticked("on"),
        intensity=posted.text("intensity") if cause is Cause.QUAKE else "",
        hazard=posted.choice("hazard", Hazard) if warned else None,
        level=posted.choice("level", Level) if warned else None,
        stage=posted.text("stage") if cause is Cause.STAGE else "",
    )
