"""貼り紙: one alert on a page of A4, to be printed for the walls of shelters, in each language there is a font for."""

import msgspec
from aiohttp import web

from channels._poster import faces
from channels._poster.around import Around, around
from channels._poster.faces import supported
from channels._poster.page import poster
from hub.alert import Mode
from hub.authorise import Action, authorise
from hub.channel import Content
from hub.delivery import Variant
from hub.errors import BadInput, Refused
from hub.framing import frame
from hub.language import Language
from hub.ledger import alerts
from hub.ledger.alerts import Accepted
from hub.outbound import Deployment
from hub.recipient import Called, Zone
from hub.render import render
from operator_ui.staff.console import ACTOR, CONSOLE, Console, page, see_other


def routes() -> list[web.RouteDef]:
    return [
        web.get("/alerts/{alert}/poster", show),
        web.get("/alerts/{alert}/poster.pdf", download),
    ]


async def show(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.VIEW)
    console, accepted = request.app[CONSOLE], await _accepted(request)
    if isinstance(accepted.alert.targeting.audience, Called):
        return see_other(f"/alerts/{accepted.alert.identifier}")
    content = await _content(console, accepted, Variant(Language.JA, None))
    return page(
        request,
        "poster.html",
        accepted=accepted,
        alert=accepted.alert,
        title=content.text(content.headline),
        drill=accepted.alert.mode is not Mode.LIVE,
        over=accepted.stopped_at is not None or console.clock() >= accepted.alert.expires,
        zones=list(console.city.zones.values()),
        languages=[each for each in _written(accepted) if supported(each)],
        packages=faces.advice(),
        named_only=not faces.drawn(faces.HAN, Language.JA),
        elsewhere=[(each, f"{_public(content)}/{each}/a/{accepted.number}") for each in _unset(accepted)],
    )


async def download(request: web.Request) -> web.Response:
    """With the sites of this moment: one that stopped receiving stands on no new poster (I16)."""
    authorise(request[ACTOR], Action.VIEW)
    console, accepted = request.app[CONSOLE], await _accepted(request)
    if isinstance(accepted.alert.targeting.audience, Called):
        raise BadInput("alert", "a muster has no poster / 参集の連絡に貼り紙はありません")
    language, zone = _language(request), _zone(request, console)
    content = await _content(console, accepted, Variant(language, zone))
    rows = (await console.board()).rows
    place = around(
        console.city,
        {row.site.name.ja: row.site.position for row in rows},
        zone,
        in_japanese=language in (Language.JA, Language.JA_EASY),
    )
    return web.Response(
        body=_printed(content, place, colour=request.query.get("ink") != "black"),
        content_type="application/pdf",
        headers={
            "Content-Disposition": f'inline; filename="{accepted.number}-{language}.pdf"',
            "Cache-Control": "no-store",
        },
    )


def _printed(content: Content, place: Around, *, colour: bool) -> bytes:
    try:
        return poster(content, place, colour=colour)
    except BadInput as e:  # the text's fault, not the address's: the page is there
        raise Refused(e.message.removeprefix(f"{e.path}: ")) from e


async def _accepted(request: web.Request) -> Accepted:
    console, identifier = request.app[CONSOLE], request.match_info["alert"]
    return await console.ledger.read(lambda conn: alerts.get(conn, console.keys, identifier))


async def _content(console: Console, accepted: Accepted, variant: Variant) -> Content:
    """What a rehearsal hub prints says that it is a drill, whatever the alert's mode: it may be left on a desk."""
    content = render(accepted.alert, variant, await console.slots(), console.clock, number=accepted.number)
    if console.deployment is Deployment.PRODUCTION or content.mode is not Mode.LIVE:
        return content
    return msgspec.structs.replace(
        content,
        mode=Mode.STAFF_DRILL,
        headline=frame(content.headline, "headline", content.language),
        body=frame(content.body, "body", content.language),
    )


def _written(accepted: Accepted) -> list[Language]:
    return [info.language for info in accepted.alert.infos]


def _unset(accepted: Accepted) -> list[Language]:
    return [each for each in _written(accepted) if not supported(each)]


def _public(content: Content) -> str:
    """Under which residents reach their pages."""
    return content.link.rpartition("/a/")[0].rpartition("/")[0]


def _language(request: web.Request) -> Language:
    try:
        language = Language(request.query.get("language", Language.JA))
    except ValueError:
        raise BadInput("language", "choose one of the list / 一覧から言語を選んでください") from None
    if not supported(language):
        raise BadInput("language", "print the residents' page / この言語は住民のページを印刷してください")
    return language


def _zone(request: web.Request, console: Console) -> Zone | None:
    typed = request.query.get("zone", "")
    if typed and typed not in console.city.zones:
        raise BadInput("zone", "choose one of the list / 一覧から区域を選んでください")
    return Zone(typed) if typed else None
