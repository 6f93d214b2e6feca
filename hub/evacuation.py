"""警戒レベル: the five levels, who issues them, and what CAP says of each.

Names, actions and colours: 内閣府「避難情報に関するガイドライン」(令和3年5月, 令和8年の防災気象情報の改善後).
避難勧告 was abolished in 2021 and has no place here.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import NamedTuple

from hub.cap import Certainty, MsgType, Severity, Urgency


class Issuer(StrEnum):
    """Who issues a level: 発令 is the city's word, 発表 that of 気象庁."""

    CITY = "city"
    JMA = "jma"


class Level(IntEnum):
    """警戒レベル. Levels may be skipped, and two hazards can stand at different levels."""

    EARLY = 1
    ADVISORY = 2
    ELDERLY_EVACUATE = 3
    EVACUATE = 4
    SECURE_LIFE = 5

    @property
    def meaning(self) -> "LevelMeaning":
        return MEANINGS[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelMeaning:
    """What a level is called, asks for and looks like; and its CAP 1.2 triple."""

    name: str
    action: str
    issuer: Issuer
    colour: str
    urgency: Urgency
    severity: Severity
    certainty: Certainty


DIVIDER = "警戒レベル4までに必ず避難！"
"""Stands between levels 5 and 4 wherever the levels are listed (official wording)."""

MEANINGS: dict[Level, LevelMeaning] = {
    Level.SECURE_LIFE: LevelMeaning(
        name="緊急安全確保",
        action="命の危険 直ちに安全確保！",
        issuer=Issuer.CITY,
        colour="#0C000C",
        urgency=Urgency.IMMEDIATE,
        severity=Severity.EXTREME,
        certainty=Certainty.OBSERVED,
    ),
    Level.EVACUATE: LevelMeaning(
        name="避難指示",
        action="危険な場所から全員避難",
        issuer=Issuer.CITY,
        colour="#AA00AA",
        urgency=Urgency.IMMEDIATE,
        severity=Severity.EXTREME,
        certainty=Certainty.LIKELY,
    ),
    Level.ELDERLY_EVACUATE: LevelMeaning(
        name="高齢者等避難",
        action="危険な場所から高齢者等は避難",
        issuer=Issuer.CITY,
        colour="#FF2800",
        urgency=Urgency.EXPECTED,
        severity=Severity.SEVERE,
        certainty=Certainty.LIKELY,
    ),
    Level.ADVISORY: LevelMeaning(
        name="注意報",
        action="自らの避難行動を確認",
        issuer=Issuer.JMA,
        colour="#F2E700",
        urgency=Urgency.EXPECTED,
        severity=Severity.MODERATE,
        certainty=Certainty.POSSIBLE,
    ),
    Level.EARLY: LevelMeaning(
        name="早期注意情報",
        action="災害への心構えを高める",
        issuer=Issuer.JMA,
        colour="#FFFFFF",
        urgency=Urgency.FUTURE,
        severity=Severity.MINOR,
        certainty=Certainty.POSSIBLE,
    ),
}


class Triple(NamedTuple):
    """CAP info/urgency, severity and certainty."""

    urgency: Urgency
    severity: Severity
    certainty: Certainty


def triple(level: Level | None, msg_type: MsgType) -> Triple:
    """A lifted order is no longer urgent; without a level the three are not known."""
    of_level = (
        Triple(Urgency.UNKNOWN, Severity.UNKNOWN, Certainty.UNKNOWN)
        if level is None
        else Triple(level.meaning.urgency, level.meaning.severity, level.meaning.certainty)
    )
    return of_level._replace(urgency=Urgency.PAST) if msg_type is MsgType.CANCEL else of_level
