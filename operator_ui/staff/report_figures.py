"""The figures of a finished alert: gathered once, and then what the report says for good."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from hub.alert import Alert, Mode, Order
from hub.cap import MsgType
from hub.capabilities import Unit
from hub.evacuation import Level
from hub.inbound import occasions
from hub.language import Language
from hub.ledger import accounts, alerts, audit, drafts, proof, tempo, ticks
from hub.ledger.alerts import Accepted
from hub.progress import progress
from hub.render import SlotSource
from operator_ui.residents.notice import notice
from operator_ui.staff import phrasing
from operator_ui.staff.console import Console
from operator_ui.staff.headcount import Headcount
from operator_ui.staff.pace import Step
from operator_ui.staff.progress_view import Line, lines, paced

ACTS = {
    "draft.submitted": "提出",
    "draft.scheduled": "時刻を決めて承認",
    "draft.confirm": "「送る」と答えた",
    "alert.accept": "承認して配信",
    "alert.stop": "送信を停止",
}
"""Of the audit trail, with what the report calls them."""
BEGUN = "作成を始めた"
CALLED = "呼びかけ"
LATER = {MsgType.ALERT: "配信", MsgType.UPDATE: "続報を配信", MsgType.CANCEL: "解除・取消を配信"}
WORDS = (
    BEGUN, CALLED, *ACTS.values(), *LATER.values(), "訂正を配信", "発令", "警報などの発表", "最初の受付", "半数の受付", "最後の受付",
    "次の配信に替わりました", "送信を止めました", "有効期限が過ぎました",
)  # fmt: skip
"""All that an event or an end is called; the catalogues have them."""
SHELTERS_SLOT = "shelters"
SHELTERS_WORDS = "〔そのとき開いていた避難場所〕"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A channel, or the sum of those that reach people.

    planned = answered + delivered + accepted + ambiguous + failed. `half_at`: half of them had been accepted.
    """

    kind: str
    japanese: str
    unit: str
    planned: int
    answered: int
    delivered: int
    accepted: int
    ambiguous: int
    failed: int
    first_at: datetime | None
    half_at: datetime | None
    last_at: datetime | None
    reasons: tuple[tuple[str, int], ...] = ()
    steps: tuple[Step, ...] = ()
    """How it grew; empty in reports that were locked before this was kept."""

    @property
    def adds_up(self) -> bool:
        return self.planned == (self.answered + self.delivered + self.accepted + self.ambiguous + self.failed)


class ByHand(msgspec.Struct, frozen=True, kw_only=True):
    """A sheet. `at` None: nobody ticked it."""

    name: str
    at: datetime | None
    by: str


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """`what` is a text of the console's catalogue; `who` a name or an office, or empty; `more` a fact."""

    at: datetime
    what: str
    who: str = ""
    more: str = ""


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """All that the report says. It holds names of staff as their acts were recorded, and of nobody else."""

    identifier: str
    number: str
    title: str
    mode: Mode
    level: Level | None
    area: str
    order: Order
    sent: datetime
    ended_at: datetime
    ended_as: str
    population: int | None
    registered: int | None
    rows: tuple[Row, ...]
    people: Row
    by_hand: tuple[ByHand, ...]
    events: tuple[Event, ...]
    warned_at: datetime | None
    headline: str
    text: str

    @property
    def durations(self) -> "Durations":
        """From the first letter to the last acceptance, as far as it is known."""
        rows = [row for row in self.rows if row.first_at is not None]
        submitted = self._last(ACTS["draft.submitted"])
        return Durations(
            begun=self._last(BEGUN),
            submitted=submitted,
            approved=self._last(ACTS["draft.scheduled"]) or self.sent,
            sent=self.sent,
            first=min((row.first_at for row in rows if row.first_at), default=None),
            last=max((row.last_at for row in rows if row.last_at), default=None),
        )

    def _last(self, what: str) -> datetime | None:
        """When it happened last before the alert was sent."""
        return max(
            (event.at for event in self.events if event.what == what and event.at <= self.sent), default=None
        )

    @property
    def unregistered(self) -> int | None:
        if self.population is None or self.registered is None:
            return None
        return max(0, self.population - self.registered)


class Durations(NamedTuple):
    """When each step was done; None: not known, or not yet."""

    begun: datetime | None
    submitted: datetime | None
    approved: datetime
    sent: datetime
    first: datetime | None
    last: datetime | None

    @property
    def steps(self) -> list[tuple[str, timedelta | None]]:
        """What took how long, in order."""
        ends = (
            (self.begun, self.submitted),
            (self.submitted, self.approved),
            (self.sent, self.first),
            (self.sent, self.last),
        )
        return [
            (name, later - earlier if earlier is not None and later is not None else None)
            for name, (earlier, later) in zip(STEPS, ends, strict=True)
        ]


STEPS = ("作成から提出まで", "提出から承認まで", "配信から最初の受付まで", "配信から最後の受付まで")


def end_of(accepted: Accepted, now: datetime) -> tuple[datetime, str] | None:
    """When and how it ended; None while it is in force."""
    if accepted.ended_at is not None:
        return accepted.ended_at, "次の配信に替わりました"
    if accepted.stopped_at is not None:
        return accepted.stopped_at, "送信を止めました"
    if accepted.alert.expires <= now:
        return accepted.alert.expires, "有効期限が過ぎました"
    return None


def unfinished(conn: Connection, console: Console, identifier: str) -> list[Line]:
    """The channels on which something is still to come. Sheets are done by people and hold nothing up."""
    tallies = progress(conn, identifier, console.capabilities, now=console.clock())
    return [
        line
        for line in lines(tallies, console.capabilities)
        if line.unit is not Unit.SHEETS and not (line.done and tallies[line.kind].done)
    ]


