"""What changed between two texts, in pieces that a page marks as taken out or put in."""

import re
from difflib import SequenceMatcher
from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    SAME = "same"
    OUT = "out"
    IN = "in"


class Piece(NamedTuple):
    kind: Kind
    text: str


def differences(before: str, after: str) -> list[Piece]:
    """In the order of reading: what went before what came. The pieces that are not IN are `before`, those
    that are not OUT are `after`, to the last letter."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    pieces: list[Piece] = []
    for what, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if what == "equal":
            pieces.append(Piece(Kind.SAME, "".join(old[i:j])))
            continue
        pieces += [
            piece
            for piece in (Piece(Kind.OUT, "".join(old[i:j])), Piece(Kind.IN, "".join(new[k:m])))
            if piece.text
        ]
    return pieces


_WORDS = re.compile(
    r"[0-9０-９]+|[A-Za-zÀ-ỹ]+|[\u4e00-\u9fff々]+|[\u30a0-\u30ff]+|[\u3040-\u309f]+|\s+|.", re.DOTALL
)
"""Words as far as the script alone tells them: a changed number or name is marked whole, not letter by letter."""
