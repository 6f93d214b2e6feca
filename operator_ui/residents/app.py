"""The residents' listener: pages, open data and events. Every body is built once and served from memory."""

from collections.abc import Awaitable, Callable, Hashable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from aiohttp import hdrs, web

from hub.background import Background
from hub.evacuation import DIVIDER
from hub.language import Language
from hub.ledger.alerts import Accepted
from operator_ui.changes import Changes
from operator_ui.map import CityMap, glyph
from operator_ui.pages import LANGUAGE, Pages
from operator_ui.residents import cap, feed, open_data
from operator_ui.residents.news import News, Snapshot
from operator_ui.residents.notice import Notice, notice
from operator_ui.residents.portal import Residents, alert_path, feed_path, home_path
from operator_ui.residents.reader import Reader, best
from operator_ui.residents.section import section
from operator_ui.residents.shelf import Shelf, answer
from operator_ui.residents.sites import State

_HERE = files("operator_ui.residents")
_NUMBER = r"{number:(?:[A-Z]-)?\d{4}-\d{3,6}}"
_LANGUAGE = "{language:" + "|".join(Language) + "}"
_OPEN = {hdrs.ACCESS_CONTROL_ALLOW_ORIGIN: "*", "Cross-Origin-Resource-Policy": "cross-origin"}
"""Open data may be read from any site: it says nothing of anybody."""


def create_app(portal: Residents) -> web.Application:
    """An application to run on a listener of its own. It sets no cookie and asks no other origin for anything."""
    return _Listener(portal).app()


