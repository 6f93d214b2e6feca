"""What a provider, or anybody else, posts to the hub: read within limits, whatever it declares."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from channels.voice import Settings, Voice
from hub.alert import Lane
from hub.clock import utc_now
from tests.integration.engine import OUTBOUND, engine
from yobikake import callbacks
from yobikake.connectors import Configured
from yobikake.rehearsal.servers.port import free_port


@pytest.fixture
async def port(tmp_path: Path) -> AsyncIterator[int]:
    """A listener for the telephone's callbacks."""
    token, site = tmp_path / "twilio.token", free_port()
    token.write_text("not-a-token-of-anybody")
    settings = Settings(
        account_sid="AC" + "5" * 32, auth_token_file=token, from_number="+815012345678",
        base_url="http://127.0.0.1:1", callback_url=f"http://127.0.0.1:{site}/callbacks/voice",
    )  # fmt: skip
    voice = Voice(settings, outbound=OUTBOUND, clock=utc_now)
    async with engine(tmp_path, channels={"voice": voice}) as hub:
        app = web.Application()
        configured = {
            "voice": Configured(by_lane=dict.fromkeys(Lane, voice), capabilities=voice.capabilities)
        }
        app.add_routes(callbacks.routes(configured, hub.postbox))
        listener = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await listener.setup()
        await web.TCPSite(listener, "127.0.0.1", site).start()
        yield site
        await listener.cleanup()


async def chunks(size_bytes: int) -> AsyncIterator[bytes]:
    for _ in range(size_bytes // 1024):
        yield b"x" * 1024


@pytest.mark.parametrize(
    ("size_bytes", "status"), [(callbacks.MOST_BYTES, 403), (callbacks.MOST_BYTES + 1024, 413)]
)
async def test_a_body_that_does_not_say_how_long_it_is_has_the_same_limit(
    port: int, size_bytes: int, status: int
) -> None:
    async with (
        aiohttp.ClientSession() as client,
        client.post(f"http://127.0.0.1:{port}/callbacks/voice", data=chunks(size_bytes)) as answer,
    ):
        assert answer.status == status


async def test_a_body_that_never_ends_does_not_hold_the_connection(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callbacks, "WHOLE_WITHIN_S", 0.05)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /callbacks/voice HTTP/1.1\r\nHost: hub\r\nContent-Length: 100\r\n\r\nbegun")
    async with asyncio.timeout(120):
        assert (await reader.readline()).startswith(b"HTTP/1.1 408 ")
        await reader.read()  # to the end: the hub hangs up
    writer.close()
    await writer.wait_closed()
