"""Words in which the format of a frame of bytes is written down.

A `Shape` reads its bytes off a `Cursor` and puts what they say into `Decoded`, under the names that the
vendor uses. Shapes are put together to tables; nothing else knows where a byte stands. Whatever a table
does not have is an error that names the byte, since a frame that is read one byte off still gives numbers.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal

from hub.errors import BadInput

Decoded = dict[str, Any]
"""What a frame says, in the vendor's own names: JSON values."""

Order = Literal["little", "big"]


class Cursor:
    """A frame, and how far it is read. `first`: where its first byte stands in the frame that it is a part of."""

    def __init__(self, frame: bytes, *, first: int = 0) -> None:
        self._frame, self._first, self._read = frame, first, 0

    @property
    def at(self) -> int:
        """Where the next byte stands, from 0."""
        return self._first + self._read

    @property
    def left(self) -> int:
        """Bytes that are not read yet."""
        return len(self._frame) - self._read

    def take(self, size: int, what: str) -> bytes:
        """The next `size` bytes. Raises `BadInput` where the frame ends before."""
        if self.left < size:
            raise not_decoded(
                self.at,
                f"{what} has {size} bytes, and {self.left} are left",
                f"{what} は{size}バイトですが、残りは{self.left}バイトです",
            )
        self._read += size
        return self._frame[self._read - size : self._read]

    def peek(self, ahead: int) -> int | None:
        """The byte `ahead` of the next, or None after the end."""
        place = self._read + ahead
        return self._frame[place] if place < len(self._frame) else None


Shape = Callable[[Cursor, Decoded], None]


def not_decoded(at: int, english: str, japanese: str) -> BadInput:
    """The error for the byte at `at`, counted from 0."""
    return BadInput(f"byte {at}", f"{english} / {at}バイト目: {japanese}")


def all_of(*shapes: Shape) -> Shape:
    """One after the other."""

    def read(cursor: Cursor, into: Decoded) -> None:
        for shape in shapes:
            shape(cursor, into)

    return read


def number(name: str, size: int, *, order: Order = "little", signed: bool = False, over: int = 1) -> Shape:
    """An integer, divided by `over`."""

    def read(cursor: Cursor, into: Decoded) -> None:
        value = int.from_bytes(cursor.take(size, name), order, signed=signed)
        into[name] = value // over if value % over == 0 else value / over

    return read


def u8(name: str) -> Shape:
    return number(name, 1)


def u16(name: str) -> Shape:
    return number(name, 2)


def u32(name: str) -> Shape:
    return number(name, 4)


def ordinal(name: str) -> Shape:
    """A place counted from 0, told from 1."""

    def read(cursor: Cursor, into: Decoded) -> None:
        into[name] = cursor.take(1, name)[0] + 1

    return read


def tenths(name: str) -> Shape:
    """Two bytes, signed, in tenths of a degree."""
    return number(name, 2, signed=True, over=10)


def skip(size: int, what: str) -> Shape:
    """Bytes that say nothing."""

    def read(cursor: Cursor, into: Decoded) -> None:
        cursor.take(size, what)

    return read


def always(name: str, value: str, size: int = 1) -> Shape:
    """A message by being there: whatever its bytes are."""

    def read(cursor: Cursor, into: Decoded) -> None:
        cursor.take(size, name)
        into[name] = value

    return read


def word(name: str, words: Mapping[int, str], size: int = 1) -> Shape:
    """One of the words that the vendor lists; `unknown`, as the vendors themselves say, for any other number."""

    def read(cursor: Cursor, into: Decoded) -> None:
        value = int.from_bytes(cursor.take(size, name), "little", signed=size > 1)
        into[name] = words.get(value, "unknown")

    return read


def enabled(name: str) -> Shape:
    return word(name, {0: "disable", 1: "enable"})


def text(name: str, size: int, show: Callable[[bytes], str]) -> Shape:
    """Bytes in a spelling of their own: a serial number, a version."""

    def read(cursor: Cursor, into: Decoded) -> None:
        into[name] = show(cursor.take(size, name))

    return read


def hexadecimal(name: str, size: int) -> Shape:
    return text(name, size, bytes.hex)


def group(name: str, *shapes: Shape) -> Shape:
    """What belongs together, under one name."""

    def read(cursor: Cursor, into: Decoded) -> None:
        all_of(*shapes)(cursor, into.setdefault(name, {}))

    return read


def item(name: str, *shapes: Shape) -> Shape:
    """One more of a list: a frame may hold several."""

    def read(cursor: Cursor, into: Decoded) -> None:
        one: Decoded = {}
        all_of(*shapes)(cursor, one)
        into.setdefault(name, []).append(one)

    return read


def by_kind(what: str, kinds: Mapping[int, Shape]) -> Shape:
    """A byte says how it goes on."""

    def read(cursor: Cursor, into: Decoded) -> None:
        at = cursor.at
        kind = cursor.take(1, what)[0]
        if kind not in kinds:
            raise not_decoded(
                at,
                f"{what} {kind:#04x} is none that the vendor lists",
                f"{what} {kind:#04x} はメーカーの表にありません",
            )
        kinds[kind](cursor, into)

    return read


def numbered(name: str, shapes: Callable[[str], Shape]) -> Shape:
    """A byte is a number that becomes part of the names which follow: `region_{}` → `region_3`."""

    def read(cursor: Cursor, into: Decoded) -> None:
        shapes(name.format(cursor.take(1, name)[0]))(cursor, into)

    return read
