"""参集: staff are called together, and each says whether they come.

    call → answers, as often as somebody changes theirs → call again who is silent → end, or cancel

This module says what that means and how it reads; `hub.mustering` does it, `hub.ledger.musters` keeps it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

import msgspec

from hub.alert import AlertInfo, Area, DecisionMethod, Mode, Order
from hub.cap import MsgType
from hub.draft import Message
from hub.hazard import Hazard
from hub.language import Language
from hub.place import Name
from hub.recipient import Called, RecipientId, Targeting

VALID_FOR = timedelta(hours=3)
"""How long a call is tried. The answers are taken until somebody ends the muster."""

LONGEST_REASON = 100


class Answer(StrEnum):
    """What somebody says. One tap, or one key of a telephone (`KEYS`)."""

    NOW = "now"
    IN_30 = "30"
    IN_60 = "60"
    IN_120 = "120"
    NO = "no"

    @property
    def japanese(self) -> str:
        return _WORDS[self].ja

    @property
    def name_in(self) -> Name:
        return _WORDS[self]

    @property
    def after(self) -> timedelta | None:
        """From the answer to the arrival, as they say it; None: they do not come."""
        return _AFTER[self]


_WORDS: Mapping[Answer, Name] = {
    Answer.NOW: Name(ja="行ける", en="I can come now"),
    Answer.IN_30: Name(ja="30分で行ける", en="I can come in 30 minutes"),
    Answer.IN_60: Name(ja="60分で行ける", en="I can come in 60 minutes"),
    Answer.IN_120: Name(ja="120分で行ける", en="I can come in 120 minutes"),
    Answer.NO: Name(ja="不可", en="I cannot come"),
}
_AFTER: Mapping[Answer, timedelta | None] = {
    Answer.NOW: timedelta(0),
    Answer.IN_30: timedelta(minutes=30),
    Answer.IN_60: timedelta(minutes=60),
    Answer.IN_120: timedelta(minutes=120),
    Answer.NO: None,
}
KEYS: Mapping[str, Answer] = {
    "1": Answer.NOW,
    "2": Answer.IN_30,
    "3": Answer.IN_60,
    "4": Answer.IN_120,
    "9": Answer.NO,
}
"""What a telephone's keys say."""


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """`choice`: of a shelter's key-holders, 1 to 3; else 0."""

    recipient: RecipientId
    name: str
    choice: int = 0


class CalledGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A group as it was when it was called. `site`: the shelter whose keys its members hold; empty: none."""

    code: str
    name: Name
    members: tuple[Member, ...]
    site: str = ""


class Roll(msgspec.Struct, frozen=True, kw_only=True):
    """Why, and who is called by which channels. Somebody may be in several groups, and is called once."""

    reason: str
    channels: tuple[str, ...]
    groups: tuple[CalledGroup, ...]

    @property
    def people(self) -> dict[RecipientId, str]:
        """Everybody once, with their name, in the order of the groups."""
        return {member.recipient: member.name for group in self.groups for member in group.members}


class Muster(msgspec.Struct, frozen=True, kw_only=True):
    """`rule`: which one called; empty: a person did."""

    id: int
    mode: Mode
    called_at: datetime
    called_by: str
    rule: str
    roll: Roll
    ended_at: datetime | None = None
    ended_by: str | None = None
    cancelled: bool = False

    @property
    def running(self) -> bool:
        return self.ended_at is None


class Given(NamedTuple):
    """One answer. `by`: the login of who wrote it down for them; empty: they themselves."""

    recipient: RecipientId
    answer: Answer
    at: datetime
    by: str


class Said(NamedTuple):
    """What counts of somebody's answers: the last one. `coming_since`: since when they have said without a break
    that they come; None: they do not."""

    answer: Answer
    at: datetime
    by: str
    coming_since: datetime | None

    @property
    def arrives_at(self) -> datetime | None:
        """By their own word."""
        return None if self.answer.after is None else self.at + self.answer.after


def said(given: Iterable[Given]) -> dict[RecipientId, Said]:
    """What each one's answers, in the order they came, amount to."""
    found: dict[RecipientId, Said] = {}
    for each in given:
        before = found.get(each.recipient)
        since = (before and before.coming_since) or each.at if each.answer.after is not None else None
        found[each.recipient] = Said(each.answer, each.at, each.by, since)
    return found


class Counts(NamedTuple):
    """called = the sum of `by` + silent, always."""

    called: int
    by: Counter[Answer]
    silent: int

    @property
    def coming(self) -> int:
        return self.called - self.silent - self.by[Answer.NO]

    def shares(self) -> list[tuple[str, int]]:
        """(class of the bar's colour, amount), from who is there first."""
        now = self.by[Answer.NOW]
        return [
            ("answered", now),
            ("delivered", self.coming - now),
            ("failed", self.by[Answer.NO]),
            ("pending", self.silent),
        ]


