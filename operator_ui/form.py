"""What a person typed into a form, and what is wrong with it."""

import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from typing import NamedTuple, TypeVar

from aiohttp import web
from aiohttp.http import HttpProcessingError
from multidict import MultiDict, MultiDictProxy

from hub.clock import JST

E = TypeVar("E", bound=Enum)

HUGE = 10**9
"""More than any count, version or level: whoever checks those refuses it, and every database could hold it."""

_BROKEN = (HttpProcessingError, ValueError, LookupError, AssertionError, RuntimeError, zlib.error)
"""What aiohttp raises for a body it cannot read, each from its own layer."""


class Problem(NamedTuple):
    """`field` is the id of the input; the summary on top links to it. `message` is 「日本語 / English」."""

    field: str
    message: str


class Form:
    """Values by field name. Reading never fails: a missing field is empty."""

    def __init__(self, values: Mapping[str, str] | MultiDictProxy[str] | MultiDict[str]) -> None:
        self._values = MultiDict(values)

    def text(self, name: str) -> str:
        """Without spaces around it, and without NUL; line ends are `\\n` (browsers post `\\r\\n`)."""
        typed = self._values.get(name, "").replace("\0", "")
        return typed.replace("\r\n", "\n").replace("\r", "\n").strip()

    def all(self, name: str) -> tuple[str, ...]:
        """The values of the ticked boxes of that name, in order."""
        return tuple(self._values.getall(name, ()))

    def ticked(self, name: str) -> bool:
        return name in self._values

    def number(self, name: str) -> int | None:
        """A whole number, full-width digits too; None when there is none. A huge one is only `HUGE`."""
        text = self.text(name)
        if not text.isdecimal():
            return None
        return int(text) if len(text) < len(str(HUGE)) else HUGE

    def moment(self, name: str) -> datetime | None:
        """Of an `<input type=datetime-local>`, in Japanese time; None when there is none."""
        try:
            return datetime.fromisoformat(self.text(name)).replace(tzinfo=JST).astimezone(UTC)
        except (ValueError, OverflowError):
            return None

    def choice(self, name: str, kind: type[E]) -> E | None:
        """The member of `kind` whose value was chosen; None when there is none."""
        return next((member for member in kind if str(member.value) == self.text(name)), None)


async def read(request: web.Request) -> Form:
    """The posted fields. Files are not taken.

    Raises:
        HTTPBadRequest: this is no form, or not in the charset it says.
    """
    try:
        posted = await request.post()
    except _BROKEN as e:
        raise web.HTTPBadRequest from e
    return Form(MultiDict((name, value) for name, value in posted.items() if isinstance(value, str)))
