"""Cutting a stream into blocks (`itertools.batched` of Python 3.12, for 3.11)."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def blocks(items: Iterable[T], size: int) -> Iterator[tuple[T, ...]]:
    """Tuples of `size` items in order; the last may be shorter. Never an empty one."""
    stream = iter(items)
    while block := tuple(islice(stream, size)):
        yield block
