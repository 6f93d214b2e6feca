"""One alert on one channel, as both sides tell it: the ledger, and the gateway."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from hub.alert import Mode
from hub.delivery import MERGED, REACHED, Outcome
from hub.ledger.bounces import ALERTS
from hub.ledger.register import Registration
from hub.recipient import Kind, Reached, RecipientId, Town, Towns
from yobikake.chaos.log import Refused, Taken
from yobikake.chaos.observed import Known, Observed, Row

GATEWAYS = frozenset({"mail", "line", "voice", "x"})
"""Channels whose other side kept a log."""


class Place(NamedTuple):
    """A recipient's byte in each of a batch's two arrays."""

    row: Row
    handover: Outcome
    receipt: Outcome

    @property
    def merged(self) -> Outcome:
        return MERGED[self.handover, self.receipt]


@dataclass(slots=True)
class Story:
    """One recipient of the alert on the channel."""

    places: list[Place] = field(default_factory=list)
    """In every batch that held them: a retry's too."""
    taken: list[Taken] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)

    @property
    def counted(self) -> list[Place]:
        """Where the ledger counts them: in one place, if it counts well."""
        return [place for place in self.places if place.handover is not Outcome.MOVED]

    @property
    def outcome(self) -> Outcome:
        """What the ledger says became of them; pending where it says nothing."""
        return self.counted[0].merged if self.counted else Outcome.PENDING

    @property
    def flagged(self) -> bool:
        """The ledger says that a second try was made of what might have arrived."""
        return any(place.row.resend for place in self.places)

    @property
    def received(self) -> list[Taken]:
        """What really came to them."""
        return [taken for taken in self.taken if taken.reached]

    @property
    def whole(self) -> bool:
        """All of it came: each post of a thread."""
        return bool(self.received) and len({each.part for each in self.received}) >= self.received[0].parts

    @property
    def times(self) -> int:
        """How often they received it. A gateway that knows a repeat by its key carried it out once."""
        by_part: defaultdict[int, set[str | int]] = defaultdict(set)
        for each in self.received:
            by_part[each.part].add(each.key if each.channel == "line" else each.request)
        return max(map(len, by_part.values()), default=0)


class Audience(NamedTuple):
    """For whom an alert is on a channel. The two differ only for a correction, by those of whom it became
    known after its audience was read that they had not got what it corrects."""

    all_of: frozenset[RecipientId]
    none_but: frozenset[RecipientId]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    observed: Observed
    known: Known
    channel: str
    audience: Audience
    stories: Mapping[RecipientId, Story]
    """Of whoever is in a batch, and of whoever the gateway took it for."""
    strangers: Sequence[Taken]
    """Taken for an address that nobody registered on the channel."""
    gone: Collection[RecipientId]
    """Whom the gateway refused for good in two requests, whatever they were about."""

    @property
    def rows(self) -> Iterator[Row]:
        return (row for row in self.known.rows if row.channel == self.channel)

    @property
    def members(self) -> Mapping[RecipientId, Story]:
        """Whoever is in a batch."""
        return {id_: story for id_, story in self.stories.items() if story.places}

    @property
    def requests(self) -> Iterator[Taken | Refused]:
        """Whatever was begun at the gateway for somebody, and is known to be of this alert."""
        for story in self.stories.values():
            yield from story.taken
            yield from (each for each in story.refused if each.number == self.known.number)


def cases(observed: Observed) -> Iterator[Case]:
    """Every alert that the ledger knows, acknowledged or not, on each of its channels."""
    book = Book(observed)
    taken, refused = _sorted(observed.log.taken), _sorted(observed.log.refused)
    gone = _gone(observed.log.refused, book)
    for known in observed.record.alerts.values():
        for channel in known.alert.targeting.channels:
            stories = _stories(known, channel)
            strangers = _add_taken(stories, taken[known.number, channel], book)
            # what was refused before its text came may have been of any alert
            _add_refused(stories, [*refused[known.number, channel], *refused["", channel]], book)
            yield Case(
                observed=observed,
                known=known,
                channel=channel,
                audience=audience(observed, book, known, channel),
                stories=stories,
                strangers=strangers,
                gone=gone[channel],
            )


