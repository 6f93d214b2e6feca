"""The rehearsal's inbox: look over the shoulder of any invented resident. Fictional people only."""

import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlencode

from aiohttp import web

from hub import codec
from hub.background import Background
from hub.capabilities import Capabilities, Unit
from hub.language import Language
from hub.ledger import Ledger
from hub.recipient import Kind, Town
from operator_ui.changes import Changes, version_of
from operator_ui.pages import FOLDER, Pages
from yobikake.rehearsal import story
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.residents import Persona
from yobikake.rehearsal.story import Someone, Story

PER_PAGE = 50
_HERE = files("yobikake.rehearsal")
_DISASTER_SSID = "00000JAPAN"


@asynccontextmanager
async def serve(
    ledger: Ledger,
    inbox: Inbox,
    personas: Sequence[Persona],
    channels: Mapping[str, Capabilities],
    *,
    port: int,
    towns: Mapping[Town, str] | None = None,
) -> AsyncIterator[str]:
    """On 127.0.0.1; gives the address. `personas` in the order they were registered; `towns`: their names.

    Raises:
        OSError: the port is taken.
        ValueError: the register holds other people.
    """
    numbers = await ledger.read(lambda conn: story.ids(conn, personas))
    people = [story.Someone(*each) for each in zip(numbers, personas, strict=True)]
    page = InboxPage(ledger=ledger, inbox=inbox, people=people, channels=channels, towns=towns or {})
    runner = web.AppRunner(page.app(), access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What somebody looks for. Empty: anybody. `came`: `yes`, `no`, or empty."""

    name: str = ""
    language: str = ""
    town: str = ""
    channel: str = ""
    kind: str = ""
    came: str = ""

    @property
    def query(self) -> str:
        chosen = {name: getattr(self, name) for name in self.__slots__ if getattr(self, name)}
        return f"?{urlencode(chosen)}" if chosen else ""

    def fits(self, persona: Persona, arrived: int) -> bool:
        person = persona.registration
        return (
            self.name in persona.name
            and self.language in ("", person.language)
            and self.town in ("", person.town)
            and (not self.channel or self.channel in person.contacts)
            and self.kind in ("", person.kind)
            and self.came in ("", "yes" if arrived else "no")
        )


class InboxPage:
    def __init__(
        self,
        *,
        ledger: Ledger,
        inbox: Inbox,
        people: Sequence[Someone],
        channels: Mapping[str, Capabilities],
        towns: Mapping[Town, str],
    ) -> None:
        self._ledger, self._inbox, self._people = ledger, inbox, people
        self._channels, self._towns = channels, towns
        self._background = Background()
        self._changes = Changes(self._look, self._background)
        self._pages = Pages(
            templates=[Path(str(_HERE / "templates"))],
            styles=[FOLDER / "line.css", _HERE / "inbox.css"],
            static=[_HERE / "static"],
            context=lambda _request: {
                "languages": list(Language),
                "town_name": self._town_name,
                "sentences": sentences,
            },
        )

    def app(self) -> web.Application:
        app = web.Application()
        self._pages.setup(app)
        app.on_shutdown.append(self._changes.close)
        app.on_cleanup.append(self._finish)
        app.add_routes(
            [
                web.get("/", self._list),
                web.get(r"/p/{number:\d{1,9}}", self._person),
                web.get("/public", self._public),
                web.get(r"/pictures/{post:\d{1,19}}", self._picture),
                web.get("/events/{subject}", self._events),
            ]
        )
        return app

    async def _list(self, request: web.Request) -> web.Response:
        wanted = _wanted(request)
        found = list(self._found(wanted))
        page = _whole(request.query.get("page", "")) or 1
        shown = found[(page - 1) * PER_PAGE : page * PER_PAGE]
        return self._pages.render(
            request,
            "inbox_list.html",
            wanted=wanted,
            total=len(found),
            page=page,
            pages=max(1, -(-len(found) // PER_PAGE)),
            people=[(i + 1, self._people[i].persona, self._arrived(i)) for i in shown],
            channels=self._for_people,
            towns=self._inhabited,
            kinds=[Kind.RESIDENT, Kind.STAFF],
        )

    async def _person(self, request: web.Request) -> web.Response:
        index = int(request.match_info["number"]) - 1
        if not 0 <= index < len(self._people):
            raise web.HTTPNotFound
        wanted, someone = _wanted(request), self._people[index]
        told = await self._stories(someone)
        before, after = self._beside(index, wanted)
        return self._pages.render(
            request,
            "inbox_person.html",
            persona=someone.persona,
            number=index + 1,
            recipient=someone.recipient,
            stories=told,
            channels=self._channels,
            wanted=wanted,
            before=before,
            after=after,
            version=version_of(_looks(told)),
        )

    async def _public(self, request: web.Request) -> web.Response:
        """What anybody can see, registered or not: posts, and the Wi-Fi's name in every building."""
        buildings = [self._inbox.of("wifi", address)[-1] for address in self._inbox.addresses("wifi")]
        posts = [post for address in self._inbox.addresses("x") for post in self._inbox.of("x", address)]
        return self._pages.render(
            request,
            "inbox_public.html",
            posts=sorted(posts, key=lambda post: post.at),
            pictures=self._inbox.pictures,
            buildings=sorted(buildings, key=lambda arrival: arrival.address),
            disaster=_DISASTER_SSID,
            version=version_of(await self._look("public")),
        )

    async def _picture(self, request: web.Request) -> web.Response:
        picture = self._inbox.pictures.get(request.match_info["post"])
        if picture is None:
            raise web.HTTPNotFound
        return web.Response(body=picture.png, content_type="image/png")

    async def _events(self, request: web.Request) -> web.StreamResponse:
        return await self._changes.stream(request, request.match_info["subject"])

    async def _look(self, subject: str) -> bytes:
        """What a page shows, as far as it changes: a person by number, or `public`."""
        if subject.isdecimal() and 0 < int(subject) <= len(self._people):
            return _looks(await self._stories(self._people[int(subject) - 1]))
        return codec.encode([self._inbox.count["x"], self._inbox.count["wifi"]])

    async def _stories(self, someone: Someone) -> list[Story]:
        return await self._ledger.read(lambda conn: story.stories(conn, someone, self._inbox, self._channels))

    def _arrived(self, index: int) -> int:
        return story.arrived(self._people[index].persona, self._inbox)

    def _found(self, wanted: Wanted) -> Iterator[int]:
        for i, someone in enumerate(self._people):
            if wanted.fits(someone.persona, self._arrived(i) if wanted.came else 0):
                yield i

    def _beside(self, index: int, wanted: Wanted) -> tuple[int | None, int | None]:
        """The numbers of the people before and after this one among those wanted."""
        before: int | None = None
        for i in self._found(wanted):
            if i > index:
                return before, i + 1
            if i < index:
                before = i + 1
        return before, None

    @property
    def _for_people(self) -> list[Capabilities]:
        return [channel for channel in self._channels.values() if channel.unit is Unit.PEOPLE]

    @property
    def _inhabited(self) -> list[Town]:
        return sorted({each.persona.registration.town for each in self._people} - {""})

    def _town_name(self, town: Town) -> str:
        return self._towns.get(town, town)

    async def _finish(self, _app: web.Application) -> None:
        await self._background.finish(timeout_s=1)


def sentences(text: str) -> list[str]:
    """What a voice says, sentence by sentence: how far somebody has listened is counted in these."""
    return [each.strip() for each in re.split(r"(?<=[。！？।])|(?<=[.!?]) ", text) if each.strip()]


def _wanted(request: web.Request) -> Wanted:
    return Wanted(**{name: request.query.get(name, "").strip() for name in Wanted.__slots__})


def _whole(text: str) -> int:
    return int(text) if text.isdecimal() else 0


def _looks(told: Sequence[Story]) -> bytes:
    """What a person's page shows, as far as it changes."""
    return codec.encode([[(item.arrival, item.record, item.why) for item in each.items] for each in told])
