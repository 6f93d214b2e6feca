"""The page at which a recipient leaves a channel, and the one click by which their provider does it for them.

The address says who they are (`hub.unsubscribe`), so there is no cookie and no sign-in. Looking at it changes
nothing: programs that check mail for malice open every address in it. RFC 8058 §3.2: the POST is answered, and not
sent elsewhere.
"""

from datetime import timedelta

import structlog
from aiohttp import hdrs, web
from sqlalchemy.exc import SQLAlchemyError

from hub import unsubscribe
from hub.language import Language
from hub.ledger import trouble
from hub.unsubscribe import Leaving
from operator_ui import form
from operator_ui.pages import LANGUAGE
from operator_ui.residents.portal import Residents, leaving_path
from operator_ui.residents.press import Press
from operator_ui.residents.reader import Reader, best
from operator_ui.throttle import Throttle

log = structlog.get_logger(__name__)

FREE, LONGEST = 30, timedelta(seconds=10)
"""Wrong addresses of one sender that cost nothing, and the longest wait after more. A right one never waits."""


class LeavingPages:
    def __init__(self, portal: Residents, press: Press) -> None:
        self._portal = portal
        self._press = press
        self._wrong = Throttle(clock=portal.clock, free=FREE, longest=LONGEST)

    def routes(self, language: str) -> list[web.RouteDef]:
        """`language`: how an address names one."""
        return [
            route
            for path in ("/unsubscribe/{token}", f"/{language}/unsubscribe/{{token}}")
            for route in (web.get(path, self._page), web.post(path, self._leave))
        ]

    async def _page(self, request: web.Request) -> web.Response:
        if self._leaving(request) is None:
            return self._unknown(request)
        return self._show(request, "leaving.html")

    async def _leave(self, request: web.Request) -> web.Response:
        leaving = self._leaving(request)
        if leaving is None:
            return self._unknown(request)
        posted = await form.read(request)
        if any(posted.text(name) != value for name, value in unsubscribe.BODY.items()):
            raise web.HTTPBadRequest
        portal = self._portal
        try:
            await unsubscribe.leave(portal.ledger, portal.keys, leaving, at=portal.clock())
        except SQLAlchemyError as e:
            if not trouble.is_away(e):
                raise
            log.warning("a registration could not be ended: the database is away", channel=leaving.channel)
            return self._show(request, "later.html", status=503)
        return self._show(request, "left.html")

    def _leaving(self, request: web.Request) -> Leaving | None:
        _choose_language(request)
        return unsubscribe.read(self._portal.keys, request.match_info["token"])

    def _unknown(self, request: web.Request) -> web.Response:
        sender = self._portal.senders.one(request) or ""
        if self._wrong.wait(sender):
            raise web.HTTPTooManyRequests
        self._wrong.failed(sender)
        return self._show(request, "never.html", status=404)

    def _show(self, request: web.Request, template: str, *, status: int = 200) -> web.Response:
        language = Language(request[LANGUAGE])
        reader = Reader(language, self._portal.clock())
        token = request.match_info["token"]
        response = self._press.pages.render(
            request,
            template,
            status=status,
            t=reader.text,
            path=lambda tag: leaving_path(token, tag),
            body=unsubscribe.BODY,
        )
        response.headers[hdrs.CONTENT_LANGUAGE] = language.value
        if status == 503:
            response.headers[hdrs.RETRY_AFTER] = "60"
        return response


def _choose_language(request: web.Request) -> None:
    named = request.match_info.get("language")
    wish = best(request.headers.get(hdrs.ACCEPT_LANGUAGE, ""))
    request[LANGUAGE] = Language(named).value if named else wish.value
