"""Together: what many ask at the same time is asked once, of a database or anything else that takes a while."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


class Together(Generic[Asked, Answer]):
    """Whoever asks while a group is under way is in the next one; nobody waits for others to come.

    `work` answers for each of a group, in order, or raises for all of it. What it raises is raised to everyone
    who asked, unless it is none of `for_all`: then each is asked for alone, so that one that cannot be
    answered holds up no other. An answer may be an exception: it is raised to whoever asked.
    """

    def __init__(
        self,
        work: Callable[[Sequence[Asked]], Awaitable[Sequence[Answer | Exception]]],
        *,
        most: int,
        for_all: tuple[type[Exception], ...] = (),
    ) -> None:
        self._work = work
        self._most = most
        self._for_all = for_all
        self._waiting: list[tuple[Asked, asyncio.Future[Answer]]] = []
        self._asking: asyncio.Task[None] | None = None

    async def __call__(self, asked: Asked) -> Answer:
        """The answer. Cancelling whoever waits takes nothing back: it may have been done all the same."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, future))
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask(), name="together")
        return await future

    async def _ask(self) -> None:
        try:
            while self._waiting:
                group, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                await self._answer(group)
        finally:
            self._asking = None
            for _, future in self._waiting:
                future.cancel()
            self._waiting = []

    async def _answer(self, group: Sequence[tuple[Asked, asyncio.Future[Answer]]]) -> None:
        try:
            answers = await self._work([asked for asked, _ in group])
        except Exception as e:
            if len(group) == 1 or isinstance(e, self._for_all):
                answers = [e] * len(group)
            else:
                for each in group:
                    await self._answer([each])
                return
        except BaseException:
            for _, future in group:
                future.cancel()
            raise
        for (_, future), answer in zip(group, answers, strict=True):
            if future.done():
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)