class Book:
    """Who is registered, by id and by address."""

    def __init__(self, observed: Observed) -> None:
        self.everyone: Mapping[RecipientId, Registration] = {**observed.people, **observed.record.targets}
        self._by_address = {
            (channel, address): id_
            for id_, person in self.everyone.items()
            for channel, address in person.contacts.items()
        }

    def who(self, entry: Taken | Refused) -> RecipientId | None:
        return self._by_address.get((entry.channel, entry.address))


def audience(observed: Observed, book: Book, known: Known, channel: str) -> Audience:
    """From the register, or from what a correction corrects; never from the alert's own batches."""
    targeting, mode = known.alert.targeting, known.alert.mode
    if mode is not Mode.LIVE and channel in observed.previews:
        return Audience(frozenset(), frozenset())
    if isinstance(targeting.audience, Reached):
        return _told(observed, targeting.audience, channel)
    towns = frozenset(targeting.audience.towns) if isinstance(targeting.audience, Towns) else None
    meant = frozenset(
        id_
        for id_, person in book.everyone.items()
        if channel in person.contacts and _meant(person, mode, towns)
    )
    return Audience(meant, meant)


def _meant(person: Registration, mode: Mode, towns: Collection[Town] | None) -> bool:
    if person.kind is Kind.TARGET:
        return True
    if mode is Mode.STAFF_DRILL:
        return person.kind is Kind.STAFF
    if person.kind is not Kind.RESIDENT or (mode is Mode.RESIDENT_DRILL and not person.drills):
        return False
    return towns is None or person.town in towns


def _told(observed: Observed, reached: Reached, channel: str) -> Audience:
    """Whoever was or may have been told; of a correction, also whoever it goes to itself."""
    earlier = observed.record.alerts[reached.identifier]
    places = [(id_, place) for id_, story in _stories(earlier, channel).items() for place in story.places]
    sure = {id_ for id_, place in places if place.merged in REACHED or place.merged is Outcome.AMBIGUOUS}
    # accepted when the audience was read, and reported as failed later
    perhaps = {
        id_ for id_, place in places if place.handover in REACHED or place.handover is Outcome.AMBIGUOUS
    }
    before = earlier.alert.targeting.audience
    further = (
        _told(observed, before, channel)
        if isinstance(before, Reached)
        else Audience(frozenset(), frozenset())
    )
    return Audience(further.all_of | sure, further.none_but | sure | perhaps)


def _gone(refused: Iterable[Refused], book: Book) -> Mapping[str, Collection[RecipientId]]:
    """By channel."""
    requests: defaultdict[tuple[str, RecipientId], set[int]] = defaultdict(set)
    for each in refused:
        if each.permanent and (id_ := book.who(each)) is not None:
            requests[each.channel, id_].add(each.request)
    found: defaultdict[str, set[RecipientId]] = defaultdict(set)
    for (channel, id_), made in requests.items():
        if len(made) >= ALERTS:
            found[channel].add(id_)
    return found


Entry = TypeVar("Entry", Taken, Refused)


def _sorted(entries: Iterable[Entry]) -> Mapping[tuple[str, str], list[Entry]]:
    """By the alert's number and the channel."""
    found: defaultdict[tuple[str, str], list[Entry]] = defaultdict(list)
    for entry in entries:
        found[entry.number, entry.channel].append(entry)
    return found


def _stories(known: Known, channel: str) -> dict[RecipientId, Story]:
    stories: defaultdict[RecipientId, Story] = defaultdict(Story)
    for row in known.rows:
        if row.channel == channel:
            for id_, handover, receipt in zip(row.members, row.handover, row.receipt, strict=True):
                stories[id_].places.append(Place(row, Outcome(handover), Outcome(receipt)))
    return dict(stories)


def _add_taken(stories: dict[RecipientId, Story], taken: Iterable[Taken], book: Book) -> list[Taken]:
    strangers: list[Taken] = []
    for each in taken:
        id_ = book.who(each)
        if id_ is None:
            strangers.append(each)
        else:
            stories.setdefault(id_, Story()).taken.append(each)
    return strangers


def _add_refused(stories: dict[RecipientId, Story], refused: Iterable[Refused], book: Book) -> None:
    for each in refused:
        id_ = book.who(each)
        if id_ is not None and id_ in stories:
            stories[id_].refused.append(each)
