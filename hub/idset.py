"""A set of recipient ids in about one bit each, for audiences of any size."""

from collections.abc import Iterable
from typing import Self

from hub.recipient import RecipientId

_BITS = 16
_PAGE_BYTES = 1 << (_BITS - 3)
_LOW = (1 << _BITS) - 1


class IdSet:
    """A bitmap in pages of 65,536 ids; a page that holds nobody takes no room.

    14,000,000 ids in a row take 1.8 MB, as a `set` they would take 900 MB.
    """

    __slots__ = ("_pages",)

    def __init__(self, ids: Iterable[RecipientId] = ()) -> None:
        self._pages: dict[int, bytearray] = {}
        self.update(ids)

    def update(self, ids: Iterable[RecipientId]) -> None:
        for id_ in ids:
            page = self._pages.get(id_ >> _BITS)
            if page is None:
                page = self._pages[id_ >> _BITS] = bytearray(_PAGE_BYTES)
            page[(id_ & _LOW) >> 3] |= 1 << (id_ & 7)

    def copy(self) -> Self:
        copied = type(self)()
        copied._pages = {high: page.copy() for high, page in self._pages.items()}
        return copied

    def __len__(self) -> int:
        return sum(int.from_bytes(page, "little").bit_count() for page in self._pages.values())

    def __contains__(self, id_: RecipientId) -> bool:
        page = self._pages.get(id_ >> _BITS)
        return page is not None and bool(page[(id_ & _LOW) >> 3] >> (id_ & 7) & 1)
