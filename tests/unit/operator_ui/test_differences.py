"""What changed between two texts."""

from hypothesis import given
from hypothesis import strategies as st

from operator_ui.staff.differences import Kind, differences


@given(st.text(), st.text())
def test_nothing_is_lost_and_nothing_added(before: str, after: str) -> None:
    pieces = differences(before, after)
    assert "".join(text for kind, text in pieces if kind is not Kind.IN) == before
    assert "".join(text for kind, text in pieces if kind is not Kind.OUT) == after
    assert all(text for _, text in pieces)


def test_a_number_is_marked_whole() -> None:
    assert differences("21時47分に発令", "21時52分に発令") == [
        (Kind.SAME, "21時"),
        (Kind.OUT, "47"),
        (Kind.IN, "52"),
        (Kind.SAME, "分に発令"),
    ]


def test_the_same_text_is_one_piece() -> None:
    assert differences("避難してください", "避難してください") == [(Kind.SAME, "避難してください")]
    assert differences("", "") == []
