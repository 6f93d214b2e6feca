"""What is entered into Lアラート, as its form asks for it: one sheet for each kind of information, from what is true now.

Its exchange format is given to its members alone, so these are texts to copy and tables to download, field by field in
the order in which the form has them. 被害 has the rows of 消防庁 災害報告取扱要領 第4号様式.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from hub.alert import Alert, Mode
from hub.cap import MsgType
from hub.city import City
from hub.clock import JST
from hub.evacuation import Level
from hub.headquarters import Standing
from hub.language import Language
from hub.ledger.alerts import Accepted
from hub.organisation import Organisation
from hub.recipient import Towns
from operator_ui.staff.phrasing import title_of
from shelters.board import Board, Row
from shelters.shelter import INHABITED, Stage

CLOSED_FOR = timedelta(hours=24)
"""A closing stays on the sheet for so long."""

Lines = Sequence[tuple[str, str]]
"""(name of the field, what is entered)."""


class Kind(StrEnum):
    ORDERS = "orders"
    SHELTERS = "shelters"
    HEADQUARTERS = "headquarters"
    DAMAGE = "damage"
    NOTICES = "notices"

    @property
    def japanese(self) -> str:
        return _JAPANESE[self]


_JAPANESE = {
    Kind.ORDERS: "避難情報",
    Kind.SHELTERS: "避難所",
    Kind.HEADQUARTERS: "本部設置",
    Kind.DAMAGE: "被害",
    Kind.NOTICES: "お知らせ",
}

DAMAGES: Mapping[str, str] = {
    "dead": "死者（人）",
    "missing": "行方不明者（人）",
    "badly_hurt": "負傷者 重傷（人）",
    "slightly_hurt": "負傷者 軽傷（人）",
    "destroyed": "住家 全壊（棟）",
    "half_destroyed": "住家 半壊（棟）",
    "damaged": "住家 一部破損（棟）",
    "flooded_above": "住家 床上浸水（棟）",
    "flooded_below": "住家 床下浸水（棟）",
}


class Damage(msgspec.Struct, frozen=True, kw_only=True):
    """What staff know of. A number that is absent is not known; nought is a number."""

    numbers: dict[str, int] = {}
    note: str = ""
    counted_at: datetime


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """`entries`: one for each order, site or notice. `changed_at`: when that which must be entered became true.

    `fingerprint` changes when something has to be entered anew. How many people are in a shelter is left out of it: that
    goes with the hourly report, and would ask for an entry every minute.
    """

    kind: Kind
    entries: Sequence[Lines]
    changed_at: datetime | None
    fingerprint: str

    @property
    def text(self) -> str:
        """To be copied whole."""
        return "\n\n".join(
            "\n".join(f"{name}：{value}" for name, value in lines if value) for lines in self.entries
        )


def orders(alerts: Iterable[Accepted], city: City, now: datetime) -> Sheet:
    """避難情報: what is ordered, and what was lifted within a day."""
    told = [each for each in alerts if _is_order(each) and _still_told(each, now)]
    return _sheet(Kind.ORDERS, [list(_order(each.alert, city)) for each in told], _sent(told))


def notices(alerts: Iterable[Accepted], now: datetime) -> Sheet:
    """お知らせ: what residents are told that is no order."""
    told = [each for each in alerts if _is_live(each) and not _is_order(each) and _still_told(each, now)]
    return _sheet(Kind.NOTICES, [list(_notice(each.alert)) for each in told], _sent(told))


def shelters(board: Board, now: datetime) -> Sheet:
    """避難所: those that are open, and those that were closed within a day. One being opened is not told (I16)."""
    told = [row for row in board.rows if _is_told(row, now)]
    changed = max((row.step.at for row in told), default=None)
    entries = [list(_site(row)) for row in told]
    return _sheet(Kind.SHELTERS, entries, changed, left_out=("避難者数", "避難者数の時刻"))


def headquarters(standings: Sequence[Standing], organisation: Organisation, city: City) -> Sheet:
    """本部設置: when it was set up, or dissolved. `standings`: the newest first. Other stages are the city's own."""
    turned = _turned(standings, organisation)
    if turned is None:
        return _sheet(Kind.HEADQUARTERS, [], None)
    stage = organisation.stage(turned.stage)
    set_up = stage is not None and stage.headquarters
    lines = [
        ("本部の名称", f"{city.names[Language.JA]}災害対策本部"),
        ("区分", "設置" if set_up else "解散"),
        ("日時", _moment(turned.since)),
        ("備考", turned.note),
    ]
    return _sheet(Kind.HEADQUARTERS, [lines], turned.since)