class _Listener:
    def __init__(self, portal: Residents) -> None:
        self._portal = portal
        self._background = Background()
        self._news = News(portal, self._background)
        self._shelf = Shelf()
        self._map = CityMap(portal.city)
        self._changes = Changes(self._news.look, self._background)
        self._pages = Pages(
            templates=[Path(str(_HERE / "templates"))],
            styles=[_HERE / "residents.css"],
            languages=[language.value for language in Language],
            https=portal.url.startswith("https:"),
            static=[_HERE / "static"],
            context=self._common,
        )

    def app(self) -> web.Application:
        app = web.Application()
        self._pages.setup(app)
        app.on_shutdown.append(self._changes.close)
        app.on_cleanup.append(self._finish)
        app.add_routes(
            [
                web.get("/", self._home),
                web.get(f"/{_LANGUAGE}/", self._home),
                web.get(f"/a/{_NUMBER}", self._alert),
                web.get(f"/{_LANGUAGE}/a/{_NUMBER}", self._alert),
                web.get(f"/{_LANGUAGE}/feed.atom", self._feed),
                web.get("/feed.atom", self._feed),
                web.get("/cap/{identifier}.xml", self._cap),
                web.get("/api/alerts.json", self._alerts_json),
                web.get("/api/shelters.json", self._shelters_json),
                web.get("/events", self._events),
                web.get("/sw.js", self._worker),
            ]
        )
        return app

    # --- pages ---------------------------------------------------------------------------------

    async def _home(self, request: web.Request) -> web.Response:
        language = _language(request)
        snapshot = await self._news.now()
        part = "part" in request.query

        def build() -> bytes:
            return self._page(request, "part.html" if part else "home.html", language, snapshot)

        built = self._shelf.get(snapshot.edition, ("home", language, part), "text/html", build)
        return answer(request, built, headers=_language_headers(request, language))

    async def _alert(self, request: web.Request) -> web.Response:
        language, number = _language(request), request.match_info["number"]
        snapshot = await self._news.now()
        edition, key = snapshot.edition, ("alert", number, language)
        built = self._shelf.find(edition, key)
        if built is None:
            accepted = await self._news.alert(number)
            if accepted is None:
                return self._missing(request, language, snapshot)

            def build() -> bytes:
                return self._page(request, "alert.html", language, snapshot, only=accepted)

            built = self._shelf.get(edition, key, "text/html", build)
        return answer(request, built, headers=_language_headers(request, language))

    def _missing(self, request: web.Request, language: Language, snapshot: Snapshot) -> web.Response:
        def build() -> bytes:
            return self._page(request, "missing.html", language, snapshot)

        built = self._shelf.get(snapshot.edition, ("missing", language), "text/html", build)
        return answer(request, built, status=404)

    def _page(
        self,
        request: web.Request,
        template: str,
        language: Language,
        snapshot: Snapshot,
        *,
        only: Accepted | None = None,
    ) -> bytes:
        """`only`: the page of one alert. Shelters stand beside it only while it is in force."""
        request[LANGUAGE] = language.value
        shown = snapshot.alerts if only is None else (only,)
        notices = [self._notice(each, language, snapshot) for each in shown]
        of_force = only is None or any(each.number == only.number for each in snapshot.alerts)
        hazards = snapshot.hazards if only is None else {only.alert.hazard} & {*snapshot.hazards}
        sections = [section(hazard, snapshot, self._portal.city) for hazard in hazards if of_force]
        reader = Reader(language, snapshot.checked_at)
        return self._pages.text(
            request,
            template,
            reader=reader,
            t=reader.text,
            snapshot=snapshot,
            notices=notices,
            sections=sections,
            path=(lambda tag: alert_path(only.number, tag)) if only else home_path,
        ).encode()

    def _common(self, request: web.Request) -> Mapping[str, Any]:
        """What every template may use, error pages too."""
        language = Language(self._pages.language(request))
        return {
            "portal": self._portal,
            "city": self._portal.city.names[language],
            "languages": list(Language),
            "language": language,
            "home": home_path(language),
            "feed": feed_path(language),
            "map": self._map,
            "glyph": glyph,
            "states": State,
            "divider": DIVIDER,
        }

    def _notice(self, accepted: Accepted, language: Language, snapshot: Snapshot) -> Notice:
        return notice(accepted, language, snapshot.slots, self._portal.clock)

    # --- open data -----------------------------------------------------------------------------

    async def _alerts_json(self, request: web.Request) -> web.Response:
        async def load(snapshot: Snapshot) -> bytes:
            return open_data.alerts_json(
                snapshot,
                [self._texts(each, snapshot) for each in snapshot.alerts],
                city=self._portal.city,
                url=self._portal.url,
                deployment=self._portal.deployment,
            )

        return await self._open(request, "alerts.json", "application/json", load)

    async def _shelters_json(self, request: web.Request) -> web.Response:
        async def load(snapshot: Snapshot) -> bytes:
            return open_data.shelters_json(
                snapshot, city=self._portal.city, deployment=self._portal.deployment
            )

        return await self._open(request, "shelters.json", "application/json", load)

    async def _cap(self, request: web.Request) -> web.Response:
        identifier = request.match_info["identifier"]

        async def load(snapshot: Snapshot) -> bytes:
            found = await self._news.with_references(identifier)
            if found is None:
                raise web.HTTPNotFound
            accepted, references = found
            notices = list(self._texts(accepted, snapshot).values())
            return cap.document(
                accepted.alert, notices, references, city=self._portal.city, url=self._portal.url
            )

        return await self._open(request, ("cap", identifier), cap.CONTENT_TYPE, load)

    async def _feed(self, request: web.Request) -> web.Response:
        language = Language(request.match_info.get("language", Language.JA))
        request[LANGUAGE] = language.value

        async def load(snapshot: Snapshot) -> bytes:
            recent = await self._news.recent(feed.LENGTH)
            title = self._pages.gettext(request, "%(city)sの緊急情報")
            return feed.feed(
                [self._notice(each, language, snapshot) for each in recent],
                language,
                city=self._portal.city,
                url=self._portal.url,
                title=title % {"city": self._portal.city.names[language]},
                checked_at=snapshot.checked_at,
            )

        return await self._open(request, ("feed", language), feed.CONTENT_TYPE, load)

    def _texts(self, accepted: Accepted, snapshot: Snapshot) -> dict[Language, Notice]:
        return {
            info.language: self._notice(accepted, info.language, snapshot) for info in accepted.alert.infos
        }

    async def _open(
        self,
        request: web.Request,
        key: Hashable,
        content_type: str,
        load: Callable[[Snapshot], Awaitable[bytes]],
    ) -> web.Response:
        snapshot = await self._news.now()
        built = self._shelf.find(snapshot.edition, key)
        if built is None:
            body = await load(snapshot)
            built = self._shelf.get(snapshot.edition, key, content_type, lambda: body)
        return answer(request, built, headers=_OPEN)

    # --- what keeps a page alive ---------------------------------------------------------------

    async def _events(self, request: web.Request) -> web.StreamResponse:
        return await self._changes.stream(request, "residents")

    async def _worker(self, request: web.Request) -> web.Response:
        """At the root, because a service worker serves the paths below its own."""
        return self._pages.static.response(request, "sw.js")

    async def _finish(self, _app: web.Application) -> None:
        await self._background.finish(timeout_s=1)


def _language(request: web.Request) -> Language:
    """The address's, else the browser's wish, else Japanese."""
    named = request.match_info.get("language")
    return Language(named) if named else best(request.headers.get(hdrs.ACCEPT_LANGUAGE, ""))


def _language_headers(request: web.Request, language: Language) -> Mapping[str, str]:
    chosen = [] if "language" in request.match_info else [hdrs.ACCEPT_LANGUAGE]
    return {
        hdrs.VARY: ", ".join([hdrs.ACCEPT_ENCODING, *chosen]),
        hdrs.CONTENT_LANGUAGE: language.value,
    }
