from datetime import UTC, datetime

from hub.language import Language
from hub.place import Position
from operator_ui.window.question import Question
from operator_ui.window.reply import Kind, Origin, Reply, Said, Span


def test_a_question_shows_neither_its_text_nor_its_place() -> None:
    question = Question(
        text="私は山田です。家は空です",
        asked_at=datetime(2026, 9, 12, tzinfo=UTC),
        position=Position(latitude=35.7, longitude=139.4),
    )
    assert repr(question) == str(question) == f"{question}" == "Question(…)"


def test_a_reply_reads_from_top_to_bottom() -> None:
    def said(text: str) -> Said:
        return Said((Span(text[:1], Origin.BANK), Span(text[1:], Origin.LIVE)))

    reply = Reply(
        kind=Kind.SITES,
        language=Language.JA,
        lead=(said("始め"),),
        heading=said("見出し"),
        closing=(said("終わり"),),
    )
    assert reply.text == "始め\n見出し\n終わり"
    assert [span.origin for each in reply.said() for span in each.spans] == [Origin.BANK, Origin.LIVE] * 3
