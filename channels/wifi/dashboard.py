"""Cisco Meraki's Dashboard API: read an SSID, write an SSID, and what its answers mean.

Answers: https://developer.cisco.com/meraki/api-v1/http-response-codes/
Rate limit: https://developer.cisco.com/meraki/api-v1/rate-limit/
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import msgspec

from channels._secret import read_secret
from channels._session import GatewaySession
from channels.wifi.ssid import Slot, Ssid
from hub import typed
from hub.delivery import Outcome
from hub.errors import DeliveryFailure
from hub.outbound import Outbound

Gate = Callable[[], None]


class NotDone(DeliveryFailure):
    """The SSID is not known to be as wanted. Nothing here is ambiguous: a repeat does no harm."""

    def __init__(self, outcome: Outcome, reason: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(reason, f"Wi-Fi: {reason}")
        self.outcome = outcome
        self.retry_after = retry_after


class Dashboard:
    """One organisation's API, at its rate. Every request asks its gate first and follows no redirect:
    the library's and a shard's redirects would carry the key elsewhere.

    Raises (at construction):
        Refused, BadSettings: these settings cannot work in this hub.
    """

    def __init__(
        self,
        *,
        api_key_file: Path,
        base_url: str,
        outbound: Outbound,
        requests_per_s: float,
        deadline: timedelta,
    ) -> None:
        self._key = read_secret(api_key_file, setting="[channels.wifi] api_key_file")
        self._base_url = base_url.rstrip("/")
        self._turns = _Turns(requests_per_s)
        self._session = GatewaySession(
            outbound=outbound,
            base_url=base_url,
            setting="[channels.wifi] base_url",
            timeout_s=deadline.total_seconds(),
            connections=2,
        )

    async def open(self) -> None:
        await self._session.open()

    async def close(self) -> None:
        await self._session.close()

    async def read(self, slot: Slot, gate: Gate) -> Ssid:
        """The SSID as it is. Raises `NotDone`, or what the gate raises."""
        return await self._request("GET", _path(slot), gate)

    async def write(self, slot: Slot, fields: Ssid, gate: Gate) -> None:
        """Change these fields. Raises as `read` does; what really happened only `read` tells."""
        await self._request("PUT", _path(slot), gate, body=msgspec.json.encode(fields))

    async def _request(self, method: str, path: str, gate: Gate, *, body: bytes | None = None) -> Ssid:
        await self._turns.take()
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        try:
            async with (
                self._session.gated(gate),
                self._session.request(method, self._base_url + path, data=body, headers=headers) as answer,
            ):
                return _understand(answer.status, answer.headers, await answer.read())
        except (aiohttp.ClientError, TimeoutError) as e:
            raise NotDone(Outcome.TEMPORARY, type(e).__name__) from None


class _Turns:
    """Spreads requests to a rate, in the order they come."""

    def __init__(self, per_s: float) -> None:
        self._gap_s = 1 / per_s
        self._next = 0.0

    async def take(self) -> None:
        now = asyncio.get_running_loop().time()
        turn = max(now, self._next)
        self._next = turn + self._gap_s
        await asyncio.sleep(turn - now)


def _path(slot: Slot) -> str:
    return f"/networks/{quote(slot.network_id, safe='')}/wireless/ssids/{slot.number}"


STATUS: Mapping[int, Outcome] = {
    400: Outcome.PERMANENT,
    401: Outcome.CREDENTIALS,  # the key
    403: Outcome.CREDENTIALS,  # what the key may do
    404: Outcome.PERMANENT,  # this network is not the key's: one facility's setting, not everyone's
    429: Outcome.THROTTLE,
}

BATCHES = b"Too many concurrently executing batches"


def _understand(status: int, headers: Mapping[str, str], body: bytes) -> Ssid:
    if status == 200:
        try:
            return typed.from_json(body, dict[str, Any])
        except msgspec.DecodeError:
            raise NotDone(Outcome.TEMPORARY, "unreadable answer") from None
    if status == 400 and BATCHES in body:
        raise NotDone(Outcome.THROTTLE, "batches")
    outcome = STATUS.get(status) or _by_class(status)
    raise NotDone(outcome, str(status), retry_after=_seconds(headers.get("Retry-After", "")))


def _by_class(status: int) -> Outcome:
    """A redirect means that base_url is not where the API is."""
    if 300 <= status < 400:
        return Outcome.CREDENTIALS
    return Outcome.PERMANENT if 400 <= status < 500 else Outcome.TEMPORARY


def _seconds(retry_after: str) -> timedelta | None:
    return timedelta(seconds=int(retry_after)) if retry_after.isdecimal() else None
