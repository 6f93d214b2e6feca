"""The way to one controller: its rate, its gate, its answers as bytes."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple

import aiohttp

from channels._session import GatewaySession
from channels.wifi.controller import Gate, NotDone
from hub.delivery import Outcome
from hub.outbound import Outbound


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def retry_after(self) -> timedelta | None:
        """Where it says so in seconds; the other form of the header, a date, nobody here sends."""
        seconds = self.headers.get("Retry-After", "")
        return timedelta(seconds=int(seconds)) if seconds.isdecimal() else None


class Wire:
    """Requests are spread to `requests_per_s`, in the order they come. No redirect is followed: it would carry
    the key elsewhere.

    Raises (at construction):
        Refused: this hub may not talk to `base_url`; `setting` names its place.
    """

    def __init__(
        self,
        *,
        outbound: Outbound,
        base_url: str,
        setting: str,
        requests_per_s: float,
        timeout_s: float,
        connections: int,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._gap_s = 1 / requests_per_s
        self._next = 0.0
        self._session = GatewaySession(
            outbound=outbound,
            base_url=base_url,
            setting=setting,
            timeout_s=timeout_s,
            connections=connections,
        )

    async def open(self) -> None:
        await self._session.open()

    async def close(self) -> None:
        await self._session.close()

    async def ask(
        self, method: str, path: str, gate: Gate, *, headers: Mapping[str, str], body: bytes | None = None
    ) -> Answer:
        """Raises `NotDone` (temporary) where no answer came, or what the gate raises."""
        await self._turn()
        headers = {"Content-Type": "application/json", **headers}
        try:
            async with (
                self._session.gated(gate),
                self._session.request(method, self._base_url + path, data=body, headers=headers) as answer,
            ):
                return Answer(answer.status, dict(answer.headers), await answer.read())
        except (aiohttp.ClientError, TimeoutError) as e:
            raise NotDone(Outcome.TEMPORARY, type(e).__name__, silent=True) from None

    async def _turn(self) -> None:
        now = asyncio.get_running_loop().time()
        turn = max(now, self._next)
        self._next = turn + self._gap_s
        await asyncio.sleep(turn - now)


def of_class(status: int) -> Outcome:
    """A status that no vendor's table names. A redirect means that base_url is not where the API is."""
    if 300 <= status < 400:
        return Outcome.CREDENTIALS
    return Outcome.PERMANENT if 400 <= status < 500 else Outcome.TEMPORARY
