"""What a web server in front says in our stead."""

from config import folder
from operator_ui.residents.front import headers_conf


def test_the_shipped_headers_are_those_of_these_pages() -> None:
    shipped = (folder("nginx") / "headers.conf").read_text(encoding="utf-8")
    assert shipped == headers_conf(), "a style sheet has changed: make headers"
