"""Who answers: what the public page and LINE need of the window."""

from typing import Protocol

from operator_ui.residents.snapshot import Snapshot
from operator_ui.window.question import Question
from operator_ui.window.reply import Reply

State = Snapshot
"""What is true now, as the public page shows it: `News.now` reads it once for everybody. A staff drill is never in it."""


class Answers(Protocol):
    def answer(self, question: Question, now: State) -> Reply:
        """Always a reply, within some milliseconds. Nothing is read, kept or logged: the same question at the same
        state gets the same reply."""
