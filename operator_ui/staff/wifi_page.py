"""The free Wi-Fi: what each facility shows, whether it is still needed, opening by hand, and drills of it alone."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web
from sqlalchemy import Connection

from channels.wifi.problems import words
from hub import codec, wifi_desk, wifi_drill
from hub.alert import Mode
from hub.authorise import Action, authorise, may
from hub.errors import BadInput, Conflict
from hub.ledger import accounts, alerts
from hub.wifi_desk import Change, Desk, Hold, Question
from hub.wifi_drill import Record
from hub.wifi_state import OLD_AFTER, FacilityState, Known, Look
from operator_ui import form
from operator_ui.changes import version_of
from operator_ui.form import Form, Problem
from operator_ui.staff.console import ACTOR, CHANGES, CONSOLE, Console, page, see_other
from shelters.site import Site

WIFI = "wifi"
"""What the page of this name watches."""
KEEP_HOURS = (1, 3, 6, 12)

LOOKS = {
    Look.DISASTER: ("災害モード", "satellite-dish", "ok"),
    Look.DRILL: ("訓練中", "graduation-cap", "warn"),
    Look.CHANGING: ("切替中", "refresh-cw", "plain"),
    Look.FAILED: ("失敗", "triangle-alert", "bad"),
    Look.EVERYDAY: ("通常", "wifi", "plain"),
    Look.UNKNOWN: ("不明", "circle-help", "plain"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """`asking`: live alerts in force that ask for it, by identifier. `drills`: the newest first."""

    known: Known | None
    desk: Desk
    asking: Mapping[str, datetime]
    numbers: Sequence[str]
    drills: Sequence[Record]
    names: Mapping[str, str]
    now: datetime

    @property
    def question(self) -> Question | None:
        if self.known is None:
            return None
        asking = list(self.asking.items())
        return wifi_desk.question(self.desk, asking, at=self.now, ask_after=self.known.ask_after)

    @property
    def due(self) -> bool:
        """Somebody must say now whether it is still needed."""
        question = self.question
        return question is not None and question.due_at <= self.now

    @property
    def old(self) -> bool:
        return self.known is not None and self.now - self.known.at > OLD_AFTER

    @property
    def held(self) -> dict[str, Hold]:
        """What is held open by hand, by facility."""
        return {hold.ref: hold for hold in self.desk.held(self.now)}

    @property
    def unusual(self) -> set[str]:
        """Facilities to look at one by one: not as they are wanted, not known, held by hand, or in a drill."""
        fine = (Look.DISASTER, Look.EVERYDAY)
        states = self.known.states if self.known else ()
        odd = {each.ref for each in states if self.known and self.known.look(each) not in fine}
        return odd | self.held.keys()

    @property
    def live(self) -> set[str]:
        """Facilities that are open in earnest, or are to be: by an alert, by hand, or still showing the name."""
        shown = {state.ref for state in self.looking(Look.DISASTER)}
        states = self.known.states if self.known else ()
        return (
            self.held.keys()
            | shown
            | {each.ref for each in states if self.numbers or each.wanted is Mode.LIVE}
        )

    def looking(self, look: Look) -> list[FacilityState]:
        return [state for state in self.known.states if self.known.look(state) is look] if self.known else []

    @property
    def troubled(self) -> list[FacilityState]:
        return (
            [*(state for state in self.known.states if state.problem), *self.known.left] if self.known else []
        )


def routes() -> list[web.RouteDef]:
    return [
        web.get("/wifi", show),
        web.get("/wifi/changes", changes),
        web.post("/wifi/keep", _does("keep", _keep)),
        web.post("/wifi/put-back", _does("why", _put_back)),
        web.post("/wifi/hold", _does("refs", _hold)),
        web.post("/wifi/let-go", _does("refs", _let_go)),
        web.post("/wifi/drill", _does("drill", _begin_trial)),
        web.post("/wifi/drill/end", _does("drill", _end_trial)),
        web.get("/wifi/drills/{trial}", report),
    ]


async def changes(request: web.Request) -> web.StreamResponse:
    authorise(request[ACTOR], Action.VIEW)
    return await request.app[CHANGES].stream(request, WIFI)


async def looks(console: Console) -> bytes:
    """As bytes that differ when the page would, but for the minutes."""
    seen = await situation(console)
    states = [[each.ref, each.shows, each.problem] for each in seen.known.states] if seen.known else None
    records = [[each.id, each.parts] for each in seen.drills[:3]]
    return codec.encode([states, seen.desk.number, seen.due, seen.old, sorted(seen.asking), records])


async def show(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.VIEW)
    return await _show(request)


async def report(request: web.Request) -> web.Response:
    """What a drill showed, to be printed."""
    authorise(request[ACTOR], Action.VIEW)
    seen = await situation(request.app[CONSOLE])
    record = next((each for each in seen.drills if each.id == request.match_info["trial"]), None)
    if record is None:
        raise web.HTTPNotFound
    return page(request, "wifi_drill.html", record=record, said=said, names=seen.names, now=seen.now)


async def situation(console: Console) -> Situation:
    known, now = await console.wifi(), console.clock()

    def work(conn: Connection) -> Situation:
        live = [
            each
            for each in alerts.active(conn, console.keys, at=now)
            if WIFI in each.alert.targeting.channels and each.alert.mode is Mode.LIVE
        ]
        desk = wifi_desk.read(conn, console.keys)
        return Situation(
            known=known,
            desk=desk,
            asking={each.alert.identifier: each.alert.sent for each in live},
            numbers=[each.number for each in live if each.alert.identifier not in desk.released],
            drills=wifi_drill.history(conn, console.keys),
            names={each.actor.login: each.actor.name for each in accounts.everyone(conn)},
            now=now,
        )

    return await console.ledger.read(work)


def said(problem: str) -> str:
    """A short reason in words, 「日本語 / English」."""
    return " / ".join(words(problem))


Act = Callable[[Change, Form, Situation], None]


def _does(field: str, act: Act) -> Callable[[web.Request], Awaitable[web.Response]]:
    """A handler that does one thing to what the actor saw; what is wrong is said at `field`, or where it is."""

    async def handle(request: web.Request) -> web.Response:
        authorise(request[ACTOR], Action.COMPOSE)
        console, typed = request.app[CONSOLE], await form.read(request)
        seen = await situation(console)

        def work(conn: Connection) -> None:
            number = typed.number("seen") or 0
            act(Change(conn, console.keys, request[ACTOR], seen=number, at=console.clock()), typed, seen)

        try:
            await console.ledger.write(work)
        except BadInput as e:
            problem = Problem(e.path, e.message.removeprefix(f"{e.path}: "))
            return await _show(request, problem, typed, status=422)
        except Conflict as e:
            return await _show(request, Problem(field, e.message), typed, status=409)
        return see_other("/wifi")

    return handle


def _keep(change: Change, typed: Form, _seen: Situation) -> None:
    change.keep(hours=typed.number("keep"))


def _put_back(change: Change, typed: Form, seen: Situation) -> None:
    change.put_back(seen.asking.keys(), reason=typed.text("why"))


def _hold(change: Change, typed: Form, seen: Situation) -> None:
    known = [state.ref for state in seen.known.states] if seen.known else []
    refs = known if typed.text("every") else typed.all("refs")
    change.hold(refs, known, hours=typed.number("hours"), reason=typed.text("reason"))


def _let_go(change: Change, typed: Form, _seen: Situation) -> None:
    change.let_go(typed.all("ref"))


def _begin_trial(change: Change, typed: Form, seen: Situation) -> None:
    allowed = [state.ref for state in seen.known.states if state.drills] if seen.known else []
    change.begin_trial(typed.all("drill"), allowed, minutes=typed.number("minutes"), live=seen.live)


def _end_trial(change: Change, _typed: Form, _seen: Situation) -> None:
    change.end_trial()


async def _show(
    request: web.Request, problem: Problem | None = None, typed: Form | None = None, *, status: int = 200
) -> web.Response:
    console = request.app[CONSOLE]
    seen = await situation(console)
    board = await console.board()
    return page(
        request,
        "wifi.html",
        status=status,
        seen=seen,
        version=version_of(await looks(console)),
        looks=LOOKS,
        said=said,
        typed=typed or Form({}),
        problems=[problem] if problem else [],
        without=_without([row.site for row in board.rows], seen.known),
        keep_hours=KEEP_HOURS,
        may_change=may(request[ACTOR], Action.COMPOSE),
    )


def _without(sites: Sequence[Site], known: Known | None) -> list[Site]:
    """The shelters at which nobody has said that there is disaster Wi-Fi."""
    covered = {state.site for state in known.states} if known else set()
    return [site for site in sites if site.code not in covered]
