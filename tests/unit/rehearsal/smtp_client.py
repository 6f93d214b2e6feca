"""A client that says what it is told to say, to be rude to a smarthost with."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from yobikake.rehearsal.smtp import SmtpGateway

MESSAGE = (
    b"Message-ID: <one@hub.example>\r\nSubject: =?utf-8?b?6YG/6Zuj5oyH56S6?=\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    + "全員避難\r\n".encode()
)


class Client:
    """Writes bytes, reads replies: no more than that, so that nothing is put right on the way."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def reply(self) -> str:
        """The next reply, its lines joined; empty when the server has hung up."""
        lines: list[str] = []
        while not lines or lines[-1][3:4] == "-":
            try:
                line = (await self._reader.readline()).decode()
            except ConnectionResetError:
                line = ""
            if not line:
                return ""
            lines.append(line.rstrip("\r\n"))
        return "\n".join(lines)

    async def say(self, *commands: str | bytes, replies: int = 1) -> list[str]:
        """Write the commands in one go; each gets its CRLF, bytes are written as they are."""
        for command in commands:
            self._writer.write(command if isinstance(command, bytes) else f"{command}\r\n".encode())
        return [await self.reply() for _ in range(replies)]

    def hang_up(self) -> None:
        self._writer.transport.abort()


@asynccontextmanager
async def connected(gateway: SmtpGateway, *, ehlo: bool = True) -> AsyncIterator[Client]:
    async with asyncio.timeout(120):
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        client = Client(reader, writer)
        try:
            if ehlo:
                await client.reply()
                await client.say("EHLO client.example")
            yield client
        finally:
            client.hang_up()
