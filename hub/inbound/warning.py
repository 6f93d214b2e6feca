"""A warning from outside, and what a city might consider on account of it. Proposals only: nothing here sends."""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum

import msgspec

from hub.clock import JST
from hub.evacuation import Issuer, Level
from hub.hazard import Hazard

LEVELLED = frozenset({Hazard.FLOOD, Hazard.LANDSLIDE, Hazard.STORM_SURGE, Hazard.INLAND_FLOOD})
"""The hazards for which 気象庁 and the city share the 警戒レベル. A volcano's is another scale."""


class Status(StrEnum):
    """Control/Status: only 通常 is in earnest."""

    NORMAL = "通常"
    DRILL = "訓練"
    TEST = "試験"


class InfoType(StrEnum):
    """Head/InfoType."""

    ISSUE = "発表"
    CORRECTION = "訂正"
    CANCEL = "取消"
    DELAY = "遅延"


class State(StrEnum):
    """What a telegram does to a warning. 切替 lowers it: 警報から注意報."""

    ISSUED = "発表"
    CONTINUED = "継続"
    LOWERED = "切替"
    LIFTED = "解除"


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """An area as the telegram names it: a municipality, a stretch of a river, a district."""

    code: str
    name: str


class Warned(msgspec.Struct, frozen=True, kw_only=True):
    """One warning of a telegram. `level` None: it says no 警戒レベル. A lifted one keeps the level it had."""

    name: str
    code: str
    hazard: Hazard
    level: Level | None
    state: State
    areas: tuple[Place, ...]


class Telegram(msgspec.Struct, frozen=True, kw_only=True):
    """A telegram of 気象庁, reduced to what staff decide by. Times are in UTC.

    `event_id` names the event over its reports, where the telegram has one. A 取消 withdraws an
    earlier telegram and mostly holds no warnings.
    """

    kind: str
    office: str
    status: Status
    info_type: InfoType
    title: str
    event_id: str
    serial: str
    issued_at: datetime
    headline: str
    warnings: tuple[Warned, ...]

    @property
    def key(self) -> str:
        """The same for the same telegram received twice; another for its next report or its 訂正."""
        return f"{self.kind}/{self.title}/{self.issued_at:%Y%m%dT%H%M%SZ}/{self.info_type}/{self.serial}"

    def about(self, codes: Collection[str]) -> tuple[Warned, ...]:
        """The warnings for any of these areas: the city's code, those of its rivers."""
        return tuple(warned for warned in self.warnings if any(place.code in codes for place in warned.areas))


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """Something for a person to consider: which draft to begin. `template` may be missing in the bank.

    `drill` True: the telegram was itself a drill, so the draft may only become one (I6).
    `grounds` is the 根拠 in the words of the order: 「多摩川 レベル４氾濫危険警報（21時40分 発表）」.
    """

    template: str
    hazard: Hazard
    level: Level | None
    lifts: bool
    drill: bool
    grounds: str


def suggest(telegram: Telegram, codes: Collection[str]) -> tuple[Suggestion, ...]:
    """For each hazard the gravest warning about the city, as the order that would answer it.

    None for a test, a withdrawn telegram, a level that no order answers (1, 2), or a hazard without
    levels. A lifted warning suggests considering the lifting, if an order stands: only people lift it.
    """
    if telegram.status is Status.TEST or telegram.info_type is InfoType.CANCEL:
        return ()
    gravest: dict[Hazard, Warned] = {}
    for warned in telegram.about(codes):
        if _answerable(warned) and _gravity(warned) > _gravity(gravest.get(warned.hazard)):
            gravest[warned.hazard] = warned
    return tuple(_suggestion(telegram, warned, codes) for warned in gravest.values())


def _answerable(warned: Warned) -> bool:
    if warned.state is State.LIFTED:
        return warned.hazard in LEVELLED
    return warned.level is not None and warned.level.meaning.issuer is Issuer.CITY


def _gravity(warned: Warned | None) -> int:
    """A lifting weighs less than any warning that still stands."""
    if warned is None:
        return -1
    return 0 if warned.state is State.LIFTED else int(warned.level or 0)


def _suggestion(telegram: Telegram, warned: Warned, codes: Collection[str]) -> Suggestion:
    lifts = warned.state is State.LIFTED
    return Suggestion(
        template=f"{warned.hazard}-{'lift' if lifts else int(warned.level or 0)}",
        hazard=warned.hazard,
        level=None if lifts else warned.level,
        lifts=lifts,
        drill=telegram.status is Status.DRILL,
        grounds=_grounds(telegram, warned, codes),
    )


def _grounds(telegram: Telegram, warned: Warned, codes: Collection[str]) -> str:
    places = "・".join(dict.fromkeys(place.name for place in warned.areas if place.code in codes))
    local = telegram.issued_at.astimezone(JST)
    name = telegram.title if warned.name in _BARE else warned.name
    return f"{places} {name}（{local.hour}時{local.minute:02}分 発表）"


_BARE = frozenset({"警戒", "解除"})
"""Names that mean nothing without their telegram's title (土砂災害警戒情報)."""
