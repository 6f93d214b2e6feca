"""Documents written once a change and served from memory, to however many ask: each with its gzip and its ETags.

Nothing is written by a request. The first that asks for a document of a new edition has it written, in a
thread of its own; whoever asks meanwhile waits for the same one.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import NamedTuple

from aiohttp import web

from hub.background import Background
from hub.clock import Clock
from operator_ui.residents.document import Built, Edition, Written, pack

MOST = 512
"""Documents kept; numbers of old alerts, tried one after another, must not fill the memory."""
PATIENCE_S = 2.0
"""How long a reader waits for a document that is being written before getting the one before it."""
FIRST_S = 15.0
"""The same where there is none before it."""
REST_S = 5.0
"""After a document could not be written, until it is tried again."""
KEPT_FOR = timedelta(minutes=5)
"""How old a document may be that is shown because no newer one could be written."""

Write = Callable[[], Awaitable[Callable[[], Written] | None]]
"""Reads what the document needs, and returns what writes it; None: there is no such document."""


class _Writing(NamedTuple):
    """`number`: rises with every one that was begun: what is true changes in that order."""

    number: int
    task: asyncio.Task[bool]

    @property
    def found_nothing(self) -> bool:
        done = self.task.done() and not self.task.cancelled() and self.task.exception() is None
        return done and not self.task.result()


class Shelf:
    """Holds the last good document of each key."""

    def __init__(self, background: Background, clock: Clock) -> None:
        self._background = background
        self._clock = clock
        self._built: OrderedDict[Hashable, Built] = OrderedDict()
        self._writing: dict[tuple[Hashable, Edition], _Writing] = {}
        self._numbers = count()
        self._press = ThreadPoolExecutor(1, thread_name_prefix="press")

    async def get(self, edition: Edition, at: datetime, key: Hashable, write: Write) -> Built:
        """The document for `key` of this edition, checked `at`.

        One that differs by the minute alone is answered with the last one while the new one is written. One that
        differs in counts alone waits for whichever is being written, so that a second's news never queue up. One that
        cannot be written is answered with the last one for a while, which then says how old it is.

        Raises:
            HTTPNotFound: there is no such document.
            HTTPInternalServerError: it could not be written, and there is none that may still be shown.
        """
        built = self._built.get(key)
        if built is not None and built.edition == edition:
            return built
        writing = self._under_way(edition, key) or self._written_by(edition, at, key, write)
        if built is not None and _same_but_for_the_minute(built.edition, edition):
            return built
        await asyncio.wait([writing.task], timeout=FIRST_S if built is None else PATIENCE_S)
        if writing.found_nothing:
            raise web.HTTPNotFound
        built = self._built.get(key)
        if built is not None and (built.number >= writing.number or self._will_do(built, edition)):
            return built
        return self._kept(built)

    def _will_do(self, built: Built, edition: Edition) -> bool:
        return built.edition.differs_in_counts_alone(edition) and self._clock() < built.written.until

    def _kept(self, built: Built | None) -> Built:
        now = self._clock()
        if built is None or now >= built.written.until or now - built.at > KEPT_FOR:
            raise web.HTTPInternalServerError
        return built.aged

    def _under_way(self, edition: Edition, key: Hashable) -> _Writing | None:
        """What is being written of this document, if `edition` differs from it in counts alone."""
        return next(
            (
                writing
                for (its_key, its), writing in self._writing.items()
                if its_key == key and not writing.task.done() and its.differs_in_counts_alone(edition)
            ),
            None,
        )

    def _written_by(self, edition: Edition, at: datetime, key: Hashable, write: Write) -> "_Writing":
        """The one task that writes this document of this edition."""
        writing = self._writing.get((key, edition))
        if writing is None:
            number = next(self._numbers)
            task = self._background.start(
                self._write(edition, at, key, write, number=number), name=f"write {key}"
            )
            writing = self._writing[key, edition] = _Writing(number, task)
        return writing

    async def _write(
        self, edition: Edition, at: datetime, key: Hashable, write: Write, *, number: int
    ) -> bool:
        rest_s = 0.0
        try:
            made = await write()
            if made is None:
                return False
            built = await asyncio.get_running_loop().run_in_executor(
                self._press, lambda: pack(edition, at, made(), number=number)
            )
            self._put(key, built)
        except Exception:
            rest_s = REST_S
            raise
        else:
            return True
        finally:
            asyncio.get_running_loop().call_later(rest_s, self._writing.pop, (key, edition), None)

    def _put(self, key: Hashable, built: Built) -> None:
        before = self._built.pop(key, None)
        if before is not None and before.digest == built.digest:
            built = replace(built, changed_at=min(before.changed_at, built.changed_at))
        self._built[key] = built if before is None or before.number <= built.number else before
        while len(self._built) > MOST:
            self._built.popitem(last=False)

    def close(self) -> None:
        self._press.shutdown(wait=False, cancel_futures=True)


def _same_but_for_the_minute(old: Edition, new: Edition) -> bool:
    return old.version == new.version and new.minute - old.minute <= timedelta(minutes=1)
