"""The table of Meraki's answers, over a server that gives them."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web

from channels.wifi.dashboard import Dashboard, NotDone
from channels.wifi.ssid import Slot
from hub.delivery import Outcome
from hub.testing.channel_suite import REHEARSAL


class Answering:
    """A server that gives one answer to everything."""

    def __init__(self) -> None:
        self.status, self.headers, self.body = 200, dict[str, str](), b"{}"

    async def answer(self, _: web.Request) -> web.Response:
        return web.Response(status=self.status, headers=self.headers, body=self.body)


@pytest.fixture
def server() -> Answering:
    return Answering()


@pytest.fixture
async def dashboard(server: Answering, tmp_path: Path) -> AsyncIterator[Dashboard]:
    app = web.Application()
    app.router.add_route("*", "/{any:.*}", server.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    (tmp_path / "key").write_text("kagi")
    dashboard = Dashboard(
        api_key_file=tmp_path / "key",
        base_url=f"http://127.0.0.1:{runner.addresses[0][1]}/api/v1",
        outbound=REHEARSAL,
        requests_per_s=1000,
        deadline=timedelta(seconds=20),
    )
    await dashboard.open()
    yield dashboard
    await dashboard.close()
    await runner.cleanup()


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (400, b'{"errors":["Invalid name"]}', Outcome.PERMANENT),
        (400, b'{"errors":["Too many concurrently executing batches. Maximum is 5"]}', Outcome.THROTTLE),
        (401, b"", Outcome.CREDENTIALS),
        (403, b"", Outcome.CREDENTIALS),
        (404, b"<html>", Outcome.PERMANENT),
        (302, b"", Outcome.CREDENTIALS),
        (308, b"", Outcome.CREDENTIALS),
        (429, b"", Outcome.THROTTLE),
        (500, b"", Outcome.TEMPORARY),
        (502, b"", Outcome.TEMPORARY),
        (200, b"<html>a proxy's page</html>", Outcome.TEMPORARY),
        (200, b"[]", Outcome.TEMPORARY),
    ],
)
async def test_what_an_answer_means(
    server: Answering, dashboard: Dashboard, status: int, body: bytes, outcome: Outcome
) -> None:
    server.status, server.body = status, body
    server.headers = {"Location": "https://gateway.example/"} if 300 <= status < 400 else {}
    with pytest.raises(NotDone) as raised:
        await dashboard.write(Slot("N_1", 0), {"name": "x"}, lambda: None)
    assert raised.value.outcome is outcome


@pytest.mark.parametrize(
    ("header", "expected"), [("7", timedelta(seconds=7)), ("Wed, 21 Oct 2026 07:28:00 GMT", None), ("", None)]
)
async def test_when_to_come_back(
    server: Answering, dashboard: Dashboard, header: str, expected: timedelta | None
) -> None:
    server.status, server.headers = 429, {"Retry-After": header}
    with pytest.raises(NotDone) as raised:
        await dashboard.read(Slot("N_1", 0), lambda: None)
    assert raised.value.retry_after == expected
