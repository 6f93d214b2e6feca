"""A listener for LMTP (RFC 2033): the mail server on this machine hands reports over, and keeps each until
it is told for each recipient that it is durable here.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

import structlog

from channels.mail.intake import maildir
from channels.mail.intake.source import LATER, Take
from hub.errors import BadSettings

log = structlog.get_logger(__name__)

LONGEST_LINE = 2_048
LARGEST = 32 << 20
IDLE_S = 300.0
"""RFC 5321 §4.5.3.2.7."""
MOST_RECIPIENTS = 100

EXTENSIONS = ("PIPELINING", "ENHANCEDSTATUSCODES", "8BITMIME", "SMTPUTF8", f"SIZE {LARGEST}")

_CANNOT = "451 4.3.0 not durable yet, try again"


class Listener:
    """Implements `Source`. Knows no addresses: whatever the mail server sends here is for the hub."""

    def __init__(self, host: str, port: int, *, others: Path) -> None:
        """Raises `BadSettings` where `others` can be no maildir."""
        self._host, self._port = host, port
        self._others = others
        self.port = port
        """Once it listens; another one where 0 was asked for."""
        maildir.make(others)

    async def run(self, take: Take, *, ready: Callable[[], None] = lambda: None) -> None:
        try:
            server = await asyncio.start_server(
                lambda reader, writer: self._serve(reader, writer, take),
                self._host,
                self._port,
                limit=LONGEST_LINE,
            )
        except OSError as e:
            raise BadSettings(
                "[channels.mail.bounces_from] lmtp",
                f"{self._host}:{self._port} cannot be listened on: {e.strerror} / 待ち受けできません",
            ) from e
        self.port = server.sockets[0].getsockname()[1]
        ready()
        async with server:
            await server.serve_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, take: Take) -> None:
        try:
            await _Session(reader, writer, take, self._others).run()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            log.info("an LMTP session broke off")
        finally:
            writer.close()


class _Session:
    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, take: Take, others: Path
    ) -> None:
        self._reader, self._writer = reader, writer
        self._take, self._others = take, others
        self._sender = False
        self._recipients = 0

    async def run(self) -> None:
        self._say("220 yobikake LMTP")
        while True:
            await self._writer.drain()
            line = await self._line()
            verb, _, rest = line.decode("ascii", "replace").strip().partition(" ")
            if verb.upper() == "QUIT":
                self._say("221 2.0.0 bye")
                await self._writer.drain()
                return
            await self._answer(verb.upper(), rest.upper())

    async def _answer(self, verb: str, rest: str) -> None:
        match verb:
            case "LHLO":
                self._reset()
                self._say(
                    "250-yobikake", *(f"250-{each}" for each in EXTENSIONS[:-1]), f"250 {EXTENSIONS[-1]}"
                )
            case "MAIL" if rest.startswith("FROM:") and not self._sender:
                self._sender = True
                self._say("250 2.1.0 ok")
            case "RCPT" if rest.startswith("TO:") and self._sender:
                self._recipient()
            case "DATA" if self._recipients:
                self._say("354 go on")
                await self._writer.drain()
                await self._message()
            case "DATA" | "MAIL" | "RCPT":
                self._say("503 5.5.1 not now")
            case "RSET":
                self._reset()
                self._say("250 2.0.0 ok")
            case "NOOP":
                self._say("250 2.0.0 ok")
            case "VRFY":
                self._say("252 2.5.0 not told")
            case _:
                self._say("500 5.5.1 unknown")

    def _recipient(self) -> None:
        if self._recipients >= MOST_RECIPIENTS:
            self._say("452 4.5.3 too many")
            return
        self._recipients += 1
        self._say("250 2.1.5 ok")

    async def _message(self) -> None:
        """One reply for each recipient (RFC 2033 §4.2): all have the same fate, for it is one mail."""
        mail = await self._body()
        reply = "552 5.3.4 too large" if mail is None else await self._keep(mail)
        self._say(*[reply] * self._recipients)
        self._reset()

    async def _keep(self, mail: bytes) -> str:
        try:
            if not await self._take(mail):
                await asyncio.to_thread(maildir.keep, self._others, mail)
        except LATER as e:
            log.warning("a mail is left with the mail server for now", error=type(e).__name__)
            return _CANNOT
        return "250 2.6.0 durable"

    async def _body(self) -> bytes | None:
        """Up to the final dot, dots unstuffed (RFC 5321 §4.5.2); None where it is too large."""
        lines: list[bytes] = []
        size = 0
        while (line := await self._line(whole=False)) not in (b".\r\n", b".\n"):
            size += len(line)
            if size <= LARGEST:
                lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(lines) if size <= LARGEST else None

    async def _line(self, *, whole: bool = True) -> bytes:
        """Raises `IncompleteReadError` at the end. In a message a line may be as long as it likes."""
        async with asyncio.timeout(IDLE_S):
            pieces: list[bytes] = []
            while True:
                try:
                    return b"".join([*pieces, await self._reader.readuntil(b"\n")])
                except asyncio.LimitOverrunError as e:
                    if whole or sum(map(len, pieces)) > LARGEST:
                        raise
                    pieces.append(await self._reader.readexactly(e.consumed))

    def _say(self, *lines: str) -> None:
        self._writer.write("".join(f"{line}\r\n" for line in lines).encode("ascii"))

    def _reset(self) -> None:
        self._sender, self._recipients = False, 0
