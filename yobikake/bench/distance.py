"""The way to a server, at a round trip of so many milliseconds."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


@asynccontextmanager
async def distant(port: int, *, round_trip_ms: float) -> AsyncIterator[int]:
    """The port at which the server on this port of 127.0.0.1 is that far away; its own where it is not.

    The proxy between runs in a process of its own.
    """
    if not round_trip_ms:
        yield port
        return
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "yobikake.rehearsal.delaying_proxy",
        "--to", f"127.0.0.1:{port}", "--round-trip-ms", str(round_trip_ms),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None  # noqa: S101 - a pipe was asked for
        line = (await process.stdout.readline()).decode()
        yield int(line.rpartition(":")[2])
    finally:
        process.terminate()
        await process.wait()
