"""One alert after it was sent: how far it has come, what is left to do by hand, and the next word on it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from aiohttp import web
from sqlalchemy import Connection

from channels.manual import reference, ticked
from hub import codec, prepared, receipts
from hub.authorise import Action, authorise, may
from hub.capabilities import Unit
from hub.channel import Content
from hub.delivery import Variant
from hub.details import Details
from hub.draft import Draft, Message
from hub.errors import BadInput
from hub.language import Language
from hub.ledger import accounts, alerts, audit, drafts, proof, replies, tempo, ticks
from hub.ledger.alerts import Accepted
from hub.ledger.audit import Entry
from hub.ledger.ticks import Tick
from hub.progress import progress
from hub.recipient import Called
from hub.render import render
from hub.reply import KeySet, Reply, counts, keys_of
from operator_ui import form
from operator_ui.changes import version_of
from operator_ui.staff import areas, by_hand, lifting, phrasing, public_notices_page
from operator_ui.staff.beginning import FollowUp, following
from operator_ui.staff.by_hand import Post, SheetLine, Unposted
from operator_ui.staff.compose import MAP
from operator_ui.staff.console import (
    ACTOR,
    CHANGES,
    CONSOLE,
    HEADCOUNTS,
    PAGES,
    Console,
    page,
    part,
    see_other,
)
from operator_ui.staff.durations import estimate, longest
from operator_ui.staff.pace import drawn
from operator_ui.staff.progress_view import Line, lines, paced, reason_words


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the ledger knows of an alert at one moment."""

    accepted: Accepted
    lines: list[Line]
    people: Line
    """The sum of those that reach people."""
    ticks: Mapping[str, Tick]
    unposted: Mapping[Post, Unposted]
    """Posts that may be made by hand, and why."""
    log: Sequence[Entry]
    names: Mapping[str, str]
    now: datetime
    related: Sequence[tuple[str, str]]
    """(identifier, number) of the alerts before and after it."""
    later: Sequence[tuple[str, str]]
    """Of those after it."""
    lifts: Accepted | None
    """The order that is lifted from here."""
    correction: Draft | None
    """The one that was prepared with the alert, wherever it stands."""
    replies: Counter[Reply]
    """What people say by telephone, each once."""

    @property
    def left_out(self) -> Mapping[str, str]:
        """Why by channel, of those that were turned off; as the trail tells it."""
        accepted = next((entry for entry in self.log if entry.action == proof.ACCEPT), None)
        return accepted.detail.get("left_out", {}) if accepted else {}

    @property
    def until(self) -> datetime:
        """Where the axis of time ends: now, until nothing more is to be sent."""
        over = all(line.done for line in self.lines if line.unit is Unit.PEOPLE)
        return self.people.steps[-1].at if over and self.people.steps else self.now

    @property
    def asked(self) -> KeySet:
        """What they could say; empty: nobody was asked."""
        return keys_of(self.accepted.alert)

    @property
    def unsent(self) -> int:
        return sum(line.unsent for line in self.lines if line.unit is not Unit.SHEETS)

    def name(self, login: str) -> str:
        return self.names.get(login, login)


def routes() -> list[web.RouteDef]:
    return [
        web.get("/alerts/{alert}", show),
        web.get("/alerts/{alert}/live", fragment),
        web.get("/alerts/{alert}/changes", changes),
        web.post("/alerts/{alert}/stop", stop),
        web.post("/alerts/{alert}/follow", follow),
        web.post("/alerts/{alert}/ticks", tick),
    ]


async def show(request: web.Request) -> web.Response:
    authorise(request[ACTOR], Action.VIEW)
    values = await _values(request)
    audience = values["alert"].targeting.audience
    if isinstance(audience, Called):
        return see_other(f"/musters/{audience.muster}")
    return page(request, "alert.html", **values)


async def fragment(request: web.Request) -> web.Response:
    """The parts that change, for the script to put in place."""
    authorise(request[ACTOR], Action.VIEW)
    return part(request, "alert_live.html", **await _values(request))


async def changes(request: web.Request) -> web.StreamResponse:
    authorise(request[ACTOR], Action.VIEW)
    console, identifier = request.app[CONSOLE], request.match_info["alert"]
    await console.ledger.read(lambda conn: alerts.get(conn, console.keys, identifier))
    return await request.app[CHANGES].stream(request, identifier)


