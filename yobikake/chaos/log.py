"""The gateways' log: what they themselves saw, kept apart from what the hub says of it.

Which alert something belongs to, and whether it says that it is a drill, is read from what residents
see or hear, and from nothing else. A call says its alert's number where its speech holds `{number}`.
"""

import re
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from hub.framing import FRAMINGS
from hub.language import AUTONYMS
from yobikake.rehearsal.exchange import Exchange


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """One recipient of a request that a gateway carried out."""

    channel: str
    address: str
    number: str
    """The alert's public number; empty: it speaks of none (a mail to staff on call)."""
    key: str
    drill: bool
    begun_at: datetime
    """When the gateway read MAIL FROM, or the head of the HTTP request."""
    taken_at: datetime
    answered: bool
    """The gateway told the hub, in this answer or in a later one: the hub may know of it."""
    request: int
    """Entries of one request share it."""
    reached: bool = True
    """False: a call that nobody picked up. Another one is no repeat."""
    part: int = 1
    parts: int = 1
    """Its place in a thread of posts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """One recipient for whom a gateway did not carry out a request, and said so."""

    channel: str
    address: str
    number: str
    """Empty where the request was refused before its text came."""
    code: str
    permanent: bool
    begun_at: datetime
    request: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Struck:
    """A request that a fault of the gateway hit. `recipients`: whose fate it may have left open to the hub."""

    mishap: str
    channel: str
    recipients: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Entries:
    """The log as it stood at one moment."""

    taken: tuple[Taken, ...] = ()
    refused: tuple[Refused, ...] = ()
    struck: tuple[Struck, ...] = ()


class GatewayLog:
    """Filled by the gateways of a run while they work; it outlives every hub."""

    def __init__(self) -> None:
        self._exchanges: list[Exchange] = []

    def begin(self, exchange: Exchange) -> None:
        """The gateways' witness."""
        self._exchanges.append(exchange)

    def entries(self) -> Entries:
        """What is known now; a request that is still under way may say more later."""
        numbered = list(enumerate(self._exchanges))
        return Entries(
            taken=tuple(entry for number, each in numbered for entry in _taken(number, each)),
            refused=tuple(entry for number, each in numbered for entry in _refused(number, each)),
            struck=tuple(
                Struck(mishap=each.mishap, channel=each.channel, recipients=each.open_for)
                for each in self._exchanges
                if each.mishap
            ),
        )

    def arrived(self, number: str) -> Counter[str]:
        """How many recipients of an alert each channel's gateway took so far: cheap, to follow progress."""
        found: Counter[str] = Counter()
        for each in self._exchanges:
            if each.taken and said(each.channel, each.text).number == number:
                found[each.channel] += len(each.taken)
        return found

    def refusals(self, channel: str) -> int:
        """Recipients whom a channel's gateway refused for good so far."""
        return sum(
            denial.permanent for each in self._exchanges if each.channel == channel for denial in each.denied
        )


class Said(NamedTuple):
    """What a message tells of itself."""

    number: str
    drill: bool
    language: str
    part: int
    parts: int


@lru_cache(maxsize=1024)
def said(channel: str, text: str) -> Said:
    """Read as its readers read it: by the link under a mail, by the mark under a post, by ear."""
    if channel == "x":
        return _of_post(text)
    numbers = (_SPOKEN if channel == "voice" else _LINK).findall(text)
    own = numbers[-1] if numbers else ""  # what it says of an earlier alert comes before
    return Said(own, _says_drill(text), "", 1, 1)


def _of_post(text: str) -> Said:
    mark = _MARK.search(text)
    if mark is None:
        return Said("", _says_drill(text), "", 1, 1)
    part, parts = int(mark["part"] or 1), int(mark["parts"] or 1)
    return Said(
        mark["number"], _says_drill(text), _LANGUAGES.get(mark["language"] or "日本語", ""), part, parts
    )


def _says_drill(text: str) -> bool:
    return "訓練" in text or any(framing.sentence in text for framing in FRAMINGS.values())


_LANGUAGES = {name: language.value for language, name in AUTONYMS.items()}
_NUMBER = r"\d{4}-\d{4,6}"
_LINK = re.compile(rf"https?://\S+/a/({_NUMBER})(?=\s|$)")
_SPOKEN = re.compile(rf"(?<![\d-])({_NUMBER})(?!\d)")
_MARK = re.compile(
    rf"^\[(?P<number>{_NUMBER}) \d\d:\d\d(?: (?P<language>[^\]]+))?\](?: \((?P<part>\d+)/(?P<parts>\d+)\))?$",
    re.MULTILINE,
)


def _taken(number: int, exchange: Exchange) -> list[Taken]:
    if exchange.taken_at is None:
        return []
    told = said(exchange.channel, exchange.text)
    return [
        Taken(
            channel=exchange.channel,
            address=_address(exchange, address, told),
            number=told.number,
            key=exchange.key,
            drill=told.drill,
            begun_at=exchange.begun_at,
            taken_at=exchange.taken_at,
            answered=exchange.answered,
            request=number,
            reached=exchange.reached,
            part=told.part,
            parts=told.parts,
        )
        for address in exchange.taken
    ]


def _refused(number: int, exchange: Exchange) -> list[Refused]:
    told = said(exchange.channel, exchange.text)
    return [
        Refused(
            channel=exchange.channel,
            address=_address(exchange, denial.address, told),
            number=told.number,
            code=denial.code,
            permanent=denial.permanent,
            begun_at=exchange.begun_at,
            request=number,
        )
        for denial in exchange.denied
    ]


def _address(exchange: Exchange, address: str, told: Said) -> str:
    """A post is meant for those who read its language: that is how the hub names its target."""
    return f"post:{told.language}" if exchange.channel == "x" else address
