"""The residents' listener: pages, open data and events. Every body is written once and served from memory."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial

from aiohttp import hdrs, web

from hub.background import Background
from hub.language import Language
from hub.ledger.alerts import Accepted
from operator_ui.changes import Changes
from operator_ui.headers import CSP
from operator_ui.pages import LANGUAGE
from operator_ui.residents.answer import LICENSED, NAMING, OPEN, answer
from operator_ui.residents.answering import AnsweringPages
from operator_ui.residents.asking import AskingPages
from operator_ui.residents.data_routes import DataRoutes
from operator_ui.residents.document import Built, Written
from operator_ui.residents.enrolling import EnrollingPages
from operator_ui.residents.feeds import FEEDS, LENGTH, Feed
from operator_ui.residents.leaving import LeavingPages
from operator_ui.residents.news import FRESH, News
from operator_ui.residents.phone_line import PhoneLine
from operator_ui.residents.portal import Residents
from operator_ui.residents.press import Press
from operator_ui.residents.push_device import DevicePages
from operator_ui.residents.pushing import PushPages
from operator_ui.residents.reader import best
from operator_ui.residents.shelf import Shelf, Write
from operator_ui.residents.snapshot import Snapshot
from operator_ui.residents.telephone import TelephoneKeys

_NUMBER = r"{number:(?:[A-Z]-)?\d{4}-\d{3,6}}"
_LANGUAGE = "{language:" + "|".join(Language) + "}"


def create_app(portal: Residents, *, shelf: type[Shelf] = Shelf) -> web.Application:
    """An application to run on a listener of its own. It sets no cookie and asks no other origin for anything."""
    return _Listener(portal, shelf).app()


class _Listener:
    def __init__(self, portal: Residents, shelf: type[Shelf]) -> None:
        self._background = Background()
        self._news = News(portal, self._background, counts_every=FRESH)
        self._press = Press(portal)
        self._framed = {
            CSP: self._press.pages.policy(frame_ancestors=" ".join(portal.embedded_by) or "'none'"),
            "Cross-Origin-Resource-Policy": "cross-origin",
        }
        self._leaving = LeavingPages(portal, self._press)
        self._answering = AnsweringPages(portal, self._press)
        self._enrolling = EnrollingPages(portal, self._press)
        self._telephone = self._telephone_routes(portal)
        self._pushing = PushPages(portal, self._press)
        self._device = DevicePages(portal, self._press)
        self._asking = self._asking_routes(portal)
        self._shelf = shelf(self._background, portal.clock)
        self._files = DataRoutes(portal, self._news, self._press.data, self._shelf)
        self._changes = Changes(
            self._news.look,
            self._background,
            version=bytes.decode,
            most=portal.streams,
            senders=portal.senders,
        )

    def app(self) -> web.Application:
        app = web.Application()
        self._press.pages.setup(app)
        app.on_shutdown.append(self._changes.close)
        app.on_cleanup.append(self._finish)
        app.add_routes(
            [
                web.get("/", self._home),
                web.get(f"/{_LANGUAGE}/", self._home),
                web.get(f"/a/{_NUMBER}", self._alert),
                web.get(f"/{_LANGUAGE}/a/{_NUMBER}", self._alert),
                web.get(f"/{_LANGUAGE}/history", self._history),
                web.get(f"/{_LANGUAGE}/banner", self._banner),
                *(
                    web.get(f"{folder}/{feed.file}", partial(self._feed, feed))
                    for feed in FEEDS
                    for folder in (f"/{_LANGUAGE}", "")
                ),
                web.get("/cap/{identifier}.xml", self._cap),
                web.get("/api/alerts.json", partial(self._json, self._press.alerts_json, LICENSED)),
                web.get("/api/shelters.json", partial(self._json, self._press.shelters_json, NAMING)),
                web.get("/api/banner.json", partial(self._json, self._press.banner_json, OPEN)),
                web.get(f"/{_LANGUAGE}/open-data", self._open_data),
                *self._files.routes(),
                web.get(f"/portal/{_LANGUAGE}.html", partial(self._captive, aged=False)),
                web.get(f"/portal/old/{_LANGUAGE}.html", partial(self._captive, aged=True)),
                web.get("/events", self._events),
                web.get("/sw.js", self._worker),
                *self._leaving.routes(_LANGUAGE),
                *self._answering.routes(),
                *self._enrolling.routes(_LANGUAGE),
                *self._telephone,
                *self._pushing.routes(_LANGUAGE),
                *self._device.routes(),
                *self._asking,
            ]
        )
        return app

    def _telephone_routes(self, portal: Residents) -> list[web.RouteDef]:
        if portal.telephone is None:
            return []
        keys = TelephoneKeys(portal, portal.telephone).routes()
        if self._press.phone is None:
            return keys
        return [*keys, *PhoneLine(portal, portal.telephone, self._press.phone, self._written).routes()]

    def _asking_routes(self, portal: Residents) -> list[web.RouteDef]:
        if portal.window is None:
            return []
        replies = AskingPages(portal, self._press, self._news, portal.window).routes(_LANGUAGE)
        return [web.get("/ask", self._ask), web.get(f"/{_LANGUAGE}/ask", self._ask), *replies]

    # --- pages ---------------------------------------------------------------------------------

    async def _home(self, request: web.Request) -> web.Response:
        language, part = _language(request), "part" in request.query

        def write(snapshot: Snapshot) -> Written:
            return self._press.home(language, snapshot, part=part)

        built = await self._written(("home", language, part), write)
        return answer(request, built, headers=_language_headers(request, language))

    async def _alert(self, request: web.Request) -> web.Response:
        language, number = _language(request), request.match_info["number"]
        snapshot = await self._news.now()

        async def write() -> Callable[[], Written] | None:
            accepted = await self._news.alert(number)
            return accepted and partial(self._press.alert, language, snapshot, accepted)

        try:
            built = await self._found(snapshot, ("alert", number, language), write)
        except web.HTTPNotFound:
            missing = await self._written(("missing", language), partial(self._press.missing, language))
            return answer(request, missing, status=404)
        return answer(request, built, headers=_language_headers(request, language))

    async def _history(self, request: web.Request) -> web.Response:
        language = _language(request)
        built = await self._of_recent(("history", language), partial(self._press.history, language))
        return answer(request, built, headers=_language_headers(request, language))

    async def _ask(self, request: web.Request) -> web.Response:
        language = _language(request)
        built = await self._written(("ask", language), partial(self._press.ask, language))
        return answer(request, built, headers=_language_headers(request, language))

    async def _banner(self, request: web.Request) -> web.Response:
        language = _language(request)
        built = await self._written(("banner", language), partial(self._press.banner, language))
        return answer(request, built, headers={**_language_headers(request, language), **self._framed})

    async def _open_data(self, request: web.Request) -> web.Response:
        language = _language(request)
        built = await self._written(("open-data", language), partial(self._press.open_data, language))
        return answer(request, built, headers=_language_headers(request, language))

    async def _captive(self, request: web.Request, *, aged: bool) -> web.Response:
        language = _language(request)
        write = partial(self._press.captive, language, aged=aged)
        built = await self._written(("captive", language, aged), write)
        return answer(request, built, headers=_language_headers(request, language))

    # --- open data -----------------------------------------------------------------------------

    async def _json(
        self, write: Callable[[Snapshot], Written], headers: Mapping[str, str], request: web.Request
    ) -> web.Response:
        return answer(request, await self._written(request.path, write), headers=headers, dated=True)

    async def _cap(self, request: web.Request) -> web.Response:
        identifier = request.match_info["identifier"]
        snapshot = await self._news.now()

        async def write() -> Callable[[], Written] | None:
            found = await self._news.with_references(identifier)
            return found and partial(self._press.cap, snapshot, *found)

        built = await self._found(snapshot, ("cap", identifier), write)
        return answer(request, built, headers=OPEN)

    async def _feed(self, feed: Feed, request: web.Request) -> web.Response:
        language = Language(request.match_info.get("language", Language.JA))
        request[LANGUAGE] = language.value
        built = await self._of_recent((feed.file, language), partial(self._press.feed, feed, language))
        return answer(request, built, headers=OPEN)

    # --- the shelf -----------------------------------------------------------------------------

    async def _written(self, key: Hashable, made: Callable[[Snapshot], Written]) -> Built:
        """What depends on the snapshot alone."""
        snapshot = await self._news.now()

        async def write() -> Callable[[], Written]:
            return partial(made, snapshot)

        return await self._found(snapshot, key, write)

    async def _of_recent(
        self, key: Hashable, made: Callable[[Snapshot, Sequence[Accepted]], Written]
    ) -> Built:
        """What also depends on the newest alerts, in force or not."""
        snapshot = await self._news.now()

        async def write() -> Callable[[], Written]:
            return partial(made, snapshot, await self._news.recent(LENGTH))

        return await self._found(snapshot, key, write)

    async def _found(self, snapshot: Snapshot, key: Hashable, write: Write) -> Built:
        return await self._shelf.get(snapshot.edition, snapshot.at, key, write)

    # --- what keeps a page alive ---------------------------------------------------------------

    async def _events(self, request: web.Request) -> web.StreamResponse:
        return await self._changes.stream(request, "residents")

    async def _worker(self, request: web.Request) -> web.Response:
        """At the root, because a service worker serves the paths below its own."""
        return self._press.pages.static.response(request, "sw.js")

    async def _finish(self, _app: web.Application) -> None:
        await self._background.finish(timeout_s=1)
        self._shelf.close()


def _language(request: web.Request) -> Language:
    """The address's, else the browser's wish, else Japanese."""
    named = request.match_info.get("language")
    chosen = Language(named) if named else best(request.headers.get(hdrs.ACCEPT_LANGUAGE, ""))
    request[LANGUAGE] = chosen.value
    return chosen


def _language_headers(request: web.Request, language: Language) -> Mapping[str, str]:
    chosen = [] if "language" in request.match_info else [hdrs.ACCEPT_LANGUAGE]
    return {
        hdrs.VARY: ", ".join([hdrs.ACCEPT_ENCODING, *chosen]),
        hdrs.CONTENT_LANGUAGE: language.value,
    }