async def looks(console: Console, identifier: str) -> bytes:
    """What the page shows of the alert, as bytes that differ when it would."""
    known = await console.ledger.read(lambda conn: _known(conn, console, identifier))
    return codec.encode(
        [
            [[line.kind, line.planned, line.complete, *line.shares(), line.reasons] for line in known.lines],
            known.accepted.stopped_at,
            known.accepted.ended_at,
            sorted(known.ticks),
            sorted(known.unposted.items()),
            known.correction and known.correction.state,
            len(known.log),
            sorted(known.replies.items()),
        ]
    )


async def stop(request: web.Request) -> web.Response:
    """Nothing more of it is begun. What was sent cannot be taken back."""
    identifier = request.match_info["alert"]
    await request.app[CONSOLE].intake.stop(identifier, request[ACTOR])
    return see_other(f"/alerts/{identifier}")


async def follow(request: web.Request) -> web.Response:
    """Begin an update, a correction, a retraction or a lifting: a prepared draft that someone approves. A
    correction's was made with the alert."""
    authorise(request[ACTOR], Action.COMPOSE)
    console, identifier = request.app[CONSOLE], request.match_info["alert"]
    kind = (await form.read(request)).choice("kind", FollowUp)
    if kind is None:
        raise BadInput("kind", "何を知らせるかを選んでください / Choose what to say")
    if kind is FollowUp.CORRECTION:
        return see_other(f"/drafts/{(await console.intake.correct(identifier, request[ACTOR])).id}")
    message = await console.ledger.read(lambda conn: _following(conn, console, identifier, kind))
    draft = await console.intake.save(message, request[ACTOR])
    return see_other(f"/drafts/{draft.id}")


def _following(conn: Connection, console: Console, identifier: str, kind: FollowUp) -> Message:
    earlier = alerts.get(conn, console.keys, identifier)
    also_ends: tuple[str, ...] = ()
    if kind is FollowUp.LIFTING:
        order = lifting.order_of(conn, console.keys, earlier)
        if order is None:
            raise BadInput(
                "kind",
                "解除する避難情報がありません。続きの配信があるときは、その画面から解除します / "
                "There is no order to lift here; where a later one took its place, lift that",
            )
        earlier, also_ends = order, lifting.ended_with(conn, console.keys, order)
    draft_of = drafts.of_alert(conn, identifier)
    return following(
        earlier,
        kind,
        templates=console.templates,
        city=console.city,
        now=console.clock(),
        details=draft_of.message.details if draft_of else Details(),
        also_ends=also_ends,
    )


async def tick(request: web.Request) -> web.Response:
    """Somebody carried a sheet over, or said so by mistake (`done` is `no`): recorded with time and name, and counted, in
    one commit with its audit row. So nothing on the way could count it again once it is taken back."""
    authorise(request[ACTOR], Action.TICK)
    console, actor = request.app[CONSOLE], request[ACTOR]
    identifier, typed = request.match_info["alert"], await form.read(request)
    channel, sheet, done = typed.text("channel"), typed.text("sheet"), typed.text("done") != "no"
    if sheet not in {target.ref for target in console.targets.get(channel, ())}:
        raise BadInput("sheet", "その項目はありません / There is no such sheet")
    at, is_sheet = console.clock(), by_hand.is_of_sheets(console, channel)

    def work(conn: Connection) -> None:
        if done:
            accepted = alerts.get(conn, console.keys, identifier)
            if not is_sheet and Post(channel, sheet) not in by_hand.unposted(conn, console, accepted, now=at):
                raise BadInput("sheet", "手で投稿するものではありません / There is nothing to post by hand")
            ticks.tick(conn, identifier, sheet, actor, at=at)
            if is_sheet:
                said, has = [ticked(identifier, sheet, at=at)], console.capabilities[channel]
                receipts.apply(conn, channel, said, has, now=at, random=Random())  # noqa: S311 - jitter
        else:
            ticks.untick(conn, identifier, sheet)
            if is_sheet:
                receipts.take_back(conn, channel, reference(identifier, sheet), now=at)
        audit.append(
            conn,
            console.keys,
            at=at,
            actor=actor.login,
            action="sheet.tick" if done else "sheet.untick",
            subject=identifier,
            detail={"sheet": sheet},
        )

    await console.ledger.write(work)
    return see_other(f"/alerts/{identifier}#by-hand")


