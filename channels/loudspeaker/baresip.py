"""One run of baresip (https://github.com/baresip/baresip), which has the SIP, the RTP and the G.711.

It is told what to do on its standard input, as its menu is, and writes every SIP message it sends or gets to its output;
the call is followed by those, not by what it says in words.
"""

import asyncio
import re
import shutil
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

PACKAGE = "baresip-core"
READY = "baresip is ready."
START_S = 10.0
HANGUP_S = 2.0
"""After it is told to end: it says BYE, or CANCEL, and waits for the answer."""

MODULES = ("/usr/lib/baresip/modules", "/usr/lib/*/baresip/modules", "/usr/local/lib/baresip/modules")
CONFIG = """\
module_path {modules}
module g711.so
module aufile.so
module account.so
module stdio.so
module menu.so
sip_listen {local}:0
audio_source aufile,{sound}
audio_player aufile,none
audio_alert aufile,none
"""


class NotRunning(Exception):
    """It is not installed, did not get ready, or has ended. `str` says which, for staff."""


class Message(NamedTuple):
    """The head of a SIP message. `ours`: we sent it. `headers` by names in small letters."""

    ours: bool
    start: str
    headers: Mapping[str, str]

    @property
    def status(self) -> int | None:
        """Of an answer."""
        return int(self.start[8:11]) if self.start.startswith("SIP/2.0 ") else None

    @property
    def method(self) -> str:
        """Of a request, or of the request that this answers (RFC 3261 §20.16)."""
        return self.headers.get("cseq", "").rpartition(" ")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """`address`: sip:user@domain. `local`: this machine's address for calls. `register_s`: 0, it does not register."""

    address: str
    auth_user: str
    password: str
    local: str
    register_s: int = 0

    def line(self) -> str:
        auth = f";auth_user={self.auth_user};auth_pass={self.password}" if self.password else ""
        return f"<{self.address}>;regint={self.register_s};audio_codecs=PCMA,PCMU;answermode=manual{auth}\n"


class Phone:
    """A baresip that is ready. Whoever leaves it hangs up."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._ours = ""

    async def order(self, command: str) -> None:
        """A line of its menu, `/dial sip:…`. Raises `NotRunning`."""
        assert self._process.stdin is not None  # noqa: S101 - it was started with one
        try:
            self._process.stdin.write(f"/{command}\n".encode())
            await self._process.stdin.drain()
        except ConnectionError as e:
            raise NotRunning("baresip has ended") from e

    async def message(self) -> Message:
        """The next one that was sent or came. Raises `NotRunning` once there will be no more."""
        while True:
            between = _BETWEEN.match(await self._line())
            if between is None:
                continue
            self._ours = self._ours or between[1]  # we speak first
            start = await self._line()
            headers: dict[str, str] = {}
            while (line := await self._line()).strip():
                name, _, value = line.partition(":")
                headers.setdefault(name.strip().lower(), value.strip())
            return Message(between[1] == self._ours, start.strip(), headers)

    async def ready(self) -> None:
        while READY not in await self._line():
            pass

    async def end(self) -> None:
        """Hang up, and be gone."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.terminate()
        try:
            async with asyncio.timeout(HANGUP_S):
                await self._drained()
                await self._process.wait()
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        """Without another message."""
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()

    async def _drained(self) -> None:
        with suppress(NotRunning):
            while True:
                await self._line()

    async def _line(self) -> str:
        assert self._process.stdout is not None  # noqa: S101 - it was started with one
        raw = await self._process.stdout.readline()
        if not raw:
            raise NotRunning("baresip has ended")
        return raw.decode(errors="replace")


@asynccontextmanager
async def phone(account: Account, sound: bytes | None, *, lasts_s: float) -> AsyncIterator[Phone]:
    """`sound`: a WAV file of 8 kHz, played from the moment somebody answers; at its end baresip hangs up. After
    `lasts_s` it ends by itself, should nobody be left to end it.

    Raises `NotRunning`.
    """
    program, modules = shutil.which("baresip"), _modules()
    if program is None or modules is None:
        raise NotRunning(
            f"baresip がありません。root で apt-get install {PACKAGE} / apt-get install {PACKAGE}, as root"
        )
    with tempfile.TemporaryDirectory(prefix="yobikake-call-") as name:
        folder = Path(name)  # of ours alone: it holds the password
        await asyncio.to_thread(_write, folder, account, modules, sound)
        process = await asyncio.create_subprocess_exec(
            *(program, "-s", "-f", str(folder), "-t", str(round(lasts_s))),
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            start_new_session=True,
        )
        running = Phone(process)
        try:
            await _ready(running)
            yield running
        finally:
            await asyncio.shield(running.end())


async def _ready(running: Phone) -> None:
    try:
        async with asyncio.timeout(START_S):
            await running.ready()
    except TimeoutError as e:
        raise NotRunning("baresip が起動しません / baresip does not get ready") from e


def _write(folder: Path, account: Account, modules: Path, sound: bytes | None) -> None:
    file = folder / "sound.wav"
    file.write_bytes(sound or b"")
    (folder / "config").write_text(CONFIG.format(modules=modules, local=account.local, sound=file))
    (folder / "accounts").write_text(account.line())
    (folder / "contacts").touch()


def _modules() -> Path | None:
    found = (path for pattern in MODULES for path in Path("/").glob(pattern.lstrip("/")))
    return next(found, None)


_BETWEEN = re.compile(r"^(?:\x1b\[[\d;]*m)?(?:UDP|TCP) (\S+) -> (\S+)\s*$")
