"""The trial call of a registered number, from the console and from the command line: by a connector of its own, which
takes nothing from those that send."""

from hub import trial
from hub.authorise import Actor
from hub.city import City
from hub.clock import Clock
from hub.delivery import Result
from hub.keys import Keys
from hub.ledger import Ledger, deployment
from hub.outbound import Outbound
from hub.settings import Settings
from yobikake import connectors
from yobikake.telephone import KIND


async def call(
    settings: Settings, ledger: Ledger, keys: Keys, typed: str, actor: Actor, *, city: City, clock: Clock
) -> Result:
    """Call `typed`, which is registered. What came of it is the gateway's word, not that somebody picked up.

    Raises:
        BadSettings: nobody is called by this hub.
        Forbidden, BadInput, Conflict, DatabaseAway: as `trial.ask`.
        Refused: the gateway is not one this hub may talk to.
    """
    connectors.require(KIND, settings)
    kind = await ledger.read(deployment.read)
    outbound = Outbound(
        deployment=kind,
        proxy=settings.proxy.url,
        direct=settings.proxy.direct,
        ca_file=settings.proxy.ca_file,
    )
    channel = connectors.configured(KIND, settings, outbound, clock).channel
    try:
        await channel.open()
        asked = await trial.ask(ledger, keys, KIND, typed, actor, at=clock())
        return await trial.call(channel, asked, city=city.names, clock=clock)
    finally:
        await channel.close()
