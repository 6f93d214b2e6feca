"""The documents of the phone-in line, written from what is true: the same bytes for every caller."""

from collections.abc import Mapping

from channels.telephone import phone_in
from channels.telephone.phone_in import MENU
from hub.language import Language
from operator_ui.pages import Pages
from operator_ui.residents.briefing import Briefing
from operator_ui.residents.document import STUCK, Written
from operator_ui.residents.portal import PhoneIn, Residents
from operator_ui.residents.snapshot import Snapshot

PATH = "/phone"
ROUNDS = 4
"""How often it is told before it is hung up."""
XML = "text/xml"
FILES: Mapping[str, Language] = {
    "phone/index.xml" if each is Language.JA else f"phone/{each}.xml": each for each in MENU.values()
}
"""Of the site as files: the one in Japanese is asked for first, and names the others."""
_BEGIN = b"<Response>"


class PhonePress:
    def __init__(self, portal: Residents, line: PhoneIn, pages: Pages) -> None:
        self._url = portal.url
        self._voices = line.voices
        self._briefing = Briefing(portal.city, pages, portal.clock)

    def front(self, snapshot: Snapshot) -> Written:
        """What a caller hears first, in Japanese, with the choice of a language."""
        language = Language.JA
        body = phone_in.front(
            self._briefing.first(language, snapshot),
            self._briefing.whole(language, snapshot),
            self._voices,
            choose=self._choose(language),
            then=self._round(language, 1),
        )
        return self._written(body, language, snapshot)

    def round(self, language: Language, number: int, snapshot: Snapshot) -> Written:
        """What is true in one language, for the `number`th time of `ROUNDS`, from 0."""
        whole = self._briefing.whole(language, snapshot)
        if number >= ROUNDS - 1:
            body = phone_in.last([*whole, self._briefing.bye(language)], self._voices)
        else:
            body = phone_in.again(
                whole,
                self._voices,
                choose=self._choose(language),
                then=self._round(language, number + 1),
            )
        return self._written(body, language, snapshot)

    def file(self, language: Language, snapshot: Snapshot) -> bytes:
        """For a server that answers when we do not: it names no site, and says that nothing later is known."""
        unheard = snapshot.later(snapshot.at, stuck=True)
        whole = [*self._briefing.whole(language, unheard), self._briefing.bye(language)]
        if language is not Language.JA:
            return phone_in.still((), whole, self._voices, others={}).encode()
        others: dict[Language, str] = {
            each: f"{PATH}/{each}.xml" for each in MENU.values() if each is not Language.JA
        }
        first = self._briefing.first(language, unheard)
        return phone_in.still(first, whole, self._voices, others=others).encode()

    def _choose(self, language: Language) -> str:
        return f"{self._url}{PATH}/{language}/key"

    def _round(self, language: Language, number: int) -> str:
        return f"{self._url}{PATH}/{language}/{number}"

    def _written(self, body: str, language: Language, snapshot: Snapshot) -> Written:
        stuck = b"" if snapshot.stuck else self._stuck(language, snapshot)
        marked = body.encode().replace(_BEGIN, _BEGIN + STUCK, 1)
        return Written(body=marked, content_type=XML, until=snapshot.until, stuck=stuck)

    def _stuck(self, language: Language, snapshot: Snapshot) -> bytes:
        return phone_in.piece(self._briefing.stuck(language, snapshot), self._voices).encode()
