"""The tables of each vendor's answers, over a server that gives them."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from channels.wifi import settings
from channels.wifi.controller import UNREADABLE, Controller, NotDone
from channels.wifi.vendors import controllers
from hub.delivery import Outcome
from hub.testing.channel_suite import REHEARSAL


class Answering:
    """A server that gives one answer to everything; to a login, a session first."""

    def __init__(self) -> None:
        self.status, self.headers, self.body = 200, dict[str, str](), b"{}"

    async def answer(self, request: web.Request) -> web.Response:
        if b'"login"' in await request.read() and self.status == 200:
            return web.json_response({"result": [0, {"ubus_rpc_session": "a" * 32}]})
        return web.Response(status=self.status, headers=self.headers, body=self.body)


@pytest.fixture
def server() -> Answering:
    return Answering()


@pytest.fixture
async def vendors(server: Answering, tmp_path: Path) -> AsyncIterator[dict[str, Controller]]:
    app = web.Application()
    app.router.add_route("*", "/{any:.*}", server.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    key, base = tmp_path / "key", f"http://127.0.0.1:{runner.addresses[0][1]}/api"
    key.write_text("kagi")
    made = controllers(
        {
            "meraki": settings.Meraki(api_key_file=key, base_url=base, requests_per_s=1000),
            "unifi": settings.Unifi(api_key_file=key, base_url=base, requests_per_s=1000),
            "openwrt": settings.Openwrt(password_file=key, base_url=base, requests_per_s=1000),
        },
        REHEARSAL,
    )
    for each in made.values():
        await each.open()
    yield made
    for each in made.values():
        await each.close()
    await runner.cleanup()


PLACES = {"meraki": "N_1/0", "unifi": "a/b", "openwrt": "hall"}
HTTP = [
    (302, b"", Outcome.CREDENTIALS),
    (308, b"", Outcome.CREDENTIALS),
    (401, b"", Outcome.CREDENTIALS),
    (403, b"", Outcome.CREDENTIALS),
    (429, b"", Outcome.THROTTLE),
    (500, b"", Outcome.TEMPORARY),
    (502, b"", Outcome.TEMPORARY),
    (200, b"<html>a proxy's page</html>", Outcome.TEMPORARY),
    (200, b"[]", Outcome.TEMPORARY),
    (200, b"\xff", Outcome.TEMPORARY),
]
SAID = [
    ("meraki", 400, b'{"errors":["Invalid name"]}', Outcome.PERMANENT),
    (
        "meraki",
        400,
        b'{"errors":["Too many concurrently executing batches. Maximum is 5"]}',
        Outcome.THROTTLE,
    ),
    ("meraki", 404, b"<html>", Outcome.PERMANENT),
    ("unifi", 400, b'{"statusCode":400}', Outcome.PERMANENT),
    ("unifi", 404, b"{}", Outcome.PERMANENT),
    ("unifi", 409, b"{}", Outcome.TEMPORARY),
    ("openwrt", 404, b"", Outcome.CREDENTIALS),
]


def _rpc(code: int) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 1, "error": {"code": code, "message": "no"}}).encode()


def _ubus(*result: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 1, "result": result}).encode()


UBUS = [
    (_rpc(-32700), Outcome.PERMANENT),
    (_rpc(-32601), Outcome.PERMANENT),
    (_rpc(-32000), Outcome.TEMPORARY),
    (_rpc(-32001), Outcome.CREDENTIALS),
    (_rpc(-32002), Outcome.CREDENTIALS),
    (_ubus(6), Outcome.CREDENTIALS),
    (_rpc(-32003), Outcome.TEMPORARY),
    (_rpc(1), Outcome.TEMPORARY),
    (_ubus(2), Outcome.PERMANENT),
    (_ubus(4), Outcome.PERMANENT),
    (_ubus(7), Outcome.TEMPORARY),
    (_ubus(99), Outcome.TEMPORARY),
    (_ubus(0, "not a table"), Outcome.TEMPORARY),
    (_ubus("zero"), Outcome.TEMPORARY),
    (_ubus(), Outcome.TEMPORARY),
    (b'{"jsonrpc":"2.0","id":1}', Outcome.TEMPORARY),
]


@pytest.mark.parametrize(
    "case",
    [
        *((vendor, *each) for vendor in ("meraki", "unifi", "openwrt") for each in HTTP),
        *SAID,
        *(("openwrt", 200, *each) for each in UBUS),
    ],
)
async def test_what_an_answer_means(
    server: Answering, vendors: dict[str, Controller], case: tuple[str, int, bytes, Outcome]
) -> None:
    vendor, status, body, outcome = case
    server.status, server.body = status, body
    server.headers = {"Location": "https://gateway.example/"} if 300 <= status < 400 else {}
    with pytest.raises(NotDone) as raised:
        await vendors[vendor].write(PLACES[vendor], {"name": "x", "key": "kagi"}, lambda: None)
    assert raised.value.outcome is outcome


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("7", timedelta(seconds=7)),
        ("Wed, 21 Oct 2015 07:28:00 GMT", timedelta(0)),
        ("9" * 30, timedelta(days=1)),
        ("", None),
    ],
)
@pytest.mark.parametrize("vendor", ["meraki", "unifi", "openwrt"])
async def test_when_to_come_back(
    server: Answering,
    vendors: dict[str, Controller],
    vendor: str,
    header: str,
    expected: timedelta | None,
) -> None:
    server.status, server.headers = 429, {"Retry-After": header}
    with pytest.raises(NotDone) as raised:
        await vendors[vendor].read(PLACES[vendor], lambda: None)
    assert raised.value.retry_after == expected


OPEN = {"name": "x", "enabled": True, "authMode": "open", "splashPage": "None", "visible": True}
WRONG = [
    ("meraki", OPEN | {"splashPage": ["x"]}),
    ("meraki", OPEN | {"authMode": {}}),
    ("meraki", OPEN | {"name": None}),
    ("unifi", {"name": "x", "securityConfiguration": {"type": ["OPEN"]}}),
    ("unifi", {"name": "x", "securityConfiguration": {"type": "WPA2_PERSONAL", "presharedKeys": ["x"]}}),
    ("unifi", {"name": "x", "securityConfiguration": "OPEN"}),
    ("unifi", {"name": 7}),
    ("openwrt", {"result": [0, {"values": {".type": "wifi-iface", "encryption": None}}]}),
    ("openwrt", {"result": [0, {"values": {".type": "wifi-iface", "disabled": ["1"]}}]}),
    ("openwrt", {"result": [[0], {}]}),
]


@pytest.mark.parametrize(("vendor", "said"), WRONG)
async def test_a_field_of_another_type_is_an_answer_that_cannot_be_read(
    server: Answering, vendors: dict[str, Controller], vendor: str, said: dict[str, Any]
) -> None:
    server.body = json.dumps(said).encode()
    with pytest.raises(NotDone) as raised:
        await vendors[vendor].read(PLACES[vendor], lambda: None)
    assert (raised.value.outcome, raised.value.reason) == (Outcome.TEMPORARY, UNREADABLE)
    assert not raised.value.silent
