"""The page at which a browser is registered for notifications, and what its script and its service worker send.

The page is the same for everybody: whether this browser is registered only the browser knows. What is sent is JSON, which
another site's page cannot send without asking first, and nothing answers that.
"""

from collections.abc import Awaitable, Callable

import structlog
from aiohttp import hdrs, web
from sqlalchemy.exc import SQLAlchemyError

from hub import push_registration
from hub.errors import HubError
from hub.language import Language
from hub.ledger import trouble
from operator_ui.allowance import Allowance
from operator_ui.headers import CSP
from operator_ui.pages import LANGUAGE
from operator_ui.residents import push_form
from operator_ui.residents.portal import Push, Residents, home_path, push_path
from operator_ui.residents.press import Press
from operator_ui.residents.push_form import LIMIT_BYTES, Unusable
from operator_ui.residents.reader import Reader, best

log = structlog.get_logger(__name__)

PER_S, AT_ONCE = 0.5, 60
"""Registrations from one address: a class of pupils may stand behind it."""
PATH = "/push"
LEAVING = f"{PATH}/leave"


class PushPages:
    def __init__(self, portal: Residents, press: Press) -> None:
        self._portal, self._press = portal, press
        self._allowance = Allowance(clock=portal.clock, per_s=PER_S, at_once=AT_ONCE)

    def routes(self, language: str) -> list[web.RouteDef]:
        """`language`: how an address names one. None where the city has no such channel."""
        if self._portal.push is None:
            return []
        return [
            web.get(PATH, self._page),
            web.get(f"/{language}{PATH}", self._page),
            web.get(f"/{language}/push.webmanifest", self._manifest),
            web.post(PATH, self._subscribe),
            web.post(LEAVING, self._give_up),
        ]

    async def _page(self, request: web.Request) -> web.Response:
        language = _chosen(request)
        reader = Reader(language, self._portal.clock())
        response = self._press.pages.render(
            request,
            "push.html",
            t=reader.text,
            reader=reader,
            key=self._push.key,
            towns=self._portal.city.towns.values(),
            path=push_path,
        )
        response.headers[hdrs.CONTENT_LANGUAGE] = language.value
        response.headers[CSP] = self._press.pages.policy(manifest_src="'self'")
        return response

    async def _manifest(self, request: web.Request) -> web.Response:
        """W3C Web Application Manifest: an iPhone takes notifications only for what stands on its home screen."""
        language = _chosen(request)
        name = self._press.pages.translated("%(city)sの緊急情報", language)
        manifest = {
            "name": name % {"city": self._portal.city.names[language]},
            "lang": language.value,
            "start_url": home_path(language),
            "display": "standalone",
            "icons": [
                {"src": self._press.pages.static.url("icon.svg"), "type": "image/svg+xml", "sizes": "any"}
            ],
        }
        return web.json_response(manifest, content_type="application/manifest+json")

    async def _subscribe(self, request: web.Request) -> web.Response:
        return await self._answered(request, self._registered)

    async def _give_up(self, request: web.Request) -> web.Response:
        return await self._answered(request, self._taken_out)

    async def _registered(self, body: bytes) -> None:
        portal = self._portal
        wish = push_form.wish(body, self._push.services)
        await push_registration.subscribe(
            portal.ledger,
            portal.keys,
            wish.subscription.subscription(),
            wish.home(portal.city),
            before=push_form.earlier(wish.before),
            at=portal.clock(),
        )

    async def _taken_out(self, body: bytes) -> None:
        portal, subscription = self._portal, push_form.farewell(body)
        await push_registration.give_up(portal.ledger, portal.keys, subscription, at=portal.clock())

    async def _answered(self, request: web.Request, work: Callable[[bytes], Awaitable[None]]) -> web.Response:
        """204, or what the script is to say."""
        if request.content_type != "application/json" or (request.content_length or 0) > LIMIT_BYTES:
            raise web.HTTPBadRequest
        if wait_s := self._allowance.wait_s(self._portal.senders.one(request)):
            return _problem(429, "often", wait_s)
        body = await request.content.read(LIMIT_BYTES + 1)
        try:
            await work(body)
        except Unusable as e:
            return _problem(400, e.problem)
        except HubError as e:
            log.warning("a browser could not be registered", reason=type(e).__name__)
            return _problem(503, "away", 60)
        except SQLAlchemyError as e:
            if not trouble.is_away(e):
                raise
            log.warning("a browser could not be registered: the database is away")
            return _problem(503, "away", 60)
        return web.Response(status=204)

    @property
    def _push(self) -> Push:
        assert self._portal.push is not None  # noqa: S101 - or there were no routes
        return self._portal.push


def _problem(status: int, problem: str, wait_s: int | None = None) -> web.Response:
    headers = {hdrs.RETRY_AFTER: str(wait_s)} if wait_s else {}
    return web.json_response({"problem": problem}, status=status, headers=headers)


def _chosen(request: web.Request) -> Language:
    named = request.match_info.get("language")
    chosen = Language(named) if named else best(request.headers.get(hdrs.ACCEPT_LANGUAGE, ""))
    request[LANGUAGE] = chosen.value
    return chosen
