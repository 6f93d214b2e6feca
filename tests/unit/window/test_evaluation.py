"""The window against a city's questions: the goals, and that the questions are not the bank's own examples."""

from datetime import date

import pytest
from msgspec.structs import replace

from config import folder
from hub.errors import BadSettings
from hub.language import Language
from operator_ui.window.reading import cleaned
from operator_ui.window.reply import Kind, NamedSite, Reply
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


def verdict(reply: Reply, **asked: object) -> str:
    question = Asked(ask="", **asked)  # type: ignore[arg-type]
    return evaluation.verdict(question, reply, CITY)


def test_half_of_two_questions_is_wrong_unless_it_says_so() -> None:
    both, one, half = (
        ask("避難所はどこ？犬もいい？"),
        ask("避難所はどこ？"),
        ask("避難所はどこ？明日の給食はある？"),
    )
    expected = {"expect": ("sites",), "also": ("pets",)}
    assert [verdict(each, **expected) for each in (both, one, half)] == ["right", "wrong", "unsure"]
    assert verdict(both, expect=("pets",), also=("sites",)) == "right"
    assert verdict(ask("犬もいい？"), **expected) == "wrong"


def test_sites_from_elsewhere_are_wrong_and_from_nowhere_unsure() -> None:
    for near, text, expected in [
        ("拝島町", "하이지마초 대피소", "right"),
        ("東中神駅", "東中神駅の避難所", "right"),
        ("緑町", "하이지마초 대피소", "wrong"),
        ("緑町", "避難所はどこ", "unsure"),
    ]:
        assert verdict(ask(text, None), expect=("sites",), near=near) == expected
    with pytest.raises(BadSettings, match="near"):
        verdict(ask("避難所はどこ"), expect=("sites",), near="江戸")


def test_a_wrong_site_is_found_in_a_second_answer_too() -> None:
    stolen = next(
        site for site in ask("地震の避難所", at=StateName.CALM_OPEN).sites if "flood" not in hazards(site)
    )
    second = Reply(kind=Kind.SITES, language=Language.JA, sites=(stolen,))
    reply = replace(ask("ペットは"), more=(second,))
    asked = Asked(ask="", expect=())
    assert list(evaluation.wrongly_named(reply, asked, stated()[StateName.FLOOD], CITY)) == [
        stolen.entry.code
    ]


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
