"""Who is registered with the hub under test: the same few hundred people in every run."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tomli_w

from hub import city as cities
from hub import keys as key_files
from hub import settings
from hub.clock import utc_now
from hub.ledger import register
from hub.ledger.register import Registration
from hub.outbound import Deployment
from hub.recipient import RecipientId
from yobikake import initialise
from yobikake.assembly import city_folder
from yobikake.rehearsal.residents import Place, residents, staff

CITY = "akishima"
RESIDENTS = 400
CALLED = 40
"""At most so many by telephone: calls are slow."""
STAFF = 12

Register = Mapping[RecipientId, Registration]
"""Everyone by their id, with their addresses: the instrument's own copy, which the hub never sees."""


async def populate(folder: Path, stanzas: Mapping[str, Any]) -> Register:
    """Make `folder` a hub's (keys, ledger), and register everybody. `stanzas` may name a ledger elsewhere."""
    path = folder / initialise.SETTINGS
    path.write_text(tomli_w.dumps({"data": "data", "city": CITY, **stanzas}), encoding="utf-8")
    await initialise.initialise(folder, CITY, Deployment.REHEARSAL, at=utc_now())
    found = settings.load(path)
    keys = key_files.load(found.keys)
    people = registrations()
    async with initialise.opened(found) as ledger:
        ids = await ledger.write(lambda conn: register.add(conn, keys, people, at=utc_now()))
        await ledger.write(lambda conn: register.rebuild(conn, keys))
    return dict(zip(ids, people, strict=True))


def registrations() -> Sequence[Registration]:
    """Residents first, then staff."""
    towns = cities.load(city_folder(CITY)).towns.values()
    places = [Place(town.code, town.zone, town.population or 1_000) for town in towns]
    invented = [*residents(places, n=RESIDENTS, voice_max=CALLED), *staff(n=STAFF)]
    return [persona.registration for persona in invented]
