"""The way to one controller: its rate, its gate, its answers as bytes."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, NamedTuple

import aiohttp
import msgspec

from channels._answer import Unreadable, retry_after
from channels._session import GatewaySession, why
from channels.wifi.controller import UNREADABLE, Gate, NotDone, Ssid
from hub import typed
from hub.clock import utc_now
from hub.delivery import Outcome
from hub.outbound import Outbound


class Answer(NamedTuple):
    status: int
    retry_after: timedelta | None
    body: bytes


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
                wait = retry_after(answer.headers.get("Retry-After"), now=utc_now())
                return Answer(answer.status, wait, await answer.read())
        except (aiohttp.ClientError, TimeoutError) as e:
            raise NotDone(Outcome.TEMPORARY, why(e), silent=not isinstance(e, Unreadable)) from None

    async def _turn(self) -> None:
        now = asyncio.get_running_loop().time()
        turn = max(now, self._next)
        self._next = turn + self._gap_s
        await asyncio.sleep(turn - now)


def understood(answer: Answer, kind: type) -> Ssid:
    """The vendor's own fields, all of them; those that are understood are of `kind`'s types.

    Raises `NotDone`.
    """
    try:
        found = typed.from_json(answer.body, dict[str, Any])
        typed.convert(found, kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise NotDone(Outcome.TEMPORARY, UNREADABLE) from None
    return found


def of_class(status: int) -> Outcome:
    """A status that no vendor's table names. A redirect means that base_url is not where the API is."""
    if 300 <= status < 400:
        return Outcome.CREDENTIALS
    return Outcome.PERMANENT if 400 <= status < 500 else Outcome.TEMPORARY
