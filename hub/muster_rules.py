"""Rules by which staff are called without anybody asking: on a quake, on a warning for the city, on a stage of the
headquarters. The city's file has the first ones (`musters.toml`); staff lay their own list over it.

    quake     once for each quake
    warning   once from the first telegram that says it until one that lifts or lowers it
    stage     once each time the headquarters grows to it

What is here decides; `hub.muster_watch` acts on it. A rule calls for what comes in after it, never for what was there.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta
from sqlalchemy import Connection

from hub import codec
from hub import folder as files
from hub.authorise import Action, Actor, authorise
from hub.errors import BadInput, BadSettings
from hub.evacuation import Level
from hub.folder import Folder
from hub.hazard import Hazard
from hub.headquarters import Standing
from hub.inbound.warning import InfoType, State, Status, Telegram, Warned
from hub.keys import Keys
from hub.ledger import revisions
from hub.organisation import Code, Organisation
from hub.roster import KEY_HOLDERS

SUBJECT = "muster-rules"
FILE = "musters.toml"
MOST = 40

INTENSITIES = ("3", "4", "5弱", "5強", "6弱", "6強", "7")
"""震度, the weakest first."""


class Cause(StrEnum):
    QUAKE = "quake"
    WARNING = "warning"
    STAGE = "stage"


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`groups`: codes of the staff list's (`hub.roster`), `keys` for all key-holders.

    `intensity`: of a quake, this or stronger. `hazard` None: any but a quake; `level` None: any, also none.
    `stage`: this or a graver one.
    """

    code: Code
    cause: Cause
    groups: tuple[str, ...]
    on: bool = True
    intensity: str = ""
    hazard: Hazard | None = None
    level: Level | None = None
    stage: str = ""


class Rules(NamedTuple):
    """`quake_areas`: 気象庁's codes of the areas (細分区域) that the city lies in."""

    rules: tuple[Rule, ...] = ()
    quake_areas: tuple[str, ...] = ()


class Found(NamedTuple):
    """A rule met its event. `event`: the same however often it is looked at. `words`: what happened, one line."""

    rule: Rule
    event: str
    at: datetime
    words: str
    drill: bool


class Received(NamedTuple):
    """A telegram and when it came in."""

    telegram: Telegram
    at: datetime


def load(folder: Folder, organisation: Organisation) -> Rules:
    """Read `musters.toml`, which a city need not have.

    Raises:
        BadSettings: names the file and the key.
    """
    if not (folder / FILE).is_file():
        return Rules()
    read = files.toml(folder, FILE, _File)
    codes = [rule.code for rule in read.rules]
    if twice := sorted({code for code in codes if codes.count(code) > 1}):
        raise BadSettings(FILE, f"{', '.join(twice)}: there twice / 同じ番号が2つあります")
    known = {KEY_HOLDERS, *(each.code for each in organisation.departments)}
    for rule in read.rules:
        if unknown := sorted(set(rule.groups) - known):
            raise BadSettings(
                f"{FILE} {rule.code} groups", f"{', '.join(unknown)}: no department / この課はありません"
            )
        try:
            _check(rule, organisation)
        except BadInput as e:
            raise BadSettings(f"{FILE} {rule.code} {e.path}", e.message.removeprefix(f"{e.path}: ")) from e
    return Rules(tuple(read.rules), tuple(read.quake_areas))


