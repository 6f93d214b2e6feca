"""One run of one sender against the sink, and the clock around it."""

import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from yobikake.bench.figures import Cpu, cpu


class Run(NamedTuple):
    """`cpu_s`: of the sender alone, not of the sink."""

    recipients: int
    elapsed_s: float
    cpu_s: float

    @property
    def rate(self) -> float:
        """Recipients a second."""
        return self.recipients / self.elapsed_s


Sender = Callable[[int, int], Awaitable[Run]]
"""Hands over to the server on that port of 127.0.0.1 for about so many recipients, and says for how many."""


class Unanswered(RuntimeError):
    """Somebody had no reply of their own, or another one than an acceptance."""


class Clock:
    """Runs while it is in `running`."""

    def __init__(self) -> None:
        self._elapsed_s = 0.0
        self._cpu = Cpu()

    @contextmanager
    def running(self) -> Iterator[None]:
        with cpu() as self._cpu:
            began = time.perf_counter()
            yield
            self._elapsed_s = time.perf_counter() - began

    def run(self, recipients: int) -> Run:
        return Run(recipients, self._elapsed_s, self._cpu.own_s + self._cpu.children_s)
