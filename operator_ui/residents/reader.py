"""How one reader is addressed: names, times and words in their language."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup, escape

from hub.clock import JST
from hub.language import Language
from hub.place import Name
from hub.shelter_list import CROWDING_WORDS, clock_words, few_words
from operator_ui import moments
from operator_ui.residents.sites import State
from operator_ui.ruby import ruby
from shelters.public_list import Entry

JAPANESE = frozenset({Language.JA, Language.JA_EASY})


@dataclass(frozen=True, slots=True)
class Reader:
    language: Language
    now: datetime

    @property
    def japanese(self) -> bool:
        return self.language in JAPANESE

    def time(self, moment: datetime) -> str:
        """「21時47分」, with the day in front unless it is today."""
        clock = clock_words(moment, self.language)
        if moment.astimezone(JST).date() == self.now.astimezone(JST).date():
            return clock
        return f"{moments.day(moment, self.language)} {clock}"

    def day_and_time(self, moment: datetime) -> str:
        return f"{moments.day(moment, self.language)} {clock_words(moment, self.language)}"

    def name(self, name: Name) -> str:
        return name.in_language(self.language)

    def people(self, entry: Entry) -> str:
        """The head count as residents may know it; empty when it is not known."""
        if entry.few:
            return few_words(self.language)
        return "" if entry.people is None else str(entry.people)

    def crowding(self, state: State) -> str:
        """The official word of a state that has one."""
        return "" if state.crowding is None else CROWDING_WORDS[self.language][state.crowding]

    def text(self, text: str) -> Markup:
        """Escaped; in やさしい日本語 a reading in brackets behind its characters becomes ruby."""
        safe = escape(text)
        return safe if self.language is not Language.JA_EASY else ruby(safe)


def best(accept_language: str) -> Language:
    """The first language of an Accept-Language header (RFC 9110 §12.5.4) that the pages have, else Japanese."""
    for part in accept_language.split(","):
        tag = part.split(";")[0].strip().lower()
        if found := _TAGS.get(tag) or _TAGS.get(tag.split("-")[0]):
            return found
    return Language.JA


_TAGS: Mapping[str, Language] = {language.value.lower(): language for language in Language} | {
    "zh": Language.ZH_HANS,
    "zh-cn": Language.ZH_HANS,
    "zh-sg": Language.ZH_HANS,
    "zh-tw": Language.ZH_HANT,
    "zh-hk": Language.ZH_HANT,
    "zh-mo": Language.ZH_HANT,
    "zh-hant-tw": Language.ZH_HANT,
    "zh-hant-hk": Language.ZH_HANT,
}
