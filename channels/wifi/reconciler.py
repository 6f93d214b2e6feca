"""Keeps each facility's Wi-Fi as the alerts in force and the staff want it (docs/decisions/0006)."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from msgspec import structs

from channels.wifi import Facility, Wifi, ungated
from channels.wifi.controller import NotDone
from channels.wifi.saved import Saved
from channels.wifi.turns import Turns
from hub.alert import Mode
from hub.clock import Clock
from hub.wifi_state import FacilityState

log = structlog.get_logger(__name__)

LOOK_EVERY = timedelta(minutes=5)
"""How often a facility of which nothing is wanted is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Who asks for open Wi-Fi now. Identifiers of alerts in force that name this channel, and refs of facilities
    that staff hold open by hand or have chosen for a drill of the Wi-Fi alone."""

    alerts: frozenset[str] = frozenset()
    drills: frozenset[str] = frozenset()
    holds: frozenset[str] = frozenset()
    drilled: frozenset[str] = frozenset()

    def mode(self, ref: str, *, drill_facilities: Sequence[str]) -> Mode | None:
        """As what a facility is to be open; None: as it was before. What is real outranks a drill."""
        if self.alerts or ref in self.holds:
            return Mode.LIVE
        if ref not in drill_facilities:
            return None
        return Mode.STAFF_DRILL if self.drills or ref in self.drilled else None


class Reconciler:
    """Run one in the whole hub, beside the workers of this channel, every half minute or so.

    `wanted` is asked anew for each facility, so an alert that begins during a round counts. It must
    raise when it cannot tell: an empty answer means that every facility is put back.
    """

    def __init__(self, wifi: Wifi, wanted: Callable[[], Awaitable[Wanted]], *, clock: Clock) -> None:
        self._wifi = wifi
        self._wanted = wanted
        self._clock = clock
        self._last: dict[str, FacilityState] = {}
        self._turns = Turns(wifi.controllers)
        self.left: Sequence[FacilityState] = ()
        """After a round: what left the settings while it was open, and could not be put back yet."""

    async def run_once(self) -> Sequence[FacilityState]:
        """One round over all facilities, and over those that left the settings while they were open.

        Each controller's facilities wait for each other as it wants it, and for no other controller's. One that
        cannot be changed now keeps no other from being changed; the next round tries it again. Doing it twice
        changes nothing.
        """
        facilities = self._wifi.settings.facilities
        known = {facility.slot for facility in facilities}
        kept = await asyncio.to_thread(self._wifi.saved.all)
        left = [state for state in kept if state.slot not in known]
        self._turns = Turns(self._wifi.controllers)
        states = await _all(self._reconcile(each) for each in facilities)
        self.left = [await self._drive(each, None) for each in left]
        self._last = {state.ref: state for state in states}
        return [*states, *self.left]

    async def _reconcile(self, facility: Facility) -> FacilityState:
        async with self._turns.turn(facility.controller):
            wanted = await self._wanted()
            mode = wanted.mode(facility.ref, drill_facilities=self._wifi.settings.drill_facilities)
            return await self._drive(facility, mode)

    async def _drive(self, place: Facility | Saved, mode: Mode | None) -> FacilityState:
        before = self._last.get(place.ref, FacilityState(ref=place.ref))
        state = structs.replace(before, name=place.name, wanted=mode, **self._of_settings(place))
        try:
            with self._turns.apart(place.slot.controller, place.name):
                shows = await self._driven(place, mode, before)
        except NotDone as e:
            log.warning("wifi not as wanted", facility=place.name, wanted=mode, reason=e.reason)
            return structs.replace(state, problem=e.reason, failed=before.failed + 1)
        if shows is None:
            return structs.replace(state, problem="", failed=0)
        return structs.replace(state, problem="", failed=0, shows=shows, read_at=self._clock())

    def _of_settings(self, place: Facility | Saved) -> dict[str, Any]:
        if isinstance(place, Saved):
            return {}
        return {"site": place.site, "drills": place.ref in self._wifi.settings.drill_facilities}

    async def _driven(self, place: Facility | Saved, mode: Mode | None, before: FacilityState) -> str | None:
        """What was read back; None: nothing was to be done, and it was read not long ago."""
        if mode is not None:
            only_drills = mode is not Mode.LIVE
            await self._wifi.switch_on(place.ref, mode, gate=ungated, only_drills=only_drills)
            settings = self._wifi.settings
            return settings.drill_ssid_name if only_drills else settings.ssid_name
        restored = await self._wifi.restore(place.slot, gate=ungated)
        if isinstance(place, Saved):
            return None
        lately = before.read_at is not None and self._clock() - before.read_at < LOOK_EVERY
        if lately and not restored and not before.problem and before.wanted is None:
            return None
        return await self._wifi.look(place)


async def _all(rounds: Iterable[Coroutine[Any, Any, FacilityState]]) -> list[FacilityState]:
    """Of several errors the first: whoever catches it need not know that they were side by side."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(each) for each in rounds]
    except ExceptionGroup as e:
        raise e.exceptions[0] from e
    return [task.result() for task in tasks]
