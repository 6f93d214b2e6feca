"""Where people may be sent, for every hazard that threatens at once. Which sites those are, `suited` alone decides (I16)."""

from collections.abc import Sequence

from hub.hazard import Hazard
from hub.language import Language
from hub.place import Position
from hub.shelter_list import CROWDING_WORDS, Crowding, few_words
from operator_ui.window.bank import Bank
from operator_ui.window.reply import NamedSite
from shelters.board import Board
from shelters.public_list import Entry, public_list
from shelters.suited import Suited

MOST_NEAR, MOST = 3, 5
"""Sites in a reply, when it is known from where; and when it is not."""
_JAPANESE = (Language.JA, Language.JA_EASY)
_HAN = (Language.ZH_HANS, Language.ZH_HANT)


def recommended(board: Board, hazards: Sequence[Hazard], *, near: Position | None) -> list[Entry]:
    """Designated for each of the hazards, receiving, with room as far as is known; in the order of the first's list.

    A site for earthquakes alone may be under water: while both threaten, it is named for neither.
    """
    return _common(board, hazards, near, Suited.RECOMMENDED)


def full(board: Board, hazards: Sequence[Hazard], *, near: Position | None) -> list[Entry]:
    """Those that are only full, or full before one arrives: people in danger are taken in there."""
    return _common(board, hazards, near, Suited.FULL, Suited.FILLING)


def most_useful(found: Sequence[Entry], near: Position | None) -> list[Entry]:
    """The first of the list; from a place, the nearest of all among them: danger leaves no time for the best.

    Where all of them say the same of their room, by way: nothing else tells them apart for who reads the list.
    """
    if near is None:
        return list(found[:MOST])
    first = list(found[:MOST_NEAR])
    nearest = min(found, key=lambda entry: _metres(entry, near))
    if nearest not in first:
        first[-1] = nearest
    if len({each.crowding or (each.people, each.few) for each in first}) == 1:
        first.sort(key=lambda entry: _metres(entry, near))
    return first


def ranked(sites: Sequence[NamedSite]) -> bool:
    """Whether they stand in another order than by way, which who reads the list must be told."""
    metres = [site.metres for site in sites if site.metres is not None]
    return metres != sorted(metres)


def named(found: Sequence[Entry], bank: Bank, language: Language, near: Position | None) -> list[NamedSite]:
    """Each with its official name, its word or number, and how far it is; of several, which is nearest."""
    if near is None or not found:
        return [_named(each, bank, language) for each in found]
    nearest = min(found, key=lambda entry: _metres(entry, near)) if len(found) > 1 else None
    return [
        _named(each, bank, language, round(_metres(each, near)), nearest=each is nearest) for each in found
    ]


def _named(
    entry: Entry, bank: Bank, language: Language, metres: int | None = None, *, nearest: bool = False
) -> NamedSite:
    name, word = _name(entry, language), _word(entry, bank, language)
    if metres is None:
        return NamedSite(entry=entry, line=bank.say("site", language, name=name, word=word))
    key = "site_nearest" if nearest else "site_near"
    line = bank.say(key, language, name=name, word=word, km=f"{metres / 1000:.1f}")
    return NamedSite(entry=entry, line=line, metres=metres)


def _common(board: Board, hazards: Sequence[Hazard], near: Position | None, *verdicts: Suited) -> list[Entry]:
    if not hazards:
        return []
    first, *others = (
        [each for each in public_list(board, hazard, near=near) if each.suited in verdicts]
        for hazard in hazards
    )
    elsewhere = [{each.code for each in entries} for entries in others]
    return [each for each in first if all(each.code in codes for codes in elsewhere)]


def _metres(entry: Entry, near: Position) -> float:
    return near.distance_m(Position(latitude=entry.latitude, longitude=entry.longitude))


def _name(entry: Entry, language: Language) -> str:
    """As signs have it; for who reads neither, in Latin letters too."""
    if language in _JAPANESE:
        return entry.ja
    return f"{entry.ja} ({entry.en})" if language in _HAN else f"{entry.en} ({entry.ja})"


def _word(entry: Entry, bank: Bank, language: Language) -> str:
    """The official word; without one the head count, and 不明 where nobody knows (I13)."""
    if entry.crowding is None and (entry.few or entry.people is not None):
        number = few_words(language) if entry.few else str(entry.people)
        return bank.say("people", language, n=number).text
    return CROWDING_WORDS[language][entry.crowding or Crowding.UNKNOWN]
