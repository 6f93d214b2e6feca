"""A window over the city of the residents' tests, asked at states of the evaluation."""

from functools import cache

from config import folder
from hub import phrases
from hub.language import Language
from hub.place import Position
from hub.recipient import Town
from operator_ui.window import bank as banks
from operator_ui.window.bank import Bank
from operator_ui.window.question import Question
from operator_ui.window.reply import Reply
from tests.unit.residents.portal_setup import CITY, SITES, window
from yobikake.evaluation.window_states import NOW, Stated, StateName, states


@cache
def bank() -> Bank:
    return banks.load(folder("faq"))


@cache
def stated() -> dict[StateName, Stated]:
    return states(CITY, SITES, phrases.load(folder("phrases")))


def ask(
    text: str,
    language: Language | None = Language.JA,
    *,
    at: StateName = StateName.FLOOD,
    position: Position | None = None,
    town: Town | None = None,
) -> Reply:
    question = Question(text=text, asked_at=NOW, language=language, position=position, town=town)
    return window().answer(question, stated()[at].now)
