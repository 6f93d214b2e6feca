"""The sentences of a shelter's desk: complete, readable, and honest about who checked them."""

import re
from datetime import date, timedelta
from pathlib import Path

import msgspec
import pytest

from config import folder
from hub import pointing, wording
from hub.errors import BadSettings
from hub.language import Language
from hub.phrases import State
from operator_ui import words
from operator_ui.icons import icon

BOARD = pointing.load(folder("desk"))
SENTENCES = [sentence for group in BOARD.groups for sentence in group.sentences]
SOURCE = Path(str(folder("desk") / "sentences.toml")).read_text(encoding="utf-8")


def test_what_a_desk_says_and_is_asked_is_there() -> None:
    assert {
        "welcome", "anyone", "no-name", "food", "toilet", "medicine", "injured", "baby", "pet", "wheelchair",
        "prayer", "charging", "sleep", "wait", "yes", "no",
    } <= {sentence.id for sentence in SENTENCES}  # fmt: skip


@pytest.mark.parametrize("sentence", SENTENCES, ids=lambda sentence: sentence.id)
def test_a_sentence_is_short_in_every_language_and_has_its_picture(sentence: pointing.Sentence) -> None:
    assert set(sentence.text) == set(Language)
    assert icon(sentence.icon)
    for language, text in sentence.text.items():
        assert len(text) <= 90
        assert wording.drill_word(text, language) is None
    bare = re.sub(r"[一-鿿々]+（[ぁ-んー]+）", "", sentence.text[Language.JA_EASY])
    assert not re.findall(r"[一-鿿]", bare)


def test_no_translation_claims_to_be_checked() -> None:
    states = {
        BOARD.state(sentence, language, today=BOARD.review_by)
        for sentence in SENTENCES
        for language in Language
    }
    assert states == {State.NEEDS_REVIEW}


def test_a_group_is_named_in_the_language_of_the_reader() -> None:
    for group in BOARD.groups:
        assert {" / " in words.one_language(group.title, language) for language in ("ja", "en")} == {False}


def test_a_check_lapses() -> None:
    checked = msgspec.structs.replace(SENTENCES[0], verified=frozenset({Language.KO}))
    assert BOARD.state(checked, Language.KO, today=BOARD.review_by) is State.VERIFIED
    assert BOARD.state(checked, Language.VI, today=BOARD.review_by) is State.NEEDS_REVIEW
    late = BOARD.review_by + timedelta(days=1)
    assert BOARD.state(checked, Language.KO, today=late) is State.NEEDS_REVIEW
    assert BOARD.review_by > date(2026, 1, 1)


@pytest.mark.parametrize(
    ("was", "becomes", "place"),
    [
        ('ko = "네"\n', "", "yes.ko"),
        ('vi = "Không"', 'vi = " "', "no.vi"),
        ('id = "no"', 'id = "yes"', "yes"),
        ('en = "Yes"', 'en = "Yes\\u202e"', "yes.en"),
    ],
)
def test_what_is_wrong_in_the_file_is_named(tmp_path: Path, was: str, becomes: str, place: str) -> None:
    assert was in SOURCE
    (tmp_path / "sentences.toml").write_text(SOURCE.replace(was, becomes), encoding="utf-8")
    with pytest.raises(BadSettings, match=re.escape(f"sentences.toml {place}")):
        pointing.load(tmp_path)
