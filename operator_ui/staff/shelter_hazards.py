"""For which hazard the shelters' screens are read, and which hazards are threatening now."""

from aiohttp import web

from hub.alert import Mode
from hub.hazard import DESIGNABLE, Hazard
from hub.ledger import alerts
from operator_ui.staff.console import Console
from shelters.site import Site


async def live(console: Console) -> list[Hazard]:
    """The hazards of live alerts in force for which sites are designated; the newest alert's first, each once."""
    active = await console.ledger.read(lambda conn: alerts.active(conn, console.keys, at=console.clock()))
    hazards = (each.alert.hazard for each in active if each.alert.mode is Mode.LIVE)
    return list(dict.fromkeys(hazard for hazard in hazards if hazard.designable))


def shown(request: web.Request, threatening: list[Hazard]) -> Hazard:
    """As asked for, else that of the newest live alert, else flood."""
    asked = request.query.get("hazard", "")
    if asked in DESIGNABLE:
        return Hazard(asked)
    return threatening[0] if threatening else Hazard.FLOOD


def missing(site: Site, hazard: Hazard, threatening: list[Hazard]) -> list[Hazard]:
    """The hazards that keep `site` from being opened together with others: those of live alerts for which it is
    not designated; without a live alert, the one the screen shows."""
    return [each for each in threatening or [hazard] if not site.designated_for(each)]
