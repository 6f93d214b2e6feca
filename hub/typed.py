"""Bytes, or what a file said, as values of a type: the one way to them, from any thread.

msgspec finds out what a type consists of when it first meets it. Another thread that meets the type meanwhile reads
what is not there yet, and the interpreter crashes (msgspec 0.22: a NULL in `StructInfo`'s types; a hub's first alert
is read by several threads of the ledger at once). So each type is introduced by one thread, before any use of it.
"""

from collections.abc import Callable
from threading import Lock
from types import UnionType
from typing import Any, TypeVar, overload

import msgspec

T = TypeVar("T")

_introduced: dict[object, msgspec.json.Decoder[Any]] = {}
_one_at_a_time = Lock()
_TOO_DEEP = "nested too deep"


@overload
def from_json(data: bytes | str, kind: type[T]) -> T: ...
@overload
def from_json(data: bytes | str, kind: UnionType) -> Any: ...
def from_json(data: bytes | str, kind: Any) -> Any:
    """Raises `msgspec.ValidationError` with the place, `msgspec.DecodeError` where it is not JSON, or nested too deep,
    `UnicodeDecodeError` where it is not UTF-8."""
    try:
        return _decoder(kind).decode(data)
    except RecursionError as e:
        raise msgspec.DecodeError(_TOO_DEEP) from e


def from_msgpack(data: bytes, kind: type[T]) -> T:
    """Raises `msgspec.ValidationError` with the place, `msgspec.DecodeError` where it is not MessagePack, or nested
    too deep."""
    _decoder(kind)
    try:
        return msgspec.msgpack.decode(data, type=kind)
    except RecursionError as e:
        raise msgspec.DecodeError(_TOO_DEEP) from e


def convert(
    values: object,
    kind: type[T],
    *,
    strict: bool = True,
    dec_hook: Callable[[type[Any], Any], Any] | None = None,
) -> T:
    """`strict` and `dec_hook` are msgspec's. Raises `msgspec.ValidationError` with the place."""
    _decoder(kind)
    return msgspec.convert(values, kind, strict=strict, dec_hook=dec_hook)


def _decoder(kind: object) -> msgspec.json.Decoder[Any]:
    found = _introduced.get(kind)
    if found is None:
        with _one_at_a_time:
            found = _introduced[kind] = msgspec.json.Decoder(kind)
    return found
