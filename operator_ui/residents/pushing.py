"""The page at which a browser is registered for notifications, and what its script and its service worker send.

The page is the same for everybody: whether this browser is registered only the browser knows. What is sent is JSON, which
another site's page cannot send without asking first, and nothing answers that.
"""

from aiohttp import hdrs, web

from hub import push_registration
from hub.language import Language
from operator_ui.headers import CSP
from operator_ui.pages import LANGUAGE
from operator_ui.residents import push_form
from operator_ui.residents.portal import Push, Residents, home_path, push_path
from operator_ui.residents.press import Press
from operator_ui.residents.push_answers import PushAnswers
from operator_ui.residents.reader import Reader, best

PATH = "/push"
LEAVING = f"{PATH}/leave"


class PushPages:
    def __init__(self, portal: Residents, press: Press) -> None:
        self._portal, self._press = portal, press
        self._answers = PushAnswers(portal)

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
        return await self._answers.answered(request, self._registered)

    async def _give_up(self, request: web.Request) -> web.Response:
        return await self._answers.answered(request, self._taken_out)

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

    @property
    def _push(self) -> Push:
        assert self._portal.push is not None  # noqa: S101 - or there were no routes
        return self._portal.push


def _chosen(request: web.Request) -> Language:
    named = request.match_info.get("language")
    chosen = Language(named) if named else best(request.headers.get(hdrs.ACCEPT_LANGUAGE, ""))
    request[LANGUAGE] = chosen.value
    return chosen
