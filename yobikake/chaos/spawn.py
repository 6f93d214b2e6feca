"""Starting hubs: the instrument's end of `yobikake.chaos.zygote`."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from yobikake.chaos.zygote import LINE_BYTES, Pipes

LONGEST_LINE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A hub process, from its beginning to its end."""

    pid: int
    stdin: asyncio.WriteTransport
    stdout: asyncio.StreamReader
    stderr: asyncio.StreamReader
    ended: "asyncio.Future[int]"
    """Its exit code; negative: the signal."""

    def send(self, number: signal.Signals) -> None:
        """Nothing is sent to one that has ended."""
        if not self.ended.done():
            os.kill(self.pid, number)


class Nursery:
    """`open` once, `close` at the end: whatever runs then ends with it."""

    def __init__(self) -> None:
        self._socket, self._other = socket.socketpair()
        self._zygote: asyncio.subprocess.Process | None = None
        self._begun: asyncio.Queue[int] = asyncio.Queue()
        self._ended: dict[int, asyncio.Future[int]] = {}
        self._one_at_a_time = asyncio.Lock()
        self._said = b""

    async def open(self) -> None:
        self._zygote = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "yobikake.chaos.zygote",
            str(self._other.fileno()),
            pass_fds=[self._other.fileno()],
            stdin=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        self._other.close()
        self._socket.setblocking(False)
        asyncio.get_running_loop().add_reader(self._socket, self._read)

    async def spawn(self, arguments: Sequence[str]) -> Child:
        """A new hub, with the arguments of `yobikake.chaos.hub`."""
        (theirs_in, ours_in), (ours_out, theirs_out), (ours_err, theirs_err) = (os.pipe() for _ in range(3))
        pipes = Pipes(theirs_in, theirs_out, theirs_err)
        async with self._one_at_a_time:
            socket.send_fds(self._socket, [json.dumps(list(arguments)).encode() + b"\n"], pipes)
            pid = await self._begun.get()
        for pipe in pipes:
            os.close(pipe)
        return Child(
            pid=pid,
            stdin=await _written(ours_in),
            stdout=await _read(ours_out),
            stderr=await _read(ours_err),
            ended=self._ended[pid],
        )

    async def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket.close()
        if self._zygote is not None:
            await self._zygote.wait()

    def _read(self) -> None:
        self._said += self._socket.recv(LINE_BYTES)
        *lines, self._said = self._said.split(b"\n")
        for line in lines:
            said: dict[str, Any] = json.loads(line)
            if "begun" in said:
                self._ended[said["begun"]] = asyncio.get_running_loop().create_future()
                self._begun.put_nowait(said["begun"])
            else:
                self._ended[said["ended"]].set_result(said["code"])


async def _written(pipe: int) -> asyncio.WriteTransport:
    """Its flow is not controlled: commands are short."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_write_pipe(asyncio.Protocol, os.fdopen(pipe, "wb", buffering=0))
    return transport


async def _read(pipe: int) -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=LONGEST_LINE_BYTES)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(pipe, "rb", buffering=0)
    )
    return reader
