"""Texts for forms and displays that have room for so much and no more: cut at the end of a sentence, broken into lines."""

import re
from collections.abc import Callable, Iterator, Mapping
from unicodedata import east_asian_width

CUT = "（以下省略）"
"""Ends a text of which a part did not fit, unless it is read out."""


def fitted(opening: str, text: str, limit: int, measure: Callable[[str], float], end: str) -> str | None:
    """`opening` and `text` if they fit, else the first sentences of `text`, at least one, and `end`; else None."""
    if measure(opening + text) <= limit:
        return opening + text
    beginnings = (opening + text[: match.end()].rstrip() + end for match in _ENDS.finditer(text))
    fitting = [each for each in beginnings if measure(each) <= limit and not each.endswith(_PROMISE + end)]
    return fitting[-1] if fitting else None


def full_width(text: str) -> float:
    """Length in full-width characters: narrow ones (East Asian Width Na, H, N) count half."""
    return sum(1.0 if east_asian_width(character) in "WFA" else 0.5 for character in text)


def lines(text: str, columns: int) -> str:
    """Broken where a display of so many full-width characters breaks it; no line begins with what must not begin one."""
    return "\n".join(part for line in text.split("\n") for part in _lines(line, columns))


def _lines(line: str, columns: int) -> Iterator[str]:
    part = ""
    for character in line:
        if part and full_width(part + character) > columns and character not in _NEVER_FIRST:
            yield part
            part = ""
        part += character
    yield part


MEASURES: Mapping[str, Callable[[str], float]] = {"characters": len, "full_width": full_width}

_NEVER_FIRST = "、。，．）」』】！？ー・"

_PROMISE = "お伝えします。"
"""Nothing ends with it: what it promises was cut."""

_ENDS = re.compile(r"[。！？][」』）]?|[.!?](?=\s|$)|^[・-].*$", re.MULTILINE)
"""Of a sentence, or of an entry in a list: a heading above what was cut would promise something."""
