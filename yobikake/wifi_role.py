"""Wi-Fi as the alerts in force want it: the reconciler's beat, and what it asks the ledger."""

import asyncio

from channels.wifi import Wifi
from channels.wifi.controller import DISASTER
from channels.wifi.reconciler import Reconciler, Wanted
from hub.alert import Mode
from hub.ledger import alerts
from hub.settings import Settings
from yobikake.assembly import Assembly

EVERY_S = 30.0
KIND = "wifi"


async def run(assembly: Assembly) -> None:
    """Until cancelled. A facility is put back only when no alert in force asks for it."""
    wifi = assembly.channels[KIND].channel
    assert isinstance(wifi, Wifi)  # noqa: S101 - the connector of this kind
    reconciler = Reconciler(wifi, lambda: wanted(assembly), clock=assembly.clock)
    while True:
        await reconciler.run_once()
        await asyncio.sleep(EVERY_S)


def ssid(settings: Settings) -> str:
    """The name of the disaster Wi-Fi, also where this hub drives none."""
    return str(settings.channels.get(KIND, {}).get("ssid_name", DISASTER))


async def wanted(assembly: Assembly) -> Wanted:
    """Raises what the ledger raises: not knowing is not the same as nobody asking."""
    active = await assembly.ledger.read(lambda conn: alerts.active(conn, assembly.keys, at=assembly.clock()))
    asking = [each.alert for each in active if KIND in each.alert.targeting.channels]
    return Wanted(
        alerts=frozenset(alert.identifier for alert in asking if alert.mode is Mode.LIVE),
        drills=frozenset(alert.identifier for alert in asking if alert.mode is not Mode.LIVE),
    )
