"""What a question asks for: its language, its places and hazards, its topic, and whether somebody is in danger."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from hub.city import Station
from hub.hazard import Hazard
from hub.language import Language
from hub.recipient import Town
from operator_ui.window.bank import DANGER, OTHERS, Bank, Live, Topic
from operator_ui.window.cries import Cries
from operator_ui.window.gazetteer import Place
from operator_ui.window.keys import Keys
from operator_ui.window.language import detect, folded
from operator_ui.window.likeness import Likeness
from operator_ui.window.message import Message, Part
from operator_ui.window.naming import HazardNames, LevelNames, NamedHazards
from operator_ui.window.places import Named, Places
from operator_ui.window.question import LONGEST, Question
from operator_ui.window.reading import SAYS, cleaned
from operator_ui.window.several import Several
from shelters.site import SiteCode

_SURE, _AHEAD = 0.85, 0.17
"""From which score on a topic is answered, and by how much it must be ahead of the next (docs/window.md)."""
_IN_DANGER, _BEHIND = 0.6, 0.2
"""From which score on somebody who writes like one in danger is taken for one, and how far it may be behind a topic then."""
_AT_A_SITE, _IN_A_TOWN, _TO_PEOPLE = 0.4, 0.15, 0.3
"""What it counts for the question where to go that a site is named; for that and for alerts, that a town is; and against it, that
somebody has people in another city: who goes to a daughter there asks for no shelter."""
_ALSO_IN_LATIN = (Language.VI, Language.NE, Language.JA_EASY)
"""Languages that are typed in plain Latin letters, too, where a keyboard has nothing else."""
_CODE = re.compile(r"[<>{}\\`]|--|\d=\d")
"""What nobody writes who asks a person."""
_LINE_END = re.compile(r"\s*[\r\n]+\s*")
_HEARD_IN_DANGER = 2_000
"""Characters in which a cry for help is looked for, however long a question is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """`topics`: what is asked, the most urgent first; none: not understood. `in_part`: something else is asked that was not
    understood. `towns` empty: none was named. `either`: one of these was, which are spelt alike. `hazards`: those that were named.
    """

    language: Language
    topics: tuple[Topic, ...]
    danger: bool = False
    in_part: bool = False
    towns: tuple[Town, ...] = ()
    site: SiteCode | None = None
    station: Station | None = None
    either: tuple[Place, ...] = ()
    outside: bool = False
    hazards: tuple[Hazard, ...] = ()

    @property
    def in_city(self) -> bool:
        """Whether a town or a station of the city is named."""
        return bool(self.towns or self.station or self.either)