def damage(known: Damage | None) -> Sheet:
    """被害: what staff wrote down. Nothing is added up or guessed."""
    if known is None:
        return _sheet(Kind.DAMAGE, [], None)
    lines = [("集計時刻", _moment(known.counted_at))]
    lines += [(name, str(known.numbers[key])) for key, name in DAMAGES.items() if key in known.numbers]
    lines += [("備考", known.note)]
    return _sheet(Kind.DAMAGE, [lines], known.counted_at)


def _is_live(each: Accepted) -> bool:
    return each.alert.mode is Mode.LIVE and each.alert.public


def _is_order(each: Accepted) -> bool:
    level = each.alert.level
    return _is_live(each) and level is not None and level >= Level.ELDERLY_EVACUATE


def _still_told(each: Accepted, now: datetime) -> bool:
    """In force; or itself a lifting, of which the form wants to know too."""
    if each.stopped_at is not None or each.ended_at is not None:
        return False
    lifting = each.alert.msg_type is MsgType.CANCEL
    return now < each.alert.sent + CLOSED_FOR if lifting else now < each.alert.expires


def _sent(told: Sequence[Accepted]) -> datetime | None:
    return max((each.alert.sent for each in told), default=None)


def _order(alert: Alert, city: City) -> Iterator[tuple[str, str]]:
    lifted = alert.msg_type is MsgType.CANCEL
    level = city.levels[alert.level] if alert.level is not None else None
    yield "発令・解除の別", "解除" if lifted else "発令"
    if alert.level is not None and level is not None:
        yield "避難情報の区分", f"警戒レベル{int(alert.level)} {level.name.ja}"
    yield "災害の種別", alert.hazard.japanese
    yield "解除日時" if lifted else "発令日時", _moment(alert.order.ordered_at)
    yield "対象地域", alert.area.description
    audience = alert.targeting.audience
    people = city.population(audience.towns if isinstance(audience, Towns) else None)
    if people.total is not None:
        yield "対象人数（人）", f"{people.total}"
    yield "理由", alert.order.grounds
    yield "発令者", alert.order.issuer


def _notice(alert: Alert) -> Iterator[tuple[str, str]]:
    yield "題名", title_of(alert.infos, alert.hazard).ja
    yield "発表日時", _moment(alert.sent)
    yield "対象地域", alert.area.description
    yield "終了予定", _moment(alert.expires)


def _is_told(row: Row, now: datetime) -> bool:
    closed = row.step.stage is Stage.CLOSED and now < row.step.at + CLOSED_FOR
    return row.step.stage in INHABITED or closed


def _site(row: Row) -> Iterator[tuple[str, str]]:
    site, closed = row.site, row.step.stage is Stage.CLOSED
    yield "避難所名", site.name.ja
    yield "種別", "・".join(_designations(row))
    yield "所在地", site.address
    yield "開設状況", "閉鎖" if closed else "開設"
    yield "閉鎖日時" if closed else "状況の時刻", _moment(row.step.at)
    yield "状況", "" if closed else row.step.stage.japanese
    yield "定員（人）", "" if site.capacity is None else str(site.capacity)
    if not closed:
        yield "避難者数", "不明" if row.people is None else f"{row.people}人"
        as_of = row.occupancy.as_of
        yield "避難者数の時刻", _moment(as_of) if row.people is not None and as_of is not None else ""


def _designations(row: Row) -> Iterator[str]:
    if row.site.emergency_id:
        yield "指定緊急避難場所"
    if row.site.evacuation_id:
        yield "指定避難所"


def _turned(standings: Sequence[Standing], organisation: Organisation) -> Standing | None:
    """The decision by which the headquarters came to be what it is; None: it never was."""

    def there(standing: Standing) -> bool:
        stage = organisation.stage(standing.stage)
        return stage is not None and stage.headquarters

    turned: Standing | None = None
    was_there = False
    for standing in reversed(standings):
        if there(standing) is not was_there:
            turned, was_there = standing, there(standing)
    return turned


def _sheet(
    kind: Kind, entries: Sequence[Lines], changed_at: datetime | None, *, left_out: Sequence[str] = ()
) -> Sheet:
    kept = [[(name, value) for name, value in lines if name not in left_out] for lines in entries]
    digest = hashlib.sha256(msgspec.json.encode(kept)).hexdigest()[:32]
    return Sheet(kind=kind, entries=entries, changed_at=changed_at, fingerprint=digest)


def _moment(at: datetime) -> str:
    return f"{at.astimezone(JST):%Y/%m/%d %H:%M}"
