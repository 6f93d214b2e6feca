"""What a browser posts, as it is read."""

from operator_ui.form import Form


def test_nothing_that_a_database_refuses_comes_in() -> None:
    """PostgreSQL takes no NUL in a text."""
    assert Form({"login": "\0 sa\0to\0"}).text("login") == "sato"
