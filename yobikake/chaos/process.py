"""One hub process: started, spoken to, frozen, killed, started again."""

import asyncio
import json
import signal
from collections import deque
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

from yobikake.chaos.failpoints import Armed
from yobikake.chaos.shapes import Post
from yobikake.chaos.spawn import Child, Nursery
from yobikake.initialise import SETTINGS

READY_WITHIN_S = 60.0
STOPPED_WITHIN_S = 30.0

CRASHES = frozenset({signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL})
"""Signals by which a program ends that is broken itself."""


class Died(RuntimeError):
    """The process ended, or did not answer in time: nobody knows whether what was asked was done."""


class Said(RuntimeError):
    """The hub refused what was asked; `kind` is its error's class."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind


class HubProcess:
    """`python -m yobikake.chaos.hub` at one post, over its lives. What it says on standard error is
    appended to `<name>.log` in the folder."""

    def __init__(self, folder: Path, post: Post, *, nursery: Nursery, sabotage: str | None = None) -> None:
        self.folder = folder
        self.post = post
        self._nursery = nursery
        self._sabotage = sabotage
        self._child: Child | None = None
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._numbers = count(1)
        self._ready: asyncio.Future[None] | None = None
        self._hears = False
        self._readers: list[asyncio.Task[None]] = []
        self._last: deque[str] = deque(maxlen=30)
        self.crashes: list[str] = []
        """How its lives ended that nobody and nothing of its own ended: by which signal."""

    def beside(self, post: Post) -> "HubProcess":
        """Another process of the same hub."""
        return HubProcess(self.folder, post, nursery=self._nursery, sabotage=self._sabotage)

    @property
    def log(self) -> Path:
        return self.folder / f"{self.post.name}.log"

    @property
    def pid(self) -> int:
        """Raises `RuntimeError` when it never ran."""
        if self._child is None:
            raise RuntimeError(f"{self.post.name} was never started")
        return self._child.pid

    @property
    def runs(self) -> bool:
        """It was started and has not ended; it may be frozen."""
        return self._child is not None and not self._child.ended.done()

    @property
    def ready(self) -> bool:
        """It answers; unless it is frozen."""
        return self._hears and self._ready is not None and self._ready.done()

    @property
    def frozen(self) -> bool:
        """Stopped by a signal, whoever sent it (Linux)."""
        try:
            stat = Path(f"/proc/{self.pid}/stat").read_text()
        except OSError:
            return False
        return stat.rpartition(")")[2].split()[0] in "Tt"

    async def start(self, *, failpoints: Sequence[Armed] = ()) -> bool:
        """True once it is ready; False when it ended before.

        Raises:
            Died: it neither got ready nor ended in time.
        """
        await self._collect()
        child = self._child = await self._nursery.spawn(self._options(failpoints))
        self._ready, self._hears = asyncio.get_running_loop().create_future(), True
        self._readers = [
            asyncio.create_task(self._read_answers(child.stdout)),
            asyncio.create_task(self._read_log(child.stderr)),
        ]
        waits: set[asyncio.Future[Any]] = {self._ready, child.ended}
        await asyncio.wait(waits, timeout=READY_WITHIN_S, return_when=asyncio.FIRST_COMPLETED)
        if not self._ready.done() and not child.ended.done():
            self.kill()
            await child.ended
            raise Died(f"{self.post.name} was not ready in time")
        return self._ready.done()

    async def ask(self, command: str, *, within_s: float = 60.0, **fields: Any) -> dict[str, Any]:
        """The answer to a command (`yobikake.chaos.desk`).

        Raises:
            Died: it ended before it answered, or did not run.
            Said: the hub refused it.
        """
        if self._child is None or not self._hears:
            raise Died(f"{self.post.name} does not run")
        number = next(self._numbers)
        answer = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            self._child.stdin.write(json.dumps({"id": number, "do": command, **fields}).encode() + b"\n")
            async with asyncio.timeout(within_s):
                said: dict[str, Any] = await answer
        except (ConnectionError, TimeoutError) as e:
            raise Died(f"{self.post.name} did not answer {command}") from e
        finally:
            self._waiting.pop(number, None)
        if "error" in said:
            raise Said(said["error"], said["message"])
        found: dict[str, Any] = said["ok"]
        return found

    def freeze(self) -> None:
        """SIGSTOP: still there, but silent."""
        self._send(signal.SIGSTOP)

    def thaw(self) -> None:
        self._send(signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        self._send(signal.SIGKILL)

    async def ended(self) -> None:
        """Returns once it does not run, and all it said was read."""
        if self._child is not None:
            await asyncio.wait({self._child.ended})
        await self._collect()

    async def stop(self) -> None:
        """SIGTERM, and wait; by force after a while.

        Raises:
            Died: it took force.
        """
        self.thaw()
        self._send(signal.SIGTERM)
        if self._child is not None:
            await asyncio.wait({self._child.ended}, timeout=STOPPED_WITHIN_S)
        stubborn = self.runs
        self.kill()
        await self.ended()
        if stubborn:
            raise Died(f"{self.post.name} did not end when it was told to")

    def last_words(self) -> str:
        """The last lines of its log."""
        return "\n".join(self._last)

    def _options(self, failpoints: Sequence[Armed]) -> list[str]:
        options = ["--settings", str(self.folder / SETTINGS), "--name", self.post.name]
        options += [word for role in self.post.roles for word in ("--role", role)]
        options += ["--sabotage", self._sabotage] if self._sabotage else []
        return options + [word for armed in failpoints for word in ("--failpoint", str(armed))]

    def _send(self, number: signal.Signals) -> None:
        if self._child is not None:
            self._child.send(number)

    async def _read_answers(self, answers: asyncio.StreamReader) -> None:
        async for line in answers:
            said = json.loads(line)
            if "ready" in said:
                self._settle(self._ready, None)
            else:
                self._settle(self._waiting.get(said["id"]), said)
        self._hears = False
        for waiting in list(self._waiting.values()):
            if not waiting.done():
                waiting.set_exception(ConnectionError("it ended"))

    @staticmethod
    def _settle(future: "asyncio.Future[Any] | None", value: Any) -> None:
        if future is not None and not future.done():
            future.set_result(value)

    async def _read_log(self, lines: asyncio.StreamReader) -> None:
        with self.log.open("ab") as log:
            async for line in lines:
                log.write(line)
                log.flush()
                self._last.append(line.decode(errors="replace").rstrip())

    async def _collect(self) -> None:
        await asyncio.gather(*self._readers)
        if self._readers and self._child is not None and -(code := self._child.ended.result()) in CRASHES:
            self.crashes.append(f"{self.post.name} crashed: {signal.Signals(-code).name}")
        self._readers = []
        if self._child is not None:
            self._child.stdin.close()
