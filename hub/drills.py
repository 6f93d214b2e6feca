"""訓練計画: the year's planned drills, what was sent as each, and what staff wrote down afterwards.

A fiscal year's plan is one subject of `hub.ledger.revisions`: every version is kept, and who changed it.
"""

from datetime import date, datetime
from enum import StrEnum
from uuid import uuid4

import msgspec
from sqlalchemy import Connection

from hub import codec
from hub.alert import Mode
from hub.authorise import Action, Actor, authorise
from hub.clock import fiscal_year
from hub.errors import BadInput, Conflict
from hub.keys import Keys
from hub.ledger import alerts, revisions

LONGEST = {"scenario": 300, "leader": 60, "review": 2000}
"""Letters."""
MOST = 200
"""Drills of one year."""
MOST_ALERTS = 12
"""That were sent as one drill: its report is read by people."""


class Kind(StrEnum):
    STAFF = "staff"
    RESIDENTS = "residents"
    MUSTER = "muster"
    WIFI = "wifi"

    @property
    def japanese(self) -> str:
        return _KINDS[self]


_KINDS = {
    Kind.STAFF: "職員訓練",
    Kind.RESIDENTS: "住民訓練",
    Kind.MUSTER: "参集訓練",
    Kind.WIFI: "Wi-Fi切替訓練",
}


class State(StrEnum):
    PLANNED = "planned"
    HELD = "held"
    CALLED_OFF = "called_off"

    @property
    def japanese(self) -> str:
        return _STATES[self]


_STATES = {State.PLANNED: "予定", State.HELD: "実施済み", State.CALLED_OFF: "中止"}


class Drill(msgspec.Struct, frozen=True, kw_only=True):
    """`version` rises with each change. `alerts`: identifiers of what was sent as it. `review`: 振り返り, last
    written by `reviewed_by` (a login)."""

    id: str
    version: int = 0
    day: date
    kind: Kind
    scenario: str
    leader: str
    state: State = State.PLANNED
    alerts: tuple[str, ...] = ()
    review: str = ""
    reviewed_by: str = ""
    reviewed_at: datetime | None = None

    @property
    def year(self) -> int:
        """The fiscal year whose plan it stands in."""
        return fiscal_year(self.day)

    def overdue(self, today: date) -> bool:
        return self.state is State.PLANNED and self.day < today


class _Plan(msgspec.Struct, frozen=True):
    drills: tuple[Drill, ...] = ()


def new_id() -> str:
    return uuid4().hex[:12]


def plan(conn: Connection, keys: Keys, year: int) -> list[Drill]:
    """Of a fiscal year, by day."""
    return sorted(_kept(conn, keys, year)[0], key=lambda drill: (drill.day, drill.id))


def get(conn: Connection, keys: Keys, year: int, drill: str) -> Drill:
    """Raises `BadInput` when there is none."""
    found = next((each for each in plan(conn, keys, year) if each.id == drill), None)
    if found is None:
        raise BadInput(f"drill {drill}", "there is no such drill / この訓練はありません")
    return found


def save(conn: Connection, keys: Keys, drill: Drill, actor: Actor, *, year: int, at: datetime) -> Drill:
    """Add a drill to the plan of `year`, or change the version of it that was seen.

    Raises:
        Forbidden: no right.
        BadInput: names the field.
        Conflict: somebody changed this drill meanwhile. Changes of others do not matter.
    """
    authorise(actor, Action.COMPOSE)
    kept, number = _kept(conn, keys, year)
    before = next((each for each in kept if each.id == drill.id), None)
    if (before.version if before else 0) != drill.version:
        raise Conflict(
            "ほかの人が先に変更しました。新しい内容を確認してください / Someone changed this. Review the new version"
        )
    _check(conn, keys, drill, kept, year=year)
    saved = msgspec.structs.replace(drill, version=drill.version + 1)
    others = tuple(each for each in kept if each.id != drill.id)
    revisions.add(
        conn,
        keys,
        _subject(year),
        codec.encode(_Plan((*others, saved))),
        seen=number,
        at=at,
        by=actor.login,
        detail={"drill": saved.id, "version": saved.version, "state": saved.state, "alerts": saved.alerts},
    )
    return saved


def _check(conn: Connection, keys: Keys, drill: Drill, kept: tuple[Drill, ...], *, year: int) -> None:
    if drill.year != year:
        raise BadInput("day", f"{year}年度のうちの日にしてください / Choose a day of fiscal year {year}")
    for field, missing in (
        ("scenario", "何を想定するかを書いてください / Say what is assumed"),
        ("leader", "だれが進めるかを書いてください / Say who leads it"),
    ):
        if not getattr(drill, field).strip():
            raise BadInput(field, missing)
    for field, longest in LONGEST.items():
        if len(getattr(drill, field)) > longest:
            raise BadInput(field, f"{longest}文字までです / {longest} characters at most")
    if len(kept) >= MOST and all(each.id != drill.id for each in kept):
        raise BadInput("day", f"1年に{MOST}件までです / At most {MOST} drills a year")
    if len(drill.alerts) > MOST_ALERTS:
        raise BadInput("alerts", f"{MOST_ALERTS}件までです / At most {MOST_ALERTS}")
    for alert in drill.alerts:
        _check_alert(conn, keys, alert, drill, kept)


def _check_alert(conn: Connection, keys: Keys, alert: str, drill: Drill, kept: tuple[Drill, ...]) -> None:
    if alerts.get(conn, keys, alert).alert.mode is Mode.LIVE:
        raise BadInput("alerts", "本番の配信は訓練に結べません / A live alert is no drill")
    if any(alert in each.alerts for each in kept if each.id != drill.id):
        raise BadInput("alerts", "ほかの訓練の配信です / It was sent as another drill")


def _kept(conn: Connection, keys: Keys, year: int) -> tuple[tuple[Drill, ...], int]:
    newest = revisions.latest(conn, keys, _subject(year))
    if newest is None:
        return (), 0
    return codec.decode(_Plan, newest.value, what=_subject(year)).drills, newest.number


def _subject(year: int) -> str:
    return f"drills {year}"
