"""Ubiquiti's UniFi Network, by its integration API: read a Wi-Fi broadcast, write it, what its answers mean.

Paths, fields and types: the API description of UniFi Network 10.5 (`/integration/v1/sites/…/wifi/broadcasts/…`).
Keys are made in the console under Integrations and travel as `X-API-KEY`:
https://help.ui.com/hc/en-us/articles/30076656117655-Getting-Started-with-the-Official-UniFi-API
The description names no rate and no errors beyond HTTP's own (RFC 9110 §15); an error's body is not needed.
"""

from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import quote

import msgspec

from channels._secret import read_secret
from channels.wifi import settings, unifi_broadcast
from channels.wifi.controller import Gate, NotDone, Ssid, Words
from channels.wifi.wire import Answer, Wire, of_class, understood
from hub.delivery import Outcome
from hub.outbound import Outbound


class Unifi:
    """One console. A place is `site_id/broadcast_id`, both UUIDs.

    An update replaces the whole broadcast, so what is written is always made from what was just read.

    Raises (at construction):
        Refused, BadSettings: these settings cannot work in this hub.
    """

    requests: ClassVar[int] = 3
    concurrency: ClassVar[int] = 1
    words: Words = unifi_broadcast

    def __init__(self, own: settings.Unifi, outbound: Outbound, *, setting: str) -> None:
        self._headers = {"X-API-KEY": read_secret(own.api_key_file, setting=f"{setting} api_key_file")}
        self._wire = Wire(
            outbound=own.way(outbound),
            base_url=own.base_url,
            setting=f"{setting} base_url",
            requests_per_s=own.requests_per_s,
            timeout_s=own.timeout_s,
            connections=self.concurrency,
        )

    async def open(self) -> None:
        await self._wire.open()

    async def close(self) -> None:
        await self._wire.close()

    async def read(self, place: str, gate: Gate) -> Ssid:
        return _understood(await self._wire.ask("GET", _path(place), gate, headers=self._headers))

    async def write(self, place: str, wanted: Ssid, gate: Gate) -> None:
        body = msgspec.json.encode(wanted)
        _understood(await self._wire.ask("PUT", _path(place), gate, headers=self._headers, body=body))


def _path(place: str) -> str:
    site, _, broadcast = place.partition("/")
    return f"/v1/sites/{quote(site, safe='')}/wifi/broadcasts/{quote(broadcast, safe='')}"


STATUS: Mapping[int, Outcome] = {
    400: Outcome.PERMANENT,
    401: Outcome.CREDENTIALS,  # the key
    403: Outcome.CREDENTIALS,  # what the key may do
    404: Outcome.PERMANENT,  # no such site or broadcast: one facility's setting, not everyone's
    409: Outcome.TEMPORARY,  # somebody changed it in the console meanwhile: it is read again
    429: Outcome.THROTTLE,
}


def _understood(answer: Answer) -> Ssid:
    if answer.status == 200:
        return understood(answer, unifi_broadcast.Fields)
    outcome = STATUS.get(answer.status) or of_class(answer.status)
    raise NotDone(outcome, str(answer.status), retry_after=answer.retry_after)
