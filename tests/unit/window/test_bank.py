from collections import defaultdict
from pathlib import Path

import pytest

from hub.errors import BadSettings
from hub.hazard import DESIGNABLE
from hub.language import Language
from operator_ui.window import bank as banks
from operator_ui.window.bank import ALWAYS, Live, gaps
from operator_ui.window.reading import cleaned
from operator_ui.window.reply import Origin
from tests.unit.window.asking import bank


def test_every_topic_is_asked_about_and_answered_in_every_language() -> None:
    for topic in bank().topics.values():
        assert set(topic.examples) == set(Language)
        answers = {None: [8], Live.ALERTS: [0, 8], Live.SITES: [0]}[topic.live]
        assert len(topic.answers) in answers, topic.id
        assert topic.source, topic.id
    assert {topic.live for topic in bank().topics.values()} == {None, *Live}
    assert set(bank().hazards) == DESIGNABLE


def test_nothing_is_an_example_of_two_topics() -> None:
    """Whoever writes it would be answered by chance."""
    of = defaultdict(set)
    topics = {topic.id: topic.examples for topic in bank().topics.values()} | {**bank().unanswered}
    for name, examples in topics.items():
        for language, phrases in examples.items():
            assert len(phrases) >= 20, (name, language)
            for phrase in phrases:
                of[cleaned(phrase)].add(name)
    assert {phrase: names for phrase, names in of.items() if len(names) > 1} == {}


def test_a_sentence_has_the_same_gaps_in_every_language() -> None:
    for key, texts in bank().sentences.items():
        assert len({frozenset(gaps(text)) for text in texts.values()}) == 1, key


def test_no_text_of_the_bank_names_a_number_of_a_city_or_speaks_of_a_drill() -> None:
    for text in bank().texts():
        assert "042" not in text
        assert "訓練" not in text


def test_a_filled_gap_is_told_apart_from_the_words_around_it() -> None:
    said = bank().say("site", Language.EN, name="{word}", word="full")
    assert said.text == "{word}: full"
    assert [(span.text, span.origin) for span in said.spans] == [
        ("{word}", Origin.LIVE),
        (": ", Origin.BANK),
        ("full", Origin.LIVE),
    ]


def folder_with(tmp_path: Path, name: str, before: str, after: str) -> Path:
    from config import folder

    for entry in folder("faq").iterdir():
        if entry.name.endswith(".toml"):
            (tmp_path / entry.name).write_bytes(entry.read_bytes())
    text = (tmp_path / name).read_text(encoding="utf-8")
    assert before in text
    (tmp_path / name).write_text(text.replace(before, after, 1), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "before", "after", "place"),
    [
        ("pets.toml", 'facility = "pets"', 'facility = "fish"', "pets.toml"),
        ("pets.toml", "Take your pet", "{price} Take your pet", r"pets.toml \$.en.answer"),
        ("sites.toml", 'live = "sites"\n', "", r"sites.toml \$.ja.answer"),
        ("pets.toml", 'facility = "pets"', 'live = "sites"', r"pets.toml \$.ja.answer"),
        ("alerts.toml", "[ko]\n", '[ko]\nanswer = "있습니다."\n', r"alerts.toml \$.ja.answer"),
        ("sentences.toml", "{telephone}", "", r"sentences.toml \$.call"),
        ("sentences.toml", 'ko = "전화로 묻기: {telephone}"\n', "", r"sentences.toml \$.call"),
        ("hazards.toml", "[volcano]", "[heat]", "hazards.toml"),
        ("others.toml", "[vi]", "[xx]", "others.toml"),
        ("danger.toml", "[ne]\nexamples = [", "[ne]\nexamples = []\nmore = [", "danger.toml"),
    ],
)
def test_a_bank_that_is_not_whole_is_refused_with_the_place(
    tmp_path: Path, name: str, before: str, after: str, place: str
) -> None:
    with pytest.raises(BadSettings, match=place):
        banks.load(folder_with(tmp_path, name, before, after))


def test_gaps_that_every_answer_may_have_are_filled() -> None:
    about = bank().topics["about"]
    assert gaps(about.answers[Language.KO]) <= ALWAYS
    said = bank().answer(about, Language.KO, city="아키시마시", telephone="")
    assert said.text.startswith("아키시마시")
