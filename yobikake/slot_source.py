"""What fills the texts' slots: the city's names and links, and the shelters as they are now."""

import time
from collections.abc import Mapping, Set

import structlog

from hub import calling
from hub.channel import Content
from hub.city import City
from hub.clock import Clock
from hub.delivery import Variant
from hub.hazard import Hazard
from hub.language import Language
from hub.ledger.alerts import Accepted
from hub.recipient import Zone
from hub.render import render
from hub.shelter_list import ShelterLines
from shelters.board import Board, LiveBoard
from shelters.site import Site, SiteCode
from shelters.suited import Suited

log = structlog.get_logger(__name__)

FRESH_S = 1.0
"""A fan-out renders some hundred variants within moments: they share one look at the board."""


class CitySlots:
    """A `SlotSource` over one look at the board. Which site may be named is the board's to say (I16)."""

    def __init__(
        self,
        city: City,
        sites: Mapping[SiteCode, Site],
        board: Board | None,
        public_url: str,
        *,
        phone_in: str = "",
    ) -> None:
        """`phone_in`: the number of the line that tells what is true now; without it the city's own is named."""
        self._telephone = phone_in or city.contact.telephone
        self._city = city
        self._official = {site.name.ja for site in sites.values()}
        self._board = board
        self._public_url = public_url

    def shelters(self, zone: Zone | None, hazard: Hazard, language: Language) -> ShelterLines | None:
        if self._board is None or not hazard.designable:
            return None
        known = self._city.zones.get(zone) if zone is not None else None
        near = known.centre if known is not None else self._city.centre
        return self._board.lines(hazard, near=near, zone=zone)

    def official(self, site: str) -> bool:
        return site in self._official

    def named(self, hazard: Hazard) -> Set[str] | None:
        """As `hub.naming.Naming`. One that is to be full soon is named by what was said before it was known."""
        if self._board is None:
            return None
        told = ((row.site.name.ja, row.suited(hazard)) for row in self._board.rows)
        return {name for name, verdict in told if verdict.recommended or verdict is Suited.FILLING}

    def city(self, language: Language) -> str:
        names = self._city.names
        return names.get(language) or names.get(language.fallback) or names[Language.JA]

    def link(self, number: str, language: Language) -> str:
        return f"{self._public_url}/{language}/a/{number}"

    def telephone(self) -> str:
        return self._telephone


class Renderer:
    """Renders variants with the shelters of this moment."""

    def __init__(
        self,
        *,
        city: City,
        sites: Mapping[SiteCode, Site],
        live_board: LiveBoard,
        public_url: str,
        phone_in: str = "",
        clock: Clock,
    ) -> None:
        self._city, self._sites, self._live_board = city, sites, live_board
        self._public_url, self._phone_in, self._clock = public_url, phone_in, clock
        self._slots: CitySlots | None = None
        self._looked_at = -FRESH_S

    async def slots(self) -> CitySlots:
        """Over the board as it was at most a second ago."""
        if self._slots is None or time.monotonic() - self._looked_at >= FRESH_S:
            self._slots = CitySlots(
                self._city, self._sites, await self._board(), self._public_url, phone_in=self._phone_in
            )
            self._looked_at = time.monotonic()
        return self._slots

    async def named(self, hazard: Hazard) -> Set[str] | None:
        """As `hub.naming.Naming`, at most a second old."""
        return (await self.slots()).named(hazard)

    async def _board(self) -> Board | None:
        """None when it cannot be had: an alert leaves without its list of sites rather than not at all."""
        try:
            return await self._live_board.now()
        except Exception:
            log.exception("the shelter board cannot be read; texts use their fallback")
            return None

    async def render(self, accepted: Accepted, variant: Variant) -> Content:
        alert = accepted.alert
        content = render(alert, variant, await self.slots(), self._clock, number=accepted.number)
        return calling.up_to_the_token(content, alert, public_url=self._public_url)
