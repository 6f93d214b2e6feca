"""The window against a city's questions: the goals, and that the questions are not the bank's own examples."""

from datetime import date

import pytest

from config import folder
from hub.language import Language
from operator_ui.window.reading import cleaned
from operator_ui.window.reply import NamedSite, Reply
from tests.unit.residents.portal_setup import CITY, window
from tests.unit.window.asking import ask, bank, stated
from yobikake.evaluation import window as evaluation
from yobikake.evaluation.window import Asked, Judged, Judgement
from yobikake.evaluation.window_states import StateName

QUESTIONS = evaluation.questions(folder("akishima"))


@pytest.fixture(scope="module")
def judgement() -> Judgement:
    """In the states that questions are for; whatever is asked in the others, `test_window` looks at."""
    needed = {each.at for questions in QUESTIONS.values() for each in questions}
    return evaluation.evaluate(window(), QUESTIONS, {name: stated()[name] for name in needed}, CITY)


def test_the_goals_are_met(judgement: Judgement) -> None:
    figures = judgement.figures()["all"]
    missed = {name: figure for name, figure in figures.items() if figure.met is False}
    assert missed == {}
    assert figures["questions"].value >= 160
    assert judgement.wrong_sites == 0


def test_in_every_language_most_is_right(judgement: Judgement) -> None:
    figures = judgement.figures()
    for language in Language:
        assert figures[language.value]["right %"].value >= 70, language
        assert figures[language.value]["right or unsure %"].value >= 90, language


def test_no_question_is_an_example_of_the_bank() -> None:
    examples = [*(topic.examples for topic in bank().topics.values()), *bank().unanswered.values()]
    known = {plain(phrase) for each in examples for phrases in each.values() for phrase in phrases}
    asked = [(plain(each.ask), each.at) for questions in QUESTIONS.values() for each in questions]
    assert [text for text, _ in asked if text in known] == []
    assert len(asked) == len(set(asked))
    assert set(QUESTIONS) == set(Language)


def plain(text: str) -> str:
    return "".join(c for c in cleaned(text) if c.isalnum())


def test_an_expectation_is_a_topic_or_a_kind() -> None:
    known = {*bank().topics, "emergency", "outside", "which_hazard", "unsure", "stuck"}
    for questions in QUESTIONS.values():
        for each in questions:
            assert {*each.expect} <= known, each.ask


def test_a_set_that_was_held_out_has_a_line_of_its_own() -> None:
    asked = Asked(ask="", expect=("sites",), held_out=date(2026, 11, 30))
    known = Asked(ask="", expect=("sites",))
    judged = [Judged(Language.JA, asked, "wrong", "alerts"), Judged(Language.JA, known, "right", "sites")]
    figures = Judgement(judged=judged, wrong_sites=0, replies=2).figures()
    assert figures["held out 2026-11-30"]["questions"].value == 1
    assert figures["held out 2026-11-30"]["right %"].met is False
    assert figures["all"]["right %"].value == 50


def test_a_wrong_site_would_be_found() -> None:
    reply = ask("近くの避難所")
    stolen = next(
        site for site in ask("地震の避難所", at=StateName.CALM_OPEN).sites if "flood" not in hazards(site)
    )
    wrong = Reply(kind=reply.kind, language=reply.language, sites=(stolen,))
    flood = stated()[StateName.FLOOD]
    asked = Asked(ask="", expect=())
    assert list(evaluation.wrongly_named(wrong, asked, flood, CITY)) == [stolen.entry.code]
    assert list(evaluation.wrongly_named(reply, asked, flood, CITY)) == []


def hazards(site: NamedSite) -> set[str]:
    return {each.value for each in stated()[StateName.FLOOD].now.sites[site.entry.code].hazards}  # type: ignore[index]
