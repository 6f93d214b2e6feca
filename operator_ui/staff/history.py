"""What was sent, the newest first: searched by text, number, hazard, level, drill or live, and day."""

import unicodedata
from collections.abc import Collection, Mapping
from datetime import date, datetime, time, timedelta
from math import ceil
from urllib.parse import urlencode

import msgspec
from aiohttp import web

from hub.alert import Mode
from hub.authorise import Action, authorise
from hub.clock import JST
from hub.draft import State
from hub.evacuation import Level
from hub.hazard import Hazard
from hub.ledger import alerts, drafts
from hub.ledger.alerts import Accepted
from hub.place import Name
from operator_ui.form import Form
from operator_ui.staff import phrasing
from operator_ui.staff.console import ACTOR, CONSOLE, page

A_PAGE = 20
WITHOUT_LEVEL = "0"
MODES: Mapping[str, Collection[Mode]] = {
    "live": (Mode.LIVE,),
    "drill": (Mode.RESIDENT_DRILL, Mode.STAFF_DRILL),
}


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for, as the address says it. What makes no sense there asks for nothing."""

    text: str = ""
    hazard: str = ""
    level: str = ""
    mode: str = ""
    since: str = ""
    until: str = ""

    @property
    def words(self) -> list[str]:
        return folded(self.text).split()

    @property
    def modes(self) -> Collection[Mode]:
        return MODES.get(self.mode, tuple(Mode))

    @property
    def begins(self) -> datetime | None:
        return _midnight(self.since)

    @property
    def ends(self) -> datetime | None:
        """The end of the last day."""
        last = _midnight(self.until)
        return None if last is None else last + timedelta(days=1)

    def matches(self, accepted: Accepted) -> bool:
        """Every word somewhere in number, place, order or texts, however wide or large it is written."""
        alert = accepted.alert
        if self.hazard and alert.hazard.value != self.hazard:
            return False
        if self.level and str(int(alert.level or 0)) != self.level:
            return False
        if not self.words:
            return True
        said = folded(
            "\n".join(
                [
                    accepted.number,
                    alert.identifier,
                    alert.area.description,
                    alert.order.issuer,
                    alert.order.grounds,
                    *_both(phrasing.title_of(alert.infos, alert.hazard)),
                    *(
                        text
                        for info in alert.infos
                        for text in (info.headline, info.description, info.instruction, info.short)
                    ),
                ]
            )
        )
        return all(word in said for word in self.words)

    def address(self, number: int) -> str:
        """Of a page of what was found."""
        asked = {name: value for name, value in msgspec.structs.asdict(self).items() if value}
        return "/alerts?" + urlencode(asked | ({"page": str(number)} if number > 1 else {}))


def _both(name: Name) -> tuple[str, str]:
    return name.ja, name.en


def routes() -> list[web.RouteDef]:
    return [web.get("/alerts", show)]


async def show(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.VIEW)
    console, asked = request.app[CONSOLE], Form(request.query)
    search = _search(asked)
    number = max(1, asked.number("page") or 1)
    total, found = await console.ledger.read(
        lambda conn: alerts.search(
            conn,
            console.keys,
            search.matches,
            modes=search.modes,
            since=search.begins,
            before=search.ends,
            offset=(number - 1) * A_PAGE,
            limit=A_PAGE,
        )
    )
    everything = search == Search()
    rejected, lapsed = [], []
    if everything:
        rejected = await console.ledger.read(lambda conn: drafts.in_state(conn, State.REJECTED))
        lapsed = await console.ledger.read(lambda conn: drafts.in_state(conn, State.LAPSED))
    return page(
        request,
        "history.html",
        search=search,
        everything=everything,
        total=total,
        number=number,
        pages=max(1, ceil(total / A_PAGE)),
        found=[(each, phrasing.title_of(each.alert.infos, each.alert.hazard)) for each in found],
        rejected=[(draft, phrasing.title(draft.message)) for draft in reversed(rejected)],
        lapsed=[(draft, phrasing.title(draft.message)) for draft in reversed(lapsed)],
        hazards=list(Hazard),
        levels=sorted(Level, reverse=True),
        now=console.clock(),
    )


def folded(text: str) -> str:
    """As texts are compared: full-width and half-width, large and small letters are the same."""
    return unicodedata.normalize("NFKC", text).casefold()


def _search(asked: Form) -> Search:
    mode, level = asked.text("mode"), unicodedata.normalize("NFKC", asked.text("level"))
    hazard = asked.choice("hazard", Hazard)
    return Search(
        text=asked.text("text")[:200],
        hazard=hazard.value if hazard else "",
        level=level if level in {WITHOUT_LEVEL, *(str(int(each)) for each in Level)} else "",
        mode=mode if mode in MODES else "",
        since=asked.text("since") if _midnight(asked.text("since")) else "",
        until=asked.text("until") if _midnight(asked.text("until")) else "",
    )


def _midnight(day: str) -> datetime | None:
    """The beginning of the day in Japan; None when it is none."""
    try:
        return (
            datetime.combine(date.fromisoformat(day), time(), JST) if len(day) == len("2026-09-12") else None
        )
    except ValueError:
        return None
