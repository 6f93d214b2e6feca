"""指差し会話: sentences of a shelter's desk, at which two people without a common language point."""

from collections.abc import Mapping
from datetime import date

import msgspec

from hub import folder as files
from hub import slots
from hub.errors import BadInput, BadSettings
from hub.folder import Folder
from hub.language import Language
from hub.phrases import State


class Sentence(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One sentence in every language. `verified`: where a person has compared it with its source."""

    id: str
    icon: str
    text: Mapping[Language, str]
    verified: frozenset[Language] = frozenset()


class Group(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Sentences that stand together. `title` is 「日本語 / English」."""

    id: str
    title: str
    sentences: tuple[Sentence, ...]


class Board(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that can be pointed at, in the order of the page."""

    review_by: date
    groups: tuple[Group, ...]

    def state(self, sentence: Sentence, language: Language, *, today: date) -> State:
        """Past `review_by` a check no longer counts; the sentence can still be shown."""
        checked = language in sentence.verified and today <= self.review_by
        return State.VERIFIED if checked else State.NEEDS_REVIEW


def load(folder: Folder) -> Board:
    """`sentences.toml` of the folder.

    Raises:
        BadSettings: names the sentence and the language: one is missing, empty, or stands twice.
    """
    board = files.toml(folder, "sentences.toml", Board)
    seen = set[str]()
    for group in board.groups:
        for sentence in group.sentences:
            if sentence.id in seen:
                raise BadSettings(f"sentences.toml {sentence.id}", "stands twice / 2回あります")
            seen.add(sentence.id)
            _check(sentence)
    return board


def _check(sentence: Sentence) -> None:
    for language in Language:
        place = f"sentences.toml {sentence.id}.{language}"
        text = sentence.text.get(language, "")
        if not text.strip():
            raise BadSettings(place, "is missing / 文がありません")
        try:
            slots.refuse_unseen(text, place, language)
        except BadInput as e:
            raise BadSettings(e.path, e.message.removeprefix(f"{e.path}: ")) from e
