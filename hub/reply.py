"""What a resident who is called may say by a key of the telephone: two sets, chosen by the hazard.

    before a flood       1 to a site    2 upstairs at home    3 cannot get away    0 again
    after an earthquake  1 safe         2 needs help          0 again

A key has one meaning in its set. Nobody need press any: the order is whole without it, and who is silent counts as
silent. `hub.replying` keeps a reply, `hub.ledger.replies` holds it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from hub.alert import Alert
from hub.cap import MsgType
from hub.evacuation import Level
from hub.hazard import Hazard
from hub.place import Name
from hub.recipient import RecipientId


class Reply(StrEnum):
    """What somebody says of themselves."""

    SHELTER = "shelter"
    UPSTAIRS = "upstairs"
    CANNOT = "cannot"
    SAFE = "safe"
    HELP = "help"

    @property
    def japanese(self) -> str:
        return WORDS[self].ja

    @property
    def needs_help(self) -> bool:
        """Staff list who said this."""
        return self in (Reply.CANNOT, Reply.HELP)


WORDS: Mapping[Reply, Name] = {
    Reply.SHELTER: Name(ja="避難場所へ", en="To an evacuation place"),
    Reply.UPSTAIRS: Name(ja="自宅の上の階", en="Upstairs at home"),
    Reply.CANNOT: Name(ja="避難が難しい", en="Cannot get away"),
    Reply.SAFE: Name(ja="無事", en="Safe"),
    Reply.HELP: Name(ja="助けが必要", en="Needs help"),
}
"""As screens of staff name them."""

AGAIN = "0"
"""The key that plays the order once more. It says nothing of anybody."""

KeySet = Mapping[str, Reply]
"""A key of the telephone and what it says."""

BEFORE_A_FLOOD: KeySet = {"1": Reply.SHELTER, "2": Reply.UPSTAIRS, "3": Reply.CANNOT}
AFTER_AN_EARTHQUAKE: KeySet = {"1": Reply.SAFE, "2": Reply.HELP}

_SETS: Mapping[Hazard, KeySet] = {
    Hazard.FLOOD: BEFORE_A_FLOOD,
    Hazard.INLAND_FLOOD: BEFORE_A_FLOOD,
    Hazard.STORM_SURGE: BEFORE_A_FLOOD,
    Hazard.LANDSLIDE: {key: reply for key, reply in BEFORE_A_FLOOD.items() if reply is not Reply.UPSTAIRS},
    Hazard.EARTHQUAKE: AFTER_AN_EARTHQUAKE,
}
"""A slope takes the whole house, so nobody is asked whether they stay in it (内閣府「避難情報に関するガイドライン」:
土砂災害 is 立退き避難). In a tsunami nobody is kept on the telephone."""


def keys_of(alert: Alert) -> KeySet:
    """What is asked after this alert's order; nothing: nobody is asked.

    Asked where people must act now: an order of level 3 to 5, or an earthquake. Not by a lifting or a correction,
    which say that something is over or was wrong.
    """
    if not alert.public or alert.msg_type is MsgType.CANCEL or alert.correction:
        return {}
    if alert.hazard is not Hazard.EARTHQUAKE and (alert.level or 0) < Level.ELDERLY_EVACUATE:
        return {}
    return _SETS.get(alert.hazard, {})


class Given(NamedTuple):
    """One reply. Somebody's last one counts."""

    recipient: RecipientId
    reply: Reply
    at: datetime


class Question(NamedTuple):
    """What one recipient is asked after the order. `at`: the address to which the key goes, `/LANGUAGE` behind it."""

    keys: KeySet
    at: str


def standing(given: Iterable[Given]) -> dict[RecipientId, Given]:
    """What counts of everybody's replies, in the order in which they came."""
    return {each.recipient: each for each in given}


def counts(given: Iterable[Given]) -> Counter[Reply]:
    """How many say what, each person once."""
    return Counter(each.reply for each in standing(given).values())
