"""One program that was started here: until its log says that it is ready, and until it has ended."""

import asyncio
import contextlib
import os
import shutil
import signal
from collections import deque
from collections.abc import Sequence
from pathlib import Path

KILL_AFTER_S = 60.0
LINE_BYTES = 1 << 20


class NotStarted(RuntimeError):
    """The program ended, or stayed silent, before it was ready. Holds the last lines of its log."""


class Process:
    """`argv` runs in `directory`, as `user` if one is given; its output goes to `log`.

    It runs in a session of its own, so that Ctrl-C in the terminal reaches us and not it,
    and it ends with the process that started it, even when that one is killed (Linux).
    """

    def __init__(
        self,
        argv: Sequence[str | Path],
        *,
        directory: Path,
        log: Path,
        user: str | None = None,
        end: signal.Signals = signal.SIGTERM,
    ) -> None:
        self._argv = [*run_as(user), *map(str, argv)]
        self._directory = directory
        self._log = log
        self._end = end
        self._last: deque[str] = deque(maxlen=15)
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError("not started")
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(self, *, ready: str, within_s: float = 180.0) -> None:
        """Returns once a line of the output holds `ready`. Raises `NotStarted`."""
        self._process = await asyncio.create_subprocess_exec(
            *self._argv,
            cwd=self._directory,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            limit=LINE_BYTES,
        )
        seen = asyncio.Event()
        self._reader = asyncio.create_task(self._read(self._process.stdout, ready, seen))
        waiting = asyncio.create_task(seen.wait())
        try:
            await asyncio.wait({waiting, self._reader}, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        if not seen.is_set():
            await self.stop()
            raise NotStarted(f"{Path(self._argv[-1]).name}: not ready\n" + "\n".join(self._last))

    async def stop(self) -> None:
        """Ends this process, by force after a while, and returns when it is gone."""
        if self._process is None or self._reader is None:
            return
        self._signal(self._end)
        self.thaw()  # a frozen one would not hear it
        try:
            await asyncio.wait_for(self._process.wait(), KILL_AFTER_S)
        except TimeoutError:
            self.kill()
            await self._process.wait()
        await self._reader
        self._process = None

    def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        self._signal(signal.SIGKILL)

    def freeze(self) -> None:
        """Still there, but silent: what a hanging disk or a lost network looks like."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, number)  # `send_signal` may bury it behind the event loop's back

    async def _read(self, output: asyncio.StreamReader | None, ready: str, seen: asyncio.Event) -> None:
        if output is None:
            raise RuntimeError("started without a pipe")
        with self._log.open("a", encoding="utf-8") as log:
            async for raw in output:
                line = raw.decode(errors="replace")
                log.write(line)
                self._last.append(line.rstrip())
                if ready in line:
                    log.flush()
                    seen.set()


def run_as(user: str | None) -> list[str]:
    """What to put before a command so that it runs as `user` (None: as now) and ends with us."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return ["su", user, "-s", "/bin/sh", "-c", 'exec "$0" "$@"', "--"] if user else []
    as_user = ["--reuid", user, "--regid", user, "--init-groups"] if user else []
    return [setpriv, *as_user, "--pdeathsig", "TERM", "--"]
