"""Every document of the residents' site, written from what is true: nothing of a request is in it, nothing is
read meanwhile, and any thread may do it."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from importlib.resources import files
from pathlib import Path
from typing import Any

from aiohttp import web
from markupsafe import Markup

from hub import placename
from hub.alert import Alert, Mode
from hub.evacuation import DIVIDER
from hub.language import Language
from hub.ledger.alerts import Accepted
from operator_ui.map import CityMap, glyph
from operator_ui.pages import Context, Pages
from operator_ui.residents import cap, captive, open_data
from operator_ui.residents.asked import Asked
from operator_ui.residents.data_files import CATALOGUE
from operator_ui.residents.data_press import DataPress
from operator_ui.residents.document import STUCK, Written
from operator_ui.residents.feeds import FEEDS, Feed
from operator_ui.residents.masthead import Masthead
from operator_ui.residents.notice import Notice, notice, texts_of
from operator_ui.residents.phone_press import PhonePress
from operator_ui.residents.portal import (
    Residents,
    alert_path,
    ask_path,
    banner_path,
    data_path,
    feed_path,
    history_path,
    home_path,
    push_path,
)
from operator_ui.residents.publisher import LICENCE_URL
from operator_ui.residents.reader import Reader
from operator_ui.residents.section import section
from operator_ui.residents.sites import State
from operator_ui.residents.snapshot import Snapshot
from operator_ui.window.reply import Reply
from shelters.site import Facility
from shelters.why import Why

_HERE = files("operator_ui.residents")

FACILITY_ICONS = {Facility.WHEELCHAIR: "accessibility", Facility.PETS: "dog", Facility.INFANTS: "baby"}
HTML = "text/html"
JSON = "application/json"


def residents_pages(*, https: bool, context: Context) -> Pages:
    return Pages(
        templates=[Path(str(_HERE / "templates"))],
        styles=[_HERE / "residents.css"],
        languages=[language.value for language in Language],
        https=https,
        static=[_HERE / "static"],
        context=context,
        apart=[_banner_css(), captive.style()],
    )


@cache
def _banner_css() -> str:
    return (_HERE / "banner.css").read_text(encoding="utf-8")


class Press:
    def __init__(self, portal: Residents) -> None:
        self._portal = portal
        self._map = CityMap(portal.city)
        self._towns = {language: _towns(portal, language) for language in Language}
        self.data = DataPress(portal)
        self.pages = residents_pages(https=portal.url.startswith("https:"), context=self._of_request)
        self.phone = PhonePress(portal, portal.phone_in, self.pages) if portal.phone_in else None

    def home(self, language: Language, snapshot: Snapshot, *, part: bool = False) -> Written:
        """`part`: without the frame, for a script."""
        return self._page("part.html" if part else "home.html", language, snapshot)

    def alert(self, language: Language, snapshot: Snapshot, accepted: Accepted) -> Written:
        """The page of one alert. Shelters stand beside it only while it is in force."""
        return self._page("alert.html", language, snapshot, only=accepted)

    def history(self, language: Language, snapshot: Snapshot, recent: Sequence[Accepted]) -> Written:
        """A list of the newest alerts, those that are over too."""
        return self._page("history.html", language, snapshot, shown=recent, path=history_path)

    def open_data(self, language: Language, snapshot: Snapshot) -> Written:
        """The page that lists the files for other programs."""
        return self._page(
            "open_data.html",
            language,
            snapshot,
            shown=(),
            path=data_path,
            files=self.data.files,
            catalogue=CATALOGUE,
            licence_url=LICENCE_URL,
            cited=self._portal.city.names[Language.JA],
        )

    def ask(self, language: Language, snapshot: Snapshot) -> Written:
        """The page on which residents ask, before they do."""
        values = {**self._common(language), **self.asking(language, reply=None, asked=Asked())}
        return _written(self.pages.written("ask.html", language, **values).encode(), HTML, snapshot)

    def asking(self, language: Language, *, reply: Reply | None, asked: Asked) -> Mapping[str, Any]:
        """What `ask.html` shows. The reply may be in another language than the page: that of the question."""
        now = self._portal.clock()
        return {
            "reader": Reader(language, now),
            "t": Reader(language, now).text,
            "told": Reader(reply.language if reply else language, now).text,
            "path": ask_path,
            "action": f"{ask_path(language)}/reply",
            "towns": self._towns[language],
            "reply": reply,
            "asked": asked,
        }

    def captive(self, language: Language, snapshot: Snapshot, *, aged: bool = False) -> Written:
        """The page that boxes at the facilities keep a copy of."""
        return captive.captive(self._page, language, snapshot, aged=aged)

    def missing(self, language: Language, snapshot: Snapshot) -> Written:
        return self._page("missing.html", language, snapshot)

    def fault(self, language: Language) -> bytes:
        """For a server in front of us, when nothing else can be shown."""
        values = {"code": 500, "error": None, "reference": ""}
        return self.pages.written("error.html", language, **self._common(language), **values).encode()

    def banner(self, language: Language, snapshot: Snapshot) -> Written:
        """What another website shows of us, in a frame: nothing while nothing is in force. Drills are not there."""
        css = Markup(_banner_css())  # noqa: S704 - our own file
        return self._page(
            "banner.html",
            language,
            snapshot,
            shown=_live(snapshot),
            path=banner_path,
            base="",
            banner_css=css,
        )

    def banner_json(self, snapshot: Snapshot) -> Written:
        """The same for a script or a content management system of that website."""
        portal, shown = self._portal, _live(snapshot)
        parts = {
            language: self._page(
                "banner_part.html", language, snapshot, shown=shown, base=portal.url
            ).body.decode()
            for language in Language
        }
        first = self._texts(shown[0], snapshot) if shown else {}
        body = open_data.banner_json(
            snapshot, first, parts, city=portal.city, url=portal.url, deployment=portal.deployment
        )
        return _written(body, JSON, snapshot)

    def alerts_json(self, snapshot: Snapshot) -> Written:
        portal = self._portal
        texts = [self._texts(each, snapshot) for each in snapshot.alerts]
        body = open_data.alerts_json(
            snapshot,
            texts,
            city=portal.city,
            publisher=portal.publisher,
            url=portal.url,
            deployment=portal.deployment,
        )
        return _written(body, JSON, snapshot)

    def shelters_json(self, snapshot: Snapshot) -> Written:
        portal = self._portal
        body = open_data.shelters_json(
            snapshot, city=portal.city, publisher=portal.publisher, deployment=portal.deployment
        )
        return _written(body, JSON, snapshot)

    def cap(self, snapshot: Snapshot, accepted: Accepted, references: Sequence[Alert]) -> Written:
        notices = list(self._texts(accepted, snapshot).values())
        portal = self._portal
        body = cap.document(accepted.alert, notices, references, city=portal.city, url=portal.url)
        return _written(body, cap.CONTENT_TYPE, snapshot)

    def feed(self, feed: Feed, language: Language, snapshot: Snapshot, recent: Sequence[Accepted]) -> Written:
        city = self._portal.city
        title = self.pages.translated("%(city)sの緊急情報", language) % {"city": city.names[language]}
        masthead = Masthead(city, self._portal.url, title, snapshot.checked_at)
        notices = [self._notice(each, language, snapshot) for each in recent]
        return _written(feed.write(notices, language, masthead), feed.content_type, snapshot)

    def _page(
        self,
        template: str,
        language: Language,
        snapshot: Snapshot,
        *,
        only: Accepted | None = None,
        shown: Sequence[Accepted] | None = None,
        path: Callable[[Language], str] = home_path,
        **more: object,
    ) -> Written:
        """`only`: the one alert that it is about; `shown`: else those it lists, instead of those in force."""
        if only is not None:
            shown, path = (only,), partial(alert_path, only.number)
        elif shown is None:
            shown = snapshot.alerts
        of_force = only is None or any(each.number == only.number for each in snapshot.alerts)
        hazards = snapshot.hazards if only is None else {only.alert.hazard} & {*snapshot.hazards}
        reader = Reader(language, snapshot.checked_at)
        values: dict[str, Any] = {
            **self._common(language),
            "reader": reader,
            "t": reader.text,
            "snapshot": snapshot,
            "notices": [self._notice(each, language, snapshot) for each in shown],
            "sections": [section(hazard, snapshot, self._portal.city) for hazard in hazards if of_force],
            "path": path,
            "stuck": Markup(STUCK.decode()),  # noqa: S704 - our own mark
            **more,
        }
        body = self.pages.written(template, language, **values).encode()
        stuck = self.pages.written("stuck.html", language, **values).encode()
        return _written(body, HTML, snapshot, stuck=stuck)

    def _of_request(self, request: web.Request) -> Mapping[str, Any]:
        return self._common(Language(self.pages.language(request)))

    def _common(self, language: Language) -> Mapping[str, Any]:
        """What every template may use, error pages too."""
        return {
            "portal": self._portal,
            "city": self._portal.city.names[language],
            "languages": list(Language),
            "language": language,
            "home": home_path(language),
            "ask": ask_path(language),
            "feeds": [(feed, feed_path(language, feed.file)) for feed in FEEDS],
            "history": history_path(language),
            "open_data": data_path(language),
            "push": push_path(language) if self._portal.push else "",
            "facility_icons": FACILITY_ICONS,
            "map": self._map,
            "glyph": glyph,
            "states": State,
            "whys": Why,
            "divider": DIVIDER,
        }

    def _texts(self, accepted: Accepted, snapshot: Snapshot) -> dict[Language, Notice]:
        return texts_of(accepted, snapshot.slots, self._portal.clock)

    def _notice(self, accepted: Accepted, language: Language, snapshot: Snapshot) -> Notice:
        return notice(accepted, language, snapshot.slots, self._portal.clock)


def _live(snapshot: Snapshot) -> list[Accepted]:
    return [each for each in snapshot.alerts if each.alert.mode is Mode.LIVE]


def _written(body: bytes, content_type: str, snapshot: Snapshot, *, stuck: bytes = b"") -> Written:
    return Written(body=body, content_type=content_type, until=snapshot.until, stuck=stuck)


def _towns(portal: Residents, language: Language) -> list[tuple[str, str]]:
    """Code and name, in the order of the city's list."""
    return [(town.code, placename.of_town(town.name)[language]) for town in portal.city.towns.values()]
