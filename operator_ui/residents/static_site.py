"""The whole residents' site as files, for a web server or a CDN that serves them without us.

A file cannot know that we are gone. So every page says of when it is, asks for itself anew every minute where there
is no script, and with one takes back by itself what nobody has confirmed (I13).
"""

import asyncio
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from sqlalchemy.exc import SQLAlchemyError

from hub.alert import Alert
from hub.background import Background
from hub.errors import HubError
from hub.language import Language
from hub.ledger.alerts import Accepted
from operator_ui.residents.captive import captive_path
from operator_ui.residents.data_files import CATALOGUE, Subject
from operator_ui.residents.data_routes import past_edition
from operator_ui.residents.document import Edition, Written
from operator_ui.residents.feeds import FEEDS, LENGTH
from operator_ui.residents.news import News
from operator_ui.residents.phone_press import FILES
from operator_ui.residents.portal import Residents, cap_path
from operator_ui.residents.press import Press
from operator_ui.residents.snapshot import Snapshot
from shelters.public_past import Past

Progress = Callable[[int, int], None]
"""Documents that are ready, and how many there are."""

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""What may be part of a file's name."""

_FILES = ("residents.js", "ask.js", "banner.js", "icon.svg")
"""What the pages name."""

_Document = tuple[str, Callable[[], bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """`files`: by path, in the order in which they are to be written: what is linked to before what links."""

    edition: Edition
    files: dict[str, bytes]


class _Known(NamedTuple):
    """The newest alerts, and by identifier each with those it refers to; and what was public of the past."""

    recent: list[Accepted]
    documents: dict[str, tuple[Accepted, tuple[Alert, ...]]]
    past_edition: Edition
    past: Past


class StaticSite:
    """Alerts in force and the newest of those that are over have pages; for others a server in front asks us."""

    def __init__(self, portal: Residents) -> None:
        self._background = Background()
        self._news = News(portal, self._background)
        self._press = Press(portal)
        self._asks = portal.window is not None
        self._over: dict[tuple[str, Language, bool], bytes] = {}
        self._known: _Known | None = None

    async def edition(self) -> Edition:
        """What is true now. Raises `HubError` when nothing could be read since the start."""
        return (await self._news.now()).edition

    async def site(self, progress: Progress = lambda _done, _all: None) -> Site:
        """Raises `HubError`, like `edition`."""
        snapshot = await self._news.now()
        documents = list(self._documents(snapshot, await self._latest(snapshot)))
        files: dict[str, bytes] = {}
        for done, (path, write) in enumerate(documents, start=1):
            files[path] = await asyncio.to_thread(write)
            progress(done, len(documents))
        return Site(edition=snapshot.edition, files=files)

    async def close(self) -> None:
        await self._background.finish(timeout_s=1)

    async def _latest(self, snapshot: Snapshot) -> "_Known":
        """The newest alerts; those read last, where the ledger does not answer: its absence is to be told, too."""
        try:
            recent = await self._news.recent(LENGTH)
            alerts = _named(snapshot, recent)
            found = {
                each.alert.identifier: await self._news.with_references(each.alert.identifier)
                for each in alerts
            }
            self._known = _Known(
                recent,
                {name: each for name, each in found.items() if each is not None},
                *await self._past(snapshot),
            )
        except (HubError, SQLAlchemyError, OSError) as e:
            if self._known is None:
                raise HubError("いまは情報を読めません / Nothing can be read now") from e
        return self._known

    async def _past(self, snapshot: Snapshot) -> tuple[Edition, Past]:
        """Read anew when five minutes have been added to it, or other sites may stand in it."""
        edition = past_edition(snapshot)
        if self._known is not None and self._known.past_edition == edition:
            return edition, self._known.past
        return edition, await self._news.past(edition.minute)

    def _documents(self, snapshot: Snapshot, known: "_Known") -> Iterator[_Document]:
        press = self._press
        yield from ((path, partial(bytes, body)) for path, body in press.pages.static.hashed(*_FILES).items())
        yield "favicon.ico", partial(press.pages.static.body, "icon.svg")
        yield "sw.js", partial(press.pages.static.body, "sw.js")
        for identifier, alert in known.documents.items():
            if _PLAIN.fullmatch(identifier):
                yield cap_path(identifier).lstrip("/"), partial(_body, partial(press.cap, snapshot, *alert))
        recent = known.recent
        for language in Language:
            for accepted in _named(snapshot, recent):
                yield (
                    f"{language}/a/{accepted.number}.html",
                    partial(self._alert, language, snapshot, accepted),
                )
        for language in Language:
            yield from self._of_language(language, snapshot, recent)
        for file in press.data.files:
            if file.subject is Subject.PAST:
                yield (
                    file.path.lstrip("/"),
                    partial(_body, partial(press.data.past, file, snapshot, known.past)),
                )
            elif not file.old:
                yield file.path.lstrip("/"), partial(_body, partial(press.data.present, file, snapshot))
        yield CATALOGUE.lstrip("/"), partial(_body, partial(press.data.catalogue, snapshot))
        yield "api/shelters.json", partial(_body, partial(press.shelters_json, snapshot))
        yield "api/banner.json", partial(_body, partial(press.banner_json, snapshot))
        yield "api/alerts.json", partial(_body, partial(press.alerts_json, snapshot))
        for feed in FEEDS:
            yield feed.file, partial(_body, partial(press.feed, feed, Language.JA, snapshot, recent))
        if press.phone is not None:
            for path, language in FILES.items():
                yield path, partial(press.phone.file, language, snapshot)
        yield "404.html", partial(_body, partial(press.missing, Language.JA, snapshot))
        yield "index.html", partial(_body, partial(press.home, Language.JA, snapshot))

    def _of_language(
        self, language: Language, snapshot: Snapshot, recent: list[Accepted]
    ) -> Iterator[_Document]:
        press = self._press
        for aged in (False, True):
            write = partial(press.captive, language, snapshot, aged=aged)
            yield captive_path(language, aged=aged).lstrip("/"), partial(_body, write)
        yield f"{language}/500.html", partial(press.fault, language)
        yield f"{language}/404.html", partial(_body, partial(press.missing, language, snapshot))
        for feed in FEEDS:
            path = f"{language}/{feed.file}"
            yield path, partial(_body, partial(press.feed, feed, language, snapshot, recent))
        yield f"{language}/history.html", partial(_body, partial(press.history, language, snapshot, recent))
        if self._asks:
            yield f"{language}/ask.html", partial(_body, partial(press.ask, language, snapshot))
        yield f"{language}/open-data.html", partial(_body, partial(press.open_data, language, snapshot))
        yield f"{language}/banner.html", partial(_body, partial(press.banner, language, snapshot))
        yield f"{language}/index.html", partial(_body, partial(press.home, language, snapshot))
        yield f"{language}/part.html", partial(_body, partial(press.home, language, snapshot, part=True))

    def _alert(self, language: Language, snapshot: Snapshot, accepted: Accepted) -> bytes:
        """The page of one that is over changes no more, so it is written once."""
        if accepted.ended_at is None and accepted.stopped_at is None:
            return self._press.alert(language, snapshot, accepted).body
        key = accepted.number, language, snapshot.stuck
        if key not in self._over:
            self._over[key] = self._press.alert(language, snapshot, accepted).body
        return self._over[key]


def _named(snapshot: Snapshot, recent: list[Accepted]) -> list[Accepted]:
    """In force or new, each once. Of two readings the snapshot's counts: the page stands beside its lists."""
    found = {each.number: each for each in (*recent, *snapshot.alerts)}
    return [each for each in found.values() if _PLAIN.fullmatch(each.number)]


def _body(write: Callable[[], Written]) -> bytes:
    return write().body
