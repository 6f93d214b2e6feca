"""What a question asks for: its language, its places and hazards, its topic, and whether somebody is in danger."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from hub.hazard import Hazard
from hub.language import Language
from hub.recipient import Town
from operator_ui.window.bank import DANGER, OTHERS, Bank, Live, Topic
from operator_ui.window.cries import Cries
from operator_ui.window.keys import Keys
from operator_ui.window.language import detect, folded
from operator_ui.window.likeness import Likeness
from operator_ui.window.naming import HazardNames, LevelNames, NamedHazards
from operator_ui.window.places import Named, Places
from operator_ui.window.question import LONGEST, Question
from operator_ui.window.reading import cleaned
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
_ASKS = re.compile(r"[^\W\d_]{2}")
"""More than a particle or a house number."""
_HEARD_IN_DANGER = 2_000
"""Characters in which a cry for help is looked for, however long a question is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """`topic` None: not understood. `towns` empty: none was named. `hazards`: those that were named."""

    language: Language
    danger: bool
    topic: Topic | None
    towns: tuple[Town, ...]
    site: SiteCode | None
    outside: bool
    hazards: tuple[Hazard, ...]


class Understanding:
    """Reads questions. Nothing of one is kept."""

    def __init__(self, bank: Bank, places: Places) -> None:
        self._bank, self._places = bank, places
        self._sites = next(topic for topic in bank.topics.values() if topic.live is Live.SITES)
        self._choices = {
            cleaned(bank.say("ask_hazard", language, hazard=row.name[language]).text)
            for language in Language
            for row in bank.hazards.values()
        }
        self._levels, self._hazards = LevelNames(bank), HazardNames(bank)
        self._likeness = Likeness(bank, self._levels, self._hazards)
        self._live = [topic.id for topic in bank.topics.values() if topic.only_live]
        self._relatives = Keys((word, "") for word in bank.marks.relatives)
        english = _words_of(bank, Language.EN)
        self._latin = {each: _words_of(bank, each) - english for each in _ALSO_IN_LATIN}
        self._danger = Cries(bank.marks.emergency, bank.marks.no_emergency)

    def read(self, question: Question) -> Understood:
        text = cleaned(question.text[:_HEARD_IN_DANGER])
        language = detect(text[:LONGEST], question.language, self._latin)
        named = self._places.named(text)
        rest = self._levels.marked(named.rest)
        found = self._hazards.named(rest)
        placed = bool(named.towns or named.site or question.position)
        danger = self._danger.heard(text)
        if len(question.text) > LONGEST or _CODE.search(text):
            topic = None
        elif text in self._choices or (not _ASKS.search(found.rest) and (placed or found.hazards)):
            topic = (
                self._sites
            )  # one of the window's own choices, or nothing but a place or a hazard: where to go
        else:
            likely = self._likely(rest, found, language, named)
            danger = danger or likely == DANGER
            topic = self._bank.topics.get(likely)
            if named.site is not None and likely != OTHERS and (topic is None or topic.hazards):
                topic = self._sites
        return Understood(
            language=language,
            danger=danger,
            topic=topic,
            towns=named.towns,
            site=named.site,
            outside=named.outside,
            hazards=found.hazards,
        )

    def _likely(self, rest: str, found: NamedHazards, language: Language, named: Named) -> str:
        """A topic, `DANGER`, `OTHERS`, or nothing. An answer for another hazard than was named is none."""
        scores = self._likeness.scores(rest, found.rest, language)
        if named.site is not None:
            scores[self._sites.id] += _AT_A_SITE
        asks_live = self._asks_live(rest)
        if named.towns or (named.outside and asks_live):
            for topic in self._live:
                scores[topic] += _IN_A_TOWN
        if named.outside and not asks_live and self._relatives.found(rest):
            scores[self._sites.id] -= _TO_PEOPLE
        return _first({topic: score for topic, score in scores.items() if self._fits(topic, found.hazards)})

    def _asks_live(self, rest: str) -> bool:
        """Whether it speaks of shelters or alerts at all."""
        return not self._likeness.named(rest).isdisjoint(self._live)

    def _fits(self, name: str, hazards: Collection[Hazard]) -> bool:
        topic = self._bank.topics.get(name)
        return topic is None or not (topic.hazards and hazards) or not topic.hazards.isdisjoint(hazards)


def _first(scores: Mapping[str, float]) -> str:
    """Danger, if it is likely at all; else the likeliest, if it is likely enough and ahead of the next; else nothing."""
    (first, score), (_, behind) = sorted(scores.items(), key=lambda each: (-each[1], each[0]))[:2]
    if scores[DANGER] >= max(_IN_DANGER, score - _BEHIND):
        return DANGER
    return first if score >= _SURE and score - behind >= _AHEAD else ""


def _words_of(bank: Bank, language: Language) -> set[str]:
    examples = [topic.examples for topic in bank.topics.values()] + [*bank.unanswered.values()]
    return {
        word
        for each in examples
        for text in each[language]
        for word in re.findall(r"[a-z]+", folded(cleaned(text)))
    }
