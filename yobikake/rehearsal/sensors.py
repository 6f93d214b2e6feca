"""People who come to shelters, and the counters at the doors that see most of them. Nobody is real.

The same seed gives the same people, whatever the pace. Capacities are invented here and exist in a
rehearsal only. Readings leave through real clients: HTTP to the gateway, MQTT to a broker.
"""

import random
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import aiohttp
import aiomqtt
import msgspec

from hub.errors import TemporaryFailure
from shelters.device import Counts, Device, Devices, new_key
from shelters.mqtt import TOPIC
from shelters.site import Facility, Site, SiteCode
from yobikake.evaluation.crowds import Crowd, Door
from yobikake.evaluation.departures import Departures

DOORS = ("north", "south")
FITTED_OUT = 0.5
"""Of the sites, for each thing that people ask for."""

Sent = dict[str, object]
"""A reading in the form of `shelters.reading`."""


def with_inventions(sites: Iterable[Site], *, seed: int) -> dict[SiteCode, Site]:
    """The sites, each with room for 250 to 700 people, in tens, and fitted out for some of what people ask for."""
    return {
        site.code: msgspec.structs.replace(
            site,
            capacity=10 * _random(seed, site).randint(25, 70),
            facilities=frozenset(
                each for each in Facility if _random(seed, site, each.value).random() < FITTED_OUT
            ),
        )
        for site in sites
    }


class Sensors:
    """Counters at every door of `sites`, and a tablet for the staff there."""

    def __init__(
        self, sites: Mapping[SiteCode, Site], *, seed: int, interval: timedelta, missed: float = 0.05
    ) -> None:
        """`sites` have a capacity (`with_inventions`). `interval`: how often `read` will be called."""
        self.token, self._digest = new_key()
        """What the devices show at the gateway."""
        self._interval = interval
        self._error_percent = round(100 * missed, 1)
        self._crowds = {code: _crowd(site, seed, missed) for code, site in sites.items()}
        self._run, self._count = secrets.token_hex(4), 0

    @property
    def devices(self) -> Devices:
        """The register that knows them."""
        devices = [
            Device(
                id=f"{site}-{name}",
                site=site,
                counts=counts,
                key="rehearsal",
                interval=self._interval,
                error_percent=None if counts is Counts.STAFF else self._error_percent,
            )
            for site in self._crowds
            for name, counts in [*((door, Counts.DOOR_TOTALS) for door in DOORS), ("tablet", Counts.STAFF)]
        ]
        return Devices(devices, {self._digest: "rehearsal"})

    def toml(self) -> str:
        """The same as `devices`, as a city writes it in `devices.toml`."""
        lines = [f'[[keys]]\nname = "rehearsal"\nsha256 = "{self._digest}"\n']
        for site in self._crowds:
            for device in self.devices.at(site):
                lines.append(
                    f'[[devices]]\nid = "{device.id}"\nsite = "{site}"\ncounts = "{device.counts.value}"\n'
                    f'key = "rehearsal"\ninterval_s = {self._interval.seconds}\n'
                    + (
                        f"error_percent = {device.error_percent}\n"
                        if device.error_percent is not None
                        else ""
                    )
                )
        return "\n".join(lines)

    def open(self, at: datetime) -> list[Sent]:
        """The doors' first readings, and staff at every site who say how many are inside as it opens."""
        said = [
            self._sent(f"{site}-tablet", at, kind="staff_word", people=crowd.people)
            for site, crowd in self._crowds.items()
        ]
        return [*self._doors(at), *said]

    def read(self, at: datetime, *, minute: int) -> list[Sent]:
        """What every door has counted by `minute` of the event, with `at` as the time of the reading."""
        for crowd in self._crowds.values():
            crowd.advance(minute)
        return self._doors(at)

    def people(self, site: SiteCode) -> int:
        """How many are inside in truth; no counter knows."""
        return self._crowds[site].people

    def _doors(self, at: datetime) -> list[Sent]:
        return [
            self._sent(
                f"{site}-{door}", at, kind="door_totals", **{"in": counter.entered, "out": counter.left}
            )
            for site, crowd in self._crowds.items()
            for door, counter in zip(DOORS, crowd.doors, strict=True)
        ]

    def _sent(self, device: str, at: datetime, **measure: object) -> Sent:
        self._count += 1
        return {"id": f"{self._run}-{self._count}", "device": device, "at": at.isoformat(), **measure}


async def post(session: aiohttp.ClientSession, url: str, token: str, readings: Sequence[Sent]) -> int:
    """Send them to the gateway at `url`; how many it took.

    Raises:
        TemporaryFailure: it asks to be sent them again.
    """
    headers = {"Authorization": f"Bearer {token}"}
    async with session.post(url, json={"readings": readings}, headers=headers) as response:
        answer = await response.json()
        if response.status in (429, 503):
            wait = timedelta(seconds=int(response.headers["Retry-After"]))
            raise TemporaryFailure(str(response.status), "the gateway asks to wait", retry_after=wait)
        return int(answer["taken"])


async def publish(client: aiomqtt.Client, readings: Sequence[Sent]) -> None:
    """Send each to its device's topic; returns once the broker has them all."""
    for reading in readings:
        await client.publish(
            f"{TOPIC}{reading['device']}", msgspec.json.encode({"readings": [reading]}), qos=1
        )


def _crowd(site: Site, seed: int, missed: float) -> Crowd:
    """Between half of what the site holds and a fifth more than that comes."""
    if site.capacity is None:
        raise ValueError(f"{site.code} has no capacity: give it an invented one first")
    chance = _random(seed, site, "crowd")
    return Crowd(
        random=chance,
        coming=round(site.capacity * chance.uniform(0.5, 1.2)),
        departures=Departures(midpoint_min=chance.uniform(20, 90), scale_min=chance.uniform(15, 40)),
        doors=[Door(missed_in=missed, missed_out=missed) for _ in DOORS],
    )


def _random(seed: int, site: Site, purpose: str = "capacity") -> random.Random:
    return random.Random(f"{seed}:{site.code}:{purpose}")  # noqa: S311 (a rehearsal, not a secret)