class Understanding:
    """Reads questions. Nothing of one is kept."""

    def __init__(self, bank: Bank, places: Places) -> None:
        self._bank, self._places = bank, places
        self._sites, self._alerts = (
            next(topic for topic in bank.topics.values() if topic.live is live and topic.only_live)
            for live in (Live.SITES, Live.ALERTS)
        )
        self._choices = {
            cleaned(bank.say("ask_hazard", language, hazard=row.name[language]).text)
            for language in Language
            for row in bank.hazards.values()
        }
        self._towns = {
            cleaned(bank.say(ask, language, town=place.called(language)).text): (language, place, topic)
            for ask, topic in (("ask_town", self._sites), ("ask_town_alerts", self._alerts))
            for language in Language
            for place in places.all_towns
        }
        self._levels, self._hazards = LevelNames(bank), HazardNames(bank)
        self._likeness = Likeness(bank, self._levels, self._hazards)
        self._live = [topic.id for topic in bank.topics.values() if topic.only_live]
        self._relatives = Keys((word, "") for word in bank.marks.relatives)
        english = _words_of(bank, Language.EN)
        self._latin = {each: _words_of(bank, each) - english for each in _ALSO_IN_LATIN}
        self._danger = Cries(bank.marks.emergency, bank.marks.no_emergency)
        self._several = Several(bank.joints)

    def read(self, question: Question) -> Understood:
        text = cleaned(_LINE_END.sub("。", question.text[:_HEARD_IN_DANGER].strip()))
        if (chosen := self._towns.get(text)) is not None:
            return _chosen(*chosen)
        language = detect(text[:LONGEST], question.language, self._latin)
        named = self._places.named(text)
        hazards = self._hazards.named(self._levels.marked(named.rest))
        message = Message(
            text,
            topics=self._bank.topics,
            several=self._several,
            cries=self._danger,
            part=lambda part: self._part(part, language, in_city=named.in_city),
        )
        readable = len(question.text) <= LONGEST and not _CODE.search(text)
        danger = message.in_danger() if readable else self._danger.heard(text)
        placed = bool(named.placed or question.position or hazards.hazards)
        if not readable:
            asked = []
        elif text in self._choices or (placed and not SAYS.search(hazards.rest)):
            asked = [self._sites.id]  # one of the window's own choices, or nothing but a place or a hazard
        else:
            asked = [part.name for part in message.asks()]
            if danger and named.site is not None and not asked:
                asked = [self._sites.id]
        return Understood(
            language=language,
            danger=danger,
            topics=tuple(sorted((self._bank.topics[name] for name in asked), key=_urgency)),
            in_part=readable and bool(asked) and message.half_understood(),
            towns=named.towns,
            site=named.site,
            station=named.station,
            either=named.either,
            outside=named.outside,
            hazards=hazards.hazards,
        )

    def _part(self, text: str, language: Language, *, in_city: bool) -> Part:
        """`in_city`: a town is named somewhere in the message."""
        named = self._places.named(text)
        rest = self._levels.marked(named.rest)
        found = self._hazards.named(rest)
        if not SAYS.search(found.rest):
            return Part(text, "")
        name, score = _first(self._scores(rest, found, language, named, in_city=in_city))
        topic = self._bank.topics.get(name)
        if named.site is not None and name != OTHERS and (topic is None or topic.hazards):
            name = name if name == DANGER else self._sites.id
        return Part(text, name, score)

    def _scores(
        self, rest: str, found: NamedHazards, language: Language, named: Named, *, in_city: bool
    ) -> dict[str, float]:
        """By topic. An answer for another hazard than was named is none."""
        scores = self._likeness.scores(rest, found.rest, language)
        if named.site is not None:
            scores[self._sites.id] += _AT_A_SITE
        asks_live = self._asks_live(rest)
        if in_city or (named.outside and asks_live):
            for topic in self._live:
                scores[topic] += _IN_A_TOWN
        if named.outside and not asks_live and self._relatives.found(rest):
            scores[self._sites.id] -= _TO_PEOPLE
        return {topic: score for topic, score in scores.items() if self._fits(topic, found.hazards)}

    def _asks_live(self, rest: str) -> bool:
        """Whether it speaks of shelters or alerts at all."""
        return not self._likeness.named(rest).isdisjoint(self._live)

    def _fits(self, name: str, hazards: Collection[Hazard]) -> bool:
        topic = self._bank.topics.get(name)
        return topic is None or not (topic.hazards and hazards) or not topic.hazards.isdisjoint(hazards)


def _chosen(language: Language, place: Place, topic: Topic) -> Understood:
    """One of the towns that the window asked back."""
    return Understood(language=language, topics=(topic,), towns=place.towns)


def _first(scores: Mapping[str, float]) -> tuple[str, float]:
    """Danger, if it is likely at all; else the likeliest, if it is likely enough and ahead of the next; else nothing."""
    (first, score), (_, behind) = sorted(scores.items(), key=lambda each: (-each[1], each[0]))[:2]
    if scores[DANGER] >= max(_IN_DANGER, score - _BEHIND):
        return DANGER, scores[DANGER]
    return (first, score) if score >= _SURE and score - behind >= _AHEAD else ("", 0.0)


def _urgency(topic: Topic) -> int:
    """Where to go, then what is in force, then what to do in one hazard, then all else as it was asked."""
    if topic.live is not None:
        return [Live.SITES, Live.ALERTS].index(topic.live)
    return 2 if topic.hazards else 3


def _words_of(bank: Bank, language: Language) -> set[str]:
    examples = [topic.examples for topic in bank.topics.values()] + [*bank.unanswered.values()]
    return {
        word
        for each in examples
        for text in each[language]
        for word in re.findall(r"[a-z]+", folded(cleaned(text)))
    }
