"""A gateway that answers anything at all: no answer ends a connector, fills the memory or says when for ever."""

import gzip
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest

from channels._answer import MOST_BYTES
from channels.wifi import Wifi
from channels.wifi.reconciler import Reconciler, Wanted
from hub.outbound import Outbound
from hub.reasons import sides
from hub.testing.channel_harness import send
from hub.testing.channel_suite import opened
from hub.testing.parcels import NOW, parcel
from tests.contract.every_connector import OVER_HTTP
from tests.contract.gateways import OfHttp
from tests.contract.wifi_vendors import WifiHarness
from yobikake.rehearsal.http import Odd

KANA = re.compile(r"[\u3040-\u30ff]")
JSON = {"Content-Type": "application/json"}
NEVER = ("9" * 30, "9" * 5000, "-1", "Fri, 31 Dec 9999 23:59:59 -2359", "Mon, 01 Jan 0001 00:00:00 +2359")
NOT_SO = (
    b"",
    b"null",
    b"[]",
    b"[[]]",
    b"7",
    b'{"errors":null,"data":null,"code":[],"message":[]}',
    b'{"errors":[[]],"data":[],"type":1,"title":1,"status":"x","code":{}}',
    b'{"sid":[],"id":"x","data":{"id":7},"value":"x","totalUsage":[],"messages":[{}],"calls":7}',
)
ODD = [
    *(Odd(status, b"{}", JSON | {"Retry-After": when}) for status in (429, 503) for when in NEVER),
    *(Odd(429, b"{}", JSON | {"x-rate-limit-reset": when}) for when in ("9" * 12, "9" * 5000, "soon")),
    *(Odd(status, b'{"a":' * 100_000, JSON) for status in (200, 201, 400)),
    *(Odd(status, b" " * (MOST_BYTES + 1), JSON) for status in (200, 500)),
    Odd(200, b"[" * 100_000, JSON),
    Odd(200, b"xxxxx", JSON | {"Content-Encoding": "gzip"}),
    Odd(200, b"xxxxx", JSON | {"Content-Encoding": "br"}),
    Odd(200, gzip.compress(b" " * 4 * MOST_BYTES), JSON | {"Content-Encoding": "gzip"}),
    Odd(400, b"\xff\xfe", {"Content-Type": "application/json; charset=base64"}),
    *(Odd(status, body, JSON) for status in (200, 201, 400, 401, 429) for body in NOT_SO),
]


WIFI = ("meraki", "openwrt", "unifi")
ASKS_NOTHING = ("push", "wordpress")
"""When it is opened."""


@asynccontextmanager
async def odd(kind: str, folder: Path) -> AsyncIterator[OfHttp]:
    async with OVER_HTTP[kind].running(folder) as harness:
        if isinstance(harness, WifiHarness):
            harness.facilities = harness.facilities[:2]
        yield harness


@pytest.fixture(autouse=True)
def authorities_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Outbound, "tls", cache(Outbound.tls))


@pytest.mark.parametrize("kind", OVER_HTTP)
async def test_no_answer_ends_a_connector(kind: str, tmp_path: Path) -> None:
    async with odd(kind, tmp_path) as harness, opened(harness) as channel:
        to = harness.recipients(2)
        for harness.gateway.odd in ODD:
            for again in (False, True):
                said = await send(channel, parcel(to, attempt=1 + again, resend=again))
                assert {each.recipient for each in said.results} == {each.id for each in to}, (
                    harness.gateway.odd
                )
                waits = [each.retry_after for each in said.results if each.retry_after is not None]
                assert all(timedelta(0) <= each <= timedelta(days=1) for each in waits), harness.gateway.odd
            japanese, english = sides((await channel.probe()).detail)
            assert KANA.search(japanese), harness.gateway.odd
            assert "Error" not in english, "a name in a program is no sentence"


@pytest.mark.parametrize("kind", OVER_HTTP)
async def test_no_answer_keeps_a_hub_from_starting(kind: str, tmp_path: Path) -> None:
    async with odd(kind, tmp_path) as harness:
        for harness.gateway.odd in ODD[::8]:
            async with opened(harness):
                assert harness.gateway.requests or kind in ASKS_NOTHING


@pytest.mark.parametrize("kind", WIFI)
async def test_no_answer_of_one_controller_ends_the_others(kind: str, tmp_path: Path) -> None:
    async with odd(kind, tmp_path) as harness, opened(harness) as channel:
        assert isinstance(channel, Wifi)
        reconciler = Reconciler(channel, _wanted, clock=lambda: NOW)
        for harness.gateway.odd in ODD:
            assert all(state.problem for state in await reconciler.run_once()), harness.gateway.odd


async def _wanted() -> Wanted:
    return Wanted(alerts=frozenset({"A"}))
