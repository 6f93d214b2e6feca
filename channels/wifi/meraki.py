"""Cisco Meraki's Dashboard API: read an SSID, write an SSID, and what its answers mean.

An SSID's outage schedule is a resource of its own; here it is a field of the SSID, `meraki_ssid.HOURS`:
https://developer.cisco.com/meraki/api-v1/get-network-wireless-ssid-schedules/
Answers: https://developer.cisco.com/meraki/api-v1/http-response-codes/
Rate limit: https://developer.cisco.com/meraki/api-v1/rate-limit/
"""

from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import quote

import msgspec

from channels._secret import read_secret
from channels.wifi import meraki_ssid, settings
from channels.wifi.controller import Gate, NotDone, Ssid, Words
from channels.wifi.meraki_ssid import HOURS
from channels.wifi.wire import Answer, Wire, of_class, understood
from hub.delivery import Outcome
from hub.outbound import Outbound


class Meraki:
    """One organisation's API, at its rate. A place is `network_id/ssid_number`.

    Raises (at construction):
        Refused, BadSettings: these settings cannot work in this hub.
    """

    requests: ClassVar[int] = 5
    concurrency: ClassVar[int] = 2
    words: Words = meraki_ssid

    def __init__(self, own: settings.Meraki, outbound: Outbound, *, setting: str) -> None:
        self._headers = {
            "Authorization": f"Bearer {read_secret(own.api_key_file, setting=f'{setting} api_key_file')}"
        }
        self._wire = Wire(
            outbound=outbound,
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
        ssid = _understood(await self._ask("GET", _path(place), gate), meraki_ssid.Fields)
        hours = await self._ask("GET", _hours(place), gate)
        if hours.status in _NO_HOURS:
            return ssid
        return {**ssid, HOURS: _understood(hours, meraki_ssid.Hours)}

    async def write(self, place: str, wanted: Ssid, gate: Gate) -> None:
        if HOURS in wanted:
            _understood(await self._ask("PUT", _hours(place), gate, wanted[HOURS]), meraki_ssid.Hours)
        fields = {field: value for field, value in wanted.items() if field != HOURS}
        _understood(await self._ask("PUT", _path(place), gate, fields), meraki_ssid.Fields)

    async def _ask(self, method: str, path: str, gate: Gate, fields: Ssid | None = None) -> Answer:
        body = None if fields is None else msgspec.json.encode(fields)
        return await self._wire.ask(method, path, gate, headers=self._headers, body=body)


def _path(place: str) -> str:
    network, _, number = place.rpartition("/")
    return f"/networks/{quote(network, safe='')}/wireless/ssids/{number}"


def _hours(place: str) -> str:
    return f"{_path(place)}/schedules"


STATUS: Mapping[int, Outcome] = {
    400: Outcome.PERMANENT,
    401: Outcome.CREDENTIALS,  # the key
    403: Outcome.CREDENTIALS,  # what the key may do
    404: Outcome.PERMANENT,  # this network is not the key's: one facility's setting, not everyone's
    429: Outcome.THROTTLE,
}

_NO_HOURS = frozenset({400, 403, 404})
"""Of an SSID that could be read: it has none that this key may see, and is opened all the same."""

BATCHES = b"Too many concurrently executing batches"


def _understood(answer: Answer, kind: type) -> Ssid:
    if answer.status == 200:
        return understood(answer, kind)
    if answer.status == 400 and BATCHES in answer.body:
        raise NotDone(Outcome.THROTTLE, "batches")
    outcome = STATUS.get(answer.status) or of_class(answer.status)
    raise NotDone(outcome, str(answer.status), retry_after=answer.retry_after)