async def _values(request: web.Request) -> dict[str, Any]:
    console, identifier = request.app[CONSOLE], request.match_info["alert"]
    known = await console.ledger.read(lambda conn: _known(conn, console, identifier))
    alert, content = known.accepted.alert, await _content(console, known.accepted)
    language = Language(request.app[PAGES].language(request))
    sheets = await _sheets(console, known, content)
    return {
        "known": known,
        "accepted": known.accepted,
        "alert": alert,
        "mode": alert.mode,
        "title": phrasing.title_of(alert.infos, alert.hazard),
        "told": content if language is Language.JA else await _content(console, known.accepted, language),
        "headcount": await request.app[HEADCOUNTS].of(
            alert.mode, alert.targeting.audience, alert.targeting.channels
        ),
        "sheets": sheets,
        "notice": await public_notices_page.of_alert(console, known.accepted) if sheets else None,
        "expected": _expected(console, known, content),
        "console": console,
        "map": request.app[MAP],
        "towns": areas.towns(alert.targeting.audience, console.city),
        "reason_words": reason_words,
        "drawn": drawn,
        "version": version_of(await looks(console, identifier)),
        "may_act": may(request[ACTOR], Action.STOP) and request[ACTOR].may_touch(alert.hazard),
        "called": sum(line.planned for line in known.lines if _takes_keys(console, line.kind)),
        "may_see_needs": may(request[ACTOR], Action.SEE_NEEDS),
        "may_tick": may(request[ACTOR], Action.TICK),
        "again": "again" in request.query,
    }


def _takes_keys(console: Console, kind: str) -> bool:
    return kind in console.capabilities and console.capabilities[kind].takes_keys


def _known(conn: Connection, console: Console, identifier: str) -> Known:
    now = console.clock()
    accepted = alerts.get(conn, console.keys, identifier)
    tallies = progress(conn, identifier, console.capabilities, now=now)
    draft = drafts.of_alert(conn, identifier)
    counted, people = paced(lines(tallies, console.capabilities), tempo.tempo(conn, identifier))
    return Known(
        accepted=accepted,
        lines=counted,
        people=people,
        ticks=ticks.of_alert(conn, identifier),
        unposted=by_hand.unposted(conn, console, accepted, now=now),
        log=audit.about(conn, [identifier, draft.id] if draft else [identifier]),
        names={account.actor.login: account.actor.name for account in accounts.everyone(conn)},
        now=now,
        related=alerts.related(conn, identifier),
        later=alerts.later(conn, identifier),
        lifts=lifting.order_of(conn, console.keys, accepted),
        correction=drafts.find(conn, prepared.draft_id(identifier)),
        replies=counts(replies.of_alert(conn, identifier)),
    )


async def _content(console: Console, accepted: Accepted, language: Language = Language.JA) -> Content:
    """What the sheets say now: a site that stopped receiving since must not be copied any more (I16)."""
    variant = Variant(language, None)
    return render(accepted.alert, variant, await console.slots(), console.clock, number=accepted.number)


async def _sheets(console: Console, known: Known, content: Content) -> list[SheetLine]:
    """What is always carried over by hand, and then what is because its provider did not take it."""
    lines = by_hand.sheets(console, known.accepted.alert, content, known.ticks)
    for post, why in known.unposted.items():
        told = await _content(console, known.accepted, by_hand.target(console, post).language)
        lines.append(by_hand.line(console, post, told, why=why, tick=known.ticks.get(post.ref)))
    return lines


def _expected(console: Console, known: Known, content: Content) -> datetime | None:
    """By when the last of the people is begun, by the contracts' speeds; None: that is over, or none sets one."""
    if known.accepted.stopped_at is not None:
        return None
    open_ = [line for line in known.lines if line.unit is Unit.PEOPLE and not line.done]
    estimates = [
        estimate(
            console.capabilities[line.kind],
            line.planned,
            spoken_s=_spoken_s(console, line.kind, content),
            charge=_charge(console, line.kind, content),
        )
        for line in open_
        if line.kind in console.capabilities
    ]
    last = longest(each for each in estimates if each is not None)
    at = known.accepted.alert.sent + timedelta(seconds=last.seconds) if last else known.now
    return at if at > known.now else None


def _charge(console: Console, kind: str, content: Content) -> int:
    has = console.capabilities[kind]
    return has.charge(console.previews[kind](content)) if kind in console.previews else 1


def _spoken_s(console: Console, kind: str, content: Content) -> float:
    return console.speaking[kind](content).seconds if kind in console.speaking else 0