def gather(
    conn: Connection, console: Console, accepted: Accepted, headcount: Headcount, source: SlotSource
) -> Figures:
    """As the ledger has it now. Only what has ended has figures that stay."""
    alert, now = accepted.alert, console.clock()
    ended_at, ended_as = end_of(accepted, now) or (now, "")
    tallies = progress(conn, alert.identifier, console.capabilities, now=now)
    counted, people = paced(lines(tallies, console.capabilities), tempo.tempo(conn, alert.identifier))
    sent = [line for line in counted if line.unit is not Unit.SHEETS]
    names = {account.actor.login: account.actor.name for account in accounts.everyone(conn)}
    by_hand = _by_hand(conn, console, accepted, [line.kind for line in counted if line not in sent], names)
    warned_at = _warned_at(conn, alert.identifier)
    headline, text = _texts(accepted, source, console)
    whole = _row(people)
    return Figures(
        identifier=alert.identifier,
        number=accepted.number,
        title=phrasing.title_of(alert.infos, alert.hazard).ja,
        mode=alert.mode,
        level=alert.level,
        area=alert.area.description,
        order=alert.order,
        sent=alert.sent,
        ended_at=ended_at,
        ended_as=ended_as,
        population=headcount.population,
        registered=headcount.people,
        rows=tuple(map(_row, sent)),
        people=whole,
        by_hand=by_hand,
        events=_events(conn, console, accepted, people=whole, warned_at=warned_at, names=names),
        warned_at=warned_at,
        headline=headline,
        text=text,
    )


def _row(line: Line) -> Row:
    return Row(
        kind=line.kind,
        japanese=line.japanese,
        unit=line.unit.value,
        planned=line.planned,
        answered=line.answered,
        delivered=line.delivered,
        accepted=line.accepted,
        ambiguous=line.ambiguous,
        failed=line.failed,
        first_at=line.first_at,
        half_at=line.half_at,
        last_at=line.last_at,
        reasons=line.reasons,
        steps=line.steps,
    )


def _by_hand(
    conn: Connection, console: Console, accepted: Accepted, kinds: Sequence[str], names: dict[str, str]
) -> tuple[ByHand, ...]:
    """The sheets, and the posts that somebody made by hand because their provider did not take them."""
    done = ticks.of_alert(conn, accepted.alert.identifier)
    sheets = [target for kind in kinds for target in console.targets.get(kind, ())]
    posts = [
        target
        for kind in accepted.alert.targeting.channels
        if kind in console.by_hand
        for target in console.targets.get(kind, ())
        if target.ref in done
    ]
    return tuple(
        ByHand(
            name=target.name,
            at=done[target.ref].at if target.ref in done else None,
            by=names.get(done[target.ref].by, done[target.ref].by) if target.ref in done else "",
        )
        for target in (*sheets, *posts)
    )


def _warned_at(conn: Connection, identifier: str) -> datetime | None:
    """When the warning was issued that the alert answered, where one did."""
    draft = drafts.of_alert(conn, identifier)
    found = occasions.answered_by(conn, draft.id) if draft else None
    return found.telegram.issued_at if found else None


def _events(
    conn: Connection,
    console: Console,
    accepted: Accepted,
    *,
    people: Row,
    warned_at: datetime | None,
    names: dict[str, str],
) -> tuple[Event, ...]:
    """Who did what when, in the order of time. What was done by hand stands in a list of its own."""
    alert = accepted.alert
    draft = drafts.of_alert(conn, alert.identifier)
    events = [
        Event(at=entry.at, what=_act(entry), who=names.get(entry.actor, entry.actor))
        for entry in audit.about(conn, [alert.identifier, draft.id] if draft else [alert.identifier])
        if entry.action in ACTS
    ]
    if draft is not None and draft.authors:
        first = draft.authors[0]
        events.insert(0, Event(at=draft.created_at, what=BEGUN, who=names.get(first, first)))
    events.append(Event(at=alert.order.ordered_at, what="発令", who=alert.order.issuer))
    if warned_at is not None:
        events.append(Event(at=warned_at, what="警報などの発表"))
    for at, what in (
        (people.first_at, "最初の受付"),
        (people.half_at, "半数の受付"),
        (people.last_at, "最後の受付"),
    ):
        if at is not None:
            events.append(Event(at=at, what=what))
    events += [
        Event(at=later.alert.sent, what=_said(later.alert), more=later.number)
        for later in (
            alerts.get(conn, console.keys, other) for other, _ in alerts.related(conn, alert.identifier)
        )
        if alert.identifier in later.alert.references
    ]
    return tuple(sorted(events, key=lambda event: event.at))


def _act(entry: audit.Entry) -> str:
    """What was approved for a time was not approved by whoever sent it, and a call of staff by nobody."""
    if entry.action == proof.ACCEPT and "muster" in entry.detail:
        return CALLED
    if entry.action == proof.ACCEPT and entry.detail.get("approver"):
        return LATER[MsgType.ALERT]
    return ACTS[entry.action]


def _said(later: Alert) -> str:
    return "訂正を配信" if later.correction else LATER[later.msg_type]


def _texts(accepted: Accepted, source: SlotSource, console: Console) -> tuple[str, str]:
    """In Japanese, with what the order filled in. Which sites stood in it differed from hour to hour."""
    shown = notice(accepted, Language.JA, source, console.clock)
    paragraphs = [
        "".join(SHELTERS_WORDS if span.slot == SHELTERS_SLOT else span.text for span in spans)
        for spans in (*shown.told, *shown.actions)
    ]
    return shown.headline, "\n".join(paragraphs)
