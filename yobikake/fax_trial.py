"""A test page to one number: whoever registers a fax sees that it comes out, and what it looks like."""

from hub import canary, contact
from hub import city as cities
from hub.alert import Lane
from hub.clock import Clock
from hub.contact import Wrong
from hub.errors import BadInput
from hub.language import Language
from hub.ledger import deployment
from hub.outbound import Deployment, Outbound
from hub.settings import Settings
from shelters.site import load_sites
from yobikake import connectors, initialise
from yobikake.assembly import city_folder

FAX = "fax"


async def try_out(settings: Settings, typed: str, clock: Clock) -> None:
    """Returns once the smarthost has taken it.

    Raises:
        BadInput: this is no telephone number; it is not shown.
        BadSettings, Refused: there is no fax here, or this hub may not use it.
        DeliveryFailure: the smarthost did not take it.
    """
    from channels.fax import Fax  # noqa: PLC0415 - loaded only by a hub that has it

    number = _number(typed)
    connectors.require(FAX, settings)
    async with initialise.opened(settings) as ledger:
        kind = Deployment(await ledger.read(deployment.read))
    outbound = Outbound(
        deployment=kind,
        proxy=settings.proxy.url,
        direct=settings.proxy.direct,
        ca_file=settings.proxy.ca_file,
    )
    fax = connectors.configured(FAX, settings, outbound, clock).by_lane[Lane.ROUTINE]
    assert isinstance(fax, Fax)  # noqa: S101 - as `connectors.CONNECTORS` says
    folder = city_folder(settings.city)
    city = cities.load(folder)
    fax.know(city, {site.name.ja: site.position for site in load_sites(folder).values()})
    page = canary.content(
        city=city.names[Language.JA], number="FAX-TEST", link=settings.residents.url, sent=clock()
    )
    try:
        await fax.open()
        await fax.try_out(number, page)
    finally:
        await fax.close()


def _number(typed: str) -> str:
    try:
        return contact.telephone(typed)
    except Wrong as e:
        raise BadInput("NUMBER", f"{e.english} / {e.japanese}") from e