class _File(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    quake_areas: list[Annotated[str, Meta(pattern=r"^\d{3}$")]] = []
    rules: list[Rule] = []


class _Kept(msgspec.Struct, frozen=True):
    rules: tuple[Rule, ...]


def listed(conn: Connection, keys: Keys, city: Rules) -> tuple[tuple[Rule, ...], int]:
    """The rules in force, those that are off too, and the number of their revision; 0: the city's file's."""
    newest = revisions.latest(conn, keys, SUBJECT)
    if newest is None:
        return city.rules, 0
    return codec.decode(_Kept, newest.value, what=SUBJECT).rules, newest.number


def in_force(conn: Connection, keys: Keys, city: Rules) -> tuple[tuple[Rule, ...], datetime | None]:
    """Those that are on, and since when the list stands as it does; None: it is the city's file's."""
    newest = revisions.latest(conn, keys, SUBJECT)
    rules, _ = listed(conn, keys, city)
    return tuple(rule for rule in rules if rule.on), newest.at if newest else None


def set_rules(
    conn: Connection,
    keys: Keys,
    rules: Sequence[Rule],
    organisation: Organisation,
    actor: Actor,
    *,
    seen: int,
    at: datetime,
) -> None:
    """Put another list in the place of the revision `seen`.

    Raises:
        Forbidden: no right.
        BadInput: names the field: `groups`, `intensity`, `stage`.
        Conflict: somebody changed it meanwhile.
    """
    authorise(actor, Action.CONFIGURE)
    if len(rules) > MOST:
        raise BadInput("groups", f"{MOST}個までです / {MOST} rules at most")
    for rule in rules:
        _check(rule, organisation)
    value = codec.encode(_Kept(tuple(rules)))
    detail = {"rules": [rule.code for rule in rules if rule.on]}
    revisions.add(conn, keys, SUBJECT, value, seen=seen, at=at, by=actor.login, detail=detail)


def _check(rule: Rule, organisation: Organisation) -> None:
    if not rule.groups:
        raise BadInput("groups", "呼ぶ組を選んでください / Choose whom to call")
    if rule.cause is Cause.QUAKE and rule.intensity not in INTENSITIES:
        raise BadInput("intensity", "震度を選んでください / Choose the intensity")
    if rule.cause is Cause.STAGE and organisation.stage(rule.stage) is None:
        raise BadInput("stage", "体制を選んでください / Choose the stage")


def by_telegrams(rule: Rule, received: Iterable[Received], codes: Collection[str]) -> Iterator[Found]:
    """The rule's events among telegrams in the order they came in. `codes`: of the city, its rivers, its areas.

    A test, and what withdraws a telegram, is none; a drill of 気象庁 is one, and calls for a drill.
    """
    standing: dict[tuple[bool, Hazard], bool] = {}
    for telegram, at in received:
        if telegram.status is Status.TEST or telegram.info_type is InfoType.CANCEL:
            continue
        drill = telegram.status is Status.DRILL
        for warned in telegram.about(codes):
            if rule.cause is Cause.QUAKE:
                if _shook(warned) >= _grade(rule.intensity) >= 0:
                    quake = telegram.event_id or f"{telegram.issued_at:%Y%m%dT%H%M%SZ}"
                    yield Found(rule, f"quake {quake}{' drill' if drill else ''}", at, warned.name, drill)
            elif rule.cause is Cause.WARNING and _concerns(rule, warned):
                there = _stands(rule, warned)
                if there and not standing.get((drill, warned.hazard)):
                    yield Found(rule, telegram.key, at, _words(telegram, warned), drill)
                standing[drill, warned.hazard] = there


def by_stage(rule: Rule, history: Sequence[Standing], organisation: Organisation) -> Found | None:
    """The event that the newest of these standings is, the newest first: the headquarters has grown to the stage."""
    if rule.cause is not Cause.STAGE or not history:
        return None
    order = [stage.code for stage in organisation.stages]
    if rule.stage not in order:
        return None

    def there(standing: Standing) -> bool:
        return standing.stage in order and order.index(standing.stage) >= order.index(rule.stage)

    newest, before = history[0], history[1:2]
    if not there(newest) or (before and there(before[0])):
        return None
    stage = organisation.stage(newest.stage)
    words = stage.name.ja if stage else newest.stage
    return Found(rule, f"stage {newest.number}", newest.recorded_at, words, drill=False)


def _concerns(rule: Rule, warned: Warned) -> bool:
    if rule.hazard is None:
        return warned.hazard is not Hazard.EARTHQUAKE
    return warned.hazard is rule.hazard


def _stands(rule: Rule, warned: Warned) -> bool:
    if warned.state is State.LIFTED:
        return False
    return rule.level is None or (warned.level is not None and warned.level >= rule.level)


def _words(telegram: Telegram, warned: Warned) -> str:
    return telegram.title if warned.name in ("警戒", "解除") else warned.name


_INTENSITY = re.compile(r"震度([0-7][弱強]?)")


def _shook(warned: Warned) -> int:
    found = _INTENSITY.search(unicodedata.normalize("NFKC", warned.name))
    return _grade(found[1]) if found and warned.hazard is Hazard.EARTHQUAKE else -1


def _grade(intensity: str) -> int:
    """Weaker than all that a rule may name, or none: -1."""
    return INTENSITIES.index(intensity) if intensity in INTENSITIES else -1
