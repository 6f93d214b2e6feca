"""What the simulated gateways handed over: the rehearsal's own record, independent of the hub's."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from yobikake.rehearsal.line_messages import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One thing one address received. `key` is what makes a repeat of it visible (Message-ID, retry key, …)."""

    channel: str
    address: str
    at: datetime
    subject: str
    text: str
    key: str
    chat: Sequence[Message] = ()
    """Of LINE: the messages themselves."""


@dataclass(slots=True, kw_only=True)
class Picture:
    """`alt_text`: in words. `post`: the key of the arrival that shows it."""

    png: bytes
    alt_text: str = ""
    post: str = ""


class Inbox:
    """Arrivals by address, in the order they came. `pictures`: those that are shown, by their arrival's key."""

    def __init__(self) -> None:
        self.pictures: dict[str, Picture] = {}
        self._by_address: defaultdict[tuple[str, str], list[Arrival]] = defaultdict(list)
        self.count: defaultdict[str, int] = defaultdict(int)

    def add(self, arrival: Arrival) -> None:
        self._by_address[arrival.channel, arrival.address].append(arrival)
        self.count[arrival.channel] += 1

    def of(self, channel: str, address: str) -> list[Arrival]:
        return list(self._by_address.get((channel, address), ()))

    def addresses(self, channel: str) -> Iterator[str]:
        return (address for kind, address in self._by_address if kind == channel)
