"""Keeps each facility's Wi-Fi as the alerts in force and the staff want it (docs/decisions/0006)."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import structlog

from channels.wifi import Facility, Wifi, ungated
from channels.wifi.dashboard import NotDone
from channels.wifi.saved import Saved
from hub.alert import Mode

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Who asks for open Wi-Fi now. Identifiers of alerts in force that name this channel, and refs
    of facilities that staff hold open by hand."""

    alerts: frozenset[str] = frozenset()
    drills: frozenset[str] = frozenset()
    holds: frozenset[str] = frozenset()

    def mode(self, ref: str, *, drill_facility: str | None) -> Mode | None:
        """As what a facility is to be open; None: as it was before. What is real outranks a drill."""
        if self.alerts or ref in self.holds:
            return Mode.LIVE
        return Mode.STAFF_DRILL if self.drills and ref == drill_facility else None


@dataclass(frozen=True, slots=True, kw_only=True)
class FacilityState:
    """`wanted` is None where nothing asks for it. `problem` is a short reason; empty: it is so."""

    ref: str
    wanted: Mode | None
    problem: str = ""


class Reconciler:
    """Run one in the whole hub, beside the workers of this channel, every half minute or so.

    `wanted` is asked anew for each facility, so an alert that begins during a round counts. It must
    raise when it cannot tell: an empty answer means that every facility is put back.
    """

    def __init__(self, wifi: Wifi, wanted: Callable[[], Awaitable[Wanted]]) -> None:
        self._wifi = wifi
        self._wanted = wanted

    async def run_once(self) -> Sequence[FacilityState]:
        """One round over all facilities, and over those that left the settings while they were open.

        A facility that cannot be changed now keeps no other from being changed; the next round
        tries it again. Doing it twice changes nothing.
        """
        facilities = self._wifi.settings.facilities
        known = {facility.slot for facility in facilities}
        kept = await asyncio.to_thread(self._wifi.saved.all)
        left = [state for state in kept if state.slot not in known]
        states = [await self._reconcile(facility) for facility in facilities]
        return states + [await self._drive(state, None) for state in left]

    async def _reconcile(self, facility: Facility) -> FacilityState:
        wanted = await self._wanted()
        mode = wanted.mode(facility.ref, drill_facility=self._wifi.settings.drill_facility)
        return await self._drive(facility, mode)

    async def _drive(self, place: Facility | Saved, mode: Mode | None) -> FacilityState:
        try:
            if mode is None:
                await self._wifi.restore(place.slot, gate=ungated)
            else:
                await self._wifi.switch_on(place.ref, mode, gate=ungated, only_drills=mode is not Mode.LIVE)
        except NotDone as e:
            log.warning("wifi not as wanted", facility=place.name, wanted=mode, reason=e.reason)
            return FacilityState(ref=place.ref, wanted=mode, problem=e.reason)
        return FacilityState(ref=place.ref, wanted=mode)
