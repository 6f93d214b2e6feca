"""What a document points at is there; a long one begins with what is in it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
JAPANESE = ROOT / "README.ja.md"
ALL = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
LONG = [
    path for path in ALL if path.parent.name == "docs" and len(path.read_text("utf-8").splitlines()) > 300
]
"""Nobody finds a place in it by scrolling."""
LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")
HEADING = re.compile(r"(#+) (.+)")


def prose(path: Path) -> Iterator[str]:
    """Its lines outside of code."""
    code = False
    for line in path.read_text("utf-8").splitlines():
        code ^= line.startswith("```")
        if not code:
            yield line


def headings(path: Path) -> list[tuple[int, str]]:
    """Depth and words."""
    return [(len(found[1]), found[2]) for line in prose(path) if (found := HEADING.fullmatch(line))]


def anchor(heading: str) -> str:
    """As GitHub names a heading's place."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.name)
def test_what_is_pointed_at_is_there(path: Path) -> None:
    for _, address in LINK.findall("\n".join(prose(path))):
        if "://" in address:
            continue
        name, _, place = address.partition("#")
        there = path.parent / name if name else path
        assert there.exists(), address
        assert not place or place in [anchor(words) for _, words in headings(there)], address


@pytest.mark.parametrize("path", LONG, ids=lambda path: path.name)
def test_a_long_document_begins_with_its_contents(path: Path) -> None:
    contents = [
        f"{'  ' * (depth - 2)}- [{words}](#{anchor(words)})" for depth, words in headings(path) if depth > 1
    ]
    lines = list(prose(path))
    first = lines.index(contents[0])
    assert lines[first : first + len(contents)] == contents
    assert first < 10


def test_the_japanese_page_says_which_documents_are_in_english() -> None:
    """A city's clerk is told before the click."""
    text = JAPANESE.read_text("utf-8")
    documents = [found for found in LINK.finditer(text) if found[2].startswith("docs/")]
    assert documents
    for found in documents:
        assert text[found.end() :].startswith("（英語）"), found[2]


def test_the_japanese_page_points_at_all_that_the_english_one_does() -> None:
    english, japanese = (
        {address for _, address in LINK.findall(path.read_text("utf-8")) if address.startswith("docs/")}
        for path in (ROOT / "README.md", JAPANESE)
    )
    assert english == japanese
