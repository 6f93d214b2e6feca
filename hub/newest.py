"""The newest of anything, by a key."""

from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Newest(Generic[K, V]):
    """Keeps at most `most` values: those kept last."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: dict[K, V] = {}

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: K) -> V | None:
        return self._values.get(key)

    def keep(self, key: K, value: V) -> None:
        self._values.pop(key, None)
        while len(self._values) >= self._most:
            del self._values[next(iter(self._values))]
        self._values[key] = value

    def items(self) -> list[tuple[K, V]]:
        """Those that are kept, the oldest first."""
        return list(self._values.items())

    def drop(self, key: K) -> None:
        self._values.pop(key, None)