def counts(people: Iterable[RecipientId], known: Mapping[RecipientId, Said]) -> Counts:
    """Of these people, each once."""
    called = set(people)
    by = Counter(known[each].answer for each in called if each in known)
    return Counts(len(called), by, len(called) - by.total())


def silent(roll: Roll, known: Mapping[RecipientId, Said]) -> tuple[RecipientId, ...]:
    """Who has not answered yet."""
    return tuple(each for each in roll.people if each not in known)


def first_coming(group: CalledGroup, known: Mapping[RecipientId, Said]) -> Member | None:
    """Who of them said first that they come, and has said so ever since."""
    coming = [
        (since, member.choice, member)
        for member in group.members
        if (answer := known.get(member.recipient)) and (since := answer.coming_since)
    ]
    return min(coming, key=lambda each: each[:2])[2] if coming else None


class Occasion(StrEnum):
    """What a message of a muster is."""

    CALL = "call"
    AGAIN = "again"
    CANCEL = "cancel"


def message(
    muster: Muster,
    occasion: Occasion,
    to: Sequence[RecipientId],
    *,
    channels: Sequence[str],
    issuer: str,
    at: datetime,
    ends: Sequence[str] = (),
) -> Message:
    """What is sent to `to`. `ends`: the earlier calls, of which nothing more goes out.

    The order is the hub's record of who called and why; no text shows it.
    """
    return Message(
        mode=muster.mode,
        msg_type=_TYPES[occasion] if ends else MsgType.ALERT,
        hazard=Hazard.OTHER,
        level=None,
        order=Order(
            issuer=issuer, method=DecisionMethod.HEADQUARTERS, ordered_at=at, grounds=muster.roll.reason
        ),
        area=Area(description="市の職員"),
        targeting=Targeting(
            audience=Called(muster=muster.id, recipients=tuple(to)), channels=tuple(channels)
        ),
        infos=infos(occasion, muster.roll.reason),
        valid_for_s=int(VALID_FOR.total_seconds()),
        references=tuple(ends),
    )


_TYPES = {Occasion.AGAIN: MsgType.UPDATE, Occasion.CANCEL: MsgType.CANCEL}


def infos(occasion: Occasion, reason: str) -> tuple[AlertInfo, ...]:
    """The texts, in Japanese and English. The link to answer by stands under them; a voice asks for a key."""
    texts = _CANCELLED if occasion is Occasion.CANCEL else _CALLED
    again = occasion is Occasion.AGAIN
    return tuple(
        AlertInfo(
            language=language,
            event=words.headline,
            headline=f"{words.headline}{words.again if again else ''}",
            description=words.description.format(reason=reason),
            instruction=words.instruction,
            short=f"{words.headline}{words.again if again else ''}: {reason}",
            speech=words.speech.format(reason=reason),
        )
        for language, words in texts.items()
    )


class _Words(NamedTuple):
    headline: str
    again: str
    description: str
    instruction: str
    speech: str


_CALLED: Mapping[Language, _Words] = {
    Language.JA: _Words(
        headline="職員参集",
        again="（再度）",
        description="職員の参集を求めます。\n理由：{reason}",
        instruction="行けるかどうかを、下のリンクから答えてください。答えはあとから変えられます。",
        speech="職員の参集を求めます。理由。{reason}。行けるかどうかを、番号で答えてください。"
        "すぐ行けるときは1。30分で行けるときは2。60分で行けるときは3。120分で行けるときは4。行けないときは9。",
    ),
    Language.EN: _Words(
        headline="Staff are called in",
        again=" (again)",
        description="Staff are called in.\nReason: {reason}",
        instruction="Please say with the link below whether you can come. You can change your answer later.",
        speech="Staff are called in. Reason: {reason}. Please answer with a key. 1: I can come now. "
        "2: in 30 minutes. 3: in 60 minutes. 4: in 120 minutes. 9: I cannot come.",
    ),
}
_CANCELLED: Mapping[Language, _Words] = {
    Language.JA: _Words(
        headline="参集の取り消し",
        again="",
        description="職員の参集を取り消します。来る必要はありません。\n取り消した参集の理由：{reason}",
        instruction="",
        speech="職員の参集を取り消します。来る必要はありません。取り消した参集の理由。{reason}。",
    ),
    Language.EN: _Words(
        headline="The call to staff is cancelled",
        again="",
        description="The call to staff is cancelled. You need not come.\nReason of the call: {reason}",
        instruction="",
        speech="The call to staff is cancelled. You need not come. Reason of the call: {reason}.",
    ),
}
