"""What there is, to whoever named something that is not: the nearest first."""

from collections.abc import Iterable
from difflib import get_close_matches


def offered(typed: str, there: Iterable[str]) -> tuple[str, str]:
    """In English and in Japanese: what was meant, where one is near (a slip of the pen), and all there are."""
    names = list(there)
    every = ", ".join(names)
    if near := get_close_matches(typed.lower(), names, n=1):
        return f"did you mean {near[0]}? There are {every}", f"{near[0]} ですか。あるのは {every} です"
    return f"there are {every}", f"あるのは {every} です"
