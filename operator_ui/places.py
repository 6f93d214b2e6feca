"""Places to be in at once: a number in all, and of these a number for each address."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class Full(Exception):
    """No place is free, for anybody or for this address."""


class Places:
    def __init__(self, *, total: int, of_one: int) -> None:
        self._total = total
        self._of_one = of_one
        self._taken: Counter[str | None] = Counter()

    @contextmanager
    def take(self, address: str | None) -> Iterator[None]:
        """Holds a place while the block runs. `address` None: it stands for many, so only the total counts.

        Raises:
            Full: at once; nobody waits for a place.
        """
        of_one = self._taken[address] if address is not None else 0
        if self._taken.total() >= self._total or of_one >= self._of_one:
            raise Full
        self._taken[address] += 1
        try:
            yield
        finally:
            self._taken -= Counter({address: 1})  # an address with none left is forgotten
