"""Free Wi-Fi in public buildings: 00000JAPAN while any alert asks for it, whoever made the access points.

Desired state, not a message (docs/decisions/0006): `send` opens a facility's Wi-Fi and says
DELIVERED once it has read that back; `Reconciler` keeps it so, and puts back what was there before.
What a vendor's controller takes is its own module's (docs/decisions/0047-controllers.md).
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

import structlog

from channels._secret import read_secret
from channels.wifi.controller import Controller, Gate, NotDone, Slot, Ssid
from channels.wifi.problems import words
from channels.wifi.saved import JsonFiles, Saved, SavedStates
from channels.wifi.settings import Facility, Settings
from channels.wifi.turns import Turns, kept_apart
from channels.wifi.vendors import controllers
from hub.alert import Mode
from hub.cap import MsgType
from hub.capabilities import Capabilities, Drilling, Unit
from hub.channel import Health, Parcel, Target
from hub.clock import Clock
from hub.delivery import Outcome, Result
from hub.errors import BadInput
from hub.outbound import Outbound
from hub.reasons import Both
from hub.recipient import Recipient

__all__ = ["Facility", "Settings", "Wifi"]

log = structlog.get_logger(__name__)

T = TypeVar("T")

_NAMED = 5
"""Facilities that a probe names for each reason."""
_PROBED_WITHIN = 1.5
"""Of a request's time: a probe is given up after twice of it (`hub.health`), and then names nobody."""


class Wifi:
    """Implements `hub.channel.Channel` and `hub.channel.Targets`: one target a facility.

    One instance changes one facility at a time, whoever asks. A facility that someone else opened
    is left alone; one whose configuration we could not put back is never touched.
    """

    capabilities: Capabilities = Capabilities(
        kind="wifi",
        japanese="公衆Wi-Fi",
        unit=Unit.FACILITIES,
        batch_size=1,
        one_instance=True,
        msg_types=frozenset({MsgType.ALERT, MsgType.UPDATE}),
        drilling=Drilling.RESTRICTED_TARGETS,
        max_attempts=8,
        backoff=(timedelta(seconds=10), timedelta(seconds=30), timedelta(minutes=1), timedelta(minutes=2)),
        resends_ambiguous=False,
    )

    def __init__(
        self, settings: Settings, *, outbound: Outbound, clock: Clock, saved: SavedStates | None = None
    ) -> None:
        """Raises `Refused` or `BadSettings` where these settings cannot work in this hub."""
        self.settings = settings
        self.saved = saved or JsonFiles(settings.saved_dir)
        self.controllers: dict[str, Controller] = dict(controllers(settings.controllers, outbound))
        self.capabilities = self._capabilities()
        self._clock = clock
        self._facilities = {facility.ref: facility for facility in settings.facilities}
        self._keys = {
            facility.ref: read_secret(facility.psk_file, setting=f"[channels.wifi] {facility.ref} psk_file")
            for facility in settings.facilities
            if facility.psk_file
        }
        self._locks: defaultdict[Slot, asyncio.Lock] = defaultdict(asyncio.Lock)

    def targets(self) -> Sequence[Target]:
        return [Target(ref=facility.ref, name=facility.name) for facility in self.settings.facilities]

    async def open(self) -> None:
        """Raises `Refused` for a gateway of the other kind of hub."""
        for controller in self.controllers.values():
            await controller.open()
        first = {facility.controller: facility for facility in reversed(self.settings.facilities)}
        await asyncio.gather(*(self._try(facility) for facility in first.values()))

    async def close(self) -> None:
        for controller in self.controllers.values():
            await controller.close()

    async def send(self, parcel: Parcel) -> AsyncIterator[Result]:
        for recipient in parcel.to:
            yield await self._deliver(parcel, recipient)

    async def probe(self) -> Health:
        """Reads every facility: its SSID exists, and could be put back. A controller that is silent takes no time from
        what is said of the others."""
        turns = Turns(self.controllers)
        asked = {asyncio.create_task(self._fit(each, turns)): each for each in self.settings.facilities}
        try:
            async with asyncio.timeout(_PROBED_WITHIN * self._deadline_s):
                await asyncio.gather(*asked)
        except TimeoutError:
            log.warning("not every facility was read in time")
        unfit: defaultdict[Both, list[str]] = defaultdict(list)
        for task, facility in asked.items():
            if reason := "silent" if task.cancelled() else task.result():
                unfit[words(reason)].append(facility.name)
        return self._health(ok=not unfit, detail=_found(len(asked), unfit))

    async def look(self, facility: Facility) -> str:
        """Under which name it is on the air, read from its controller; empty: it is not. Raises `NotDone`."""
        controller = self._controller(facility.slot)
        present = await controller.read(facility.slot.place, ungated)
        return controller.words.name(present) if controller.words.on_air(present) else ""

    async def switch_on(self, ref: str, mode: Mode, *, gate: Gate, only_drills: bool = False) -> None:
        """Open a facility's Wi-Fi; returns once it has been read back as open.

        What was there before is on disk before anything is changed, and is never overwritten by
        what we set ourselves. A drill takes the place of 00000JAPAN only where we opened that, and
        the caller knows that `only_drills` want this facility open now.

        Raises:
            NotDone: it is not known to be open.
            GateClosed: from `gate`, asked before each request.
        """
        facility = self._facility(ref, mode)
        controller = self._controller(facility.slot)
        words, place = controller.words, facility.slot.place
        name = self.settings.ssid_name if mode is Mode.LIVE else self.settings.drill_ssid_name
        async with self._locks[facility.slot]:
            present = await controller.read(place, gate)
            wanted = words.opened(present, name)
            if words.holds(present, wanted):
                return
            kept = await self._on_disk(lambda: self.saved.get(facility.slot))
            if mode is not Mode.LIVE and self._in_use(controller, present) and not (only_drills and kept):
                raise NotDone(Outcome.UNSUPPORTED, "in use")
            if kept is None:
                await self._keep(facility, present)
            await self._write(facility.slot, wanted, gate)
        log.info("wifi opened", facility=facility.name, mode=mode)

    async def restore(self, slot: Slot, *, gate: Gate) -> bool:
        """Put back what was there before; False if nothing is kept for this SSID.

        An SSID that no longer has the name we gave it was changed by a person since: it is left.

        Raises:
            NotDone: it is not known to be back.
        """
        async with self._locks[slot]:
            kept = await self._on_disk(lambda: self.saved.get(slot))
            if kept is None:
                return False
            controller = self._controller(slot)
            present = await controller.read(slot.place, gate)
            before = controller.words.previous(kept.ssid, present)
            ours = controller.words.name(present) in kept.given
            if ours and not controller.words.holds(present, before):
                await self._write(slot, before, gate)
            await self._on_disk(lambda: self.saved.forget(slot))
        log.info("wifi restored", facility=kept.name, untouched=not ours)
        return True

    async def _deliver(self, parcel: Parcel, recipient: Recipient) -> Result:
        try:
            with kept_apart(recipient.address):
                await self.switch_on(recipient.address, parcel.mode, gate=parcel.gate)
        except NotDone as e:
            own = e.outcome is Outcome.PERMANENT  # one facility's setting, not everyone's
            return Result(recipient.id, e.outcome, None, e.reason, e.retry_after, alone=own)
        return Result(recipient.id, Outcome.DELIVERED)

    def _facility(self, ref: str, mode: Mode) -> Facility:
        if ref not in self._facilities:
            raise NotDone(Outcome.PERMANENT, "no such facility")
        if mode is not Mode.LIVE and ref not in self.settings.drill_facilities:
            raise NotDone(Outcome.UNSUPPORTED, "drill")
        return self._facilities[ref]

    def _controller(self, slot: Slot) -> Controller:
        """Of what was opened and has left the settings with its controller, it is gone."""
        if slot.controller not in self.controllers:
            raise NotDone(Outcome.PERMANENT, "no such controller")
        return self.controllers[slot.controller]

    def _in_use(self, controller: Controller, present: Ssid) -> bool:
        """For a disaster, whoever opened it."""
        return controller.words.on_air(present) and controller.words.name(present) == self.settings.ssid_name

    async def _keep(self, facility: Facility, present: Ssid) -> None:
        before = self._controller(facility.slot).words.kept(present, psk=self._keys.get(facility.ref))
        if before is None:
            raise NotDone(Outcome.UNSUPPORTED, "not restorable")
        state = Saved(
            ref=facility.ref,
            name=facility.name,
            slot=facility.slot,
            saved_at=self._clock(),
            given=(self.settings.ssid_name, self.settings.drill_ssid_name),
            ssid=dict(before),
        )
        await self._on_disk(lambda: self.saved.keep(state))

    async def _on_disk(self, action: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(action)
        except (OSError, BadInput) as e:
            log.error("wifi state on disk", error=str(e))
            raise NotDone(Outcome.TEMPORARY, "disk") from e

    async def _write(self, slot: Slot, wanted: Ssid, gate: Gate) -> None:
        controller = self._controller(slot)
        await controller.write(slot.place, wanted, gate)
        if not controller.words.holds(await controller.read(slot.place, gate), wanted):
            raise NotDone(Outcome.TEMPORARY, "read back")

    async def _try(self, facility: Facility) -> None:
        try:
            with kept_apart(facility.name):
                await self._controller(facility.slot).read(facility.slot.place, ungated)
        except NotDone as e:
            log.info("wifi not read at start; the probe tells", facility=facility.name, reason=e.reason)

    async def _fit(self, facility: Facility, turns: Turns) -> str:
        """Why it could not be opened; empty: it could."""
        try:
            async with turns.turn(facility.controller):
                with turns.apart(facility.controller, facility.name):
                    controller = self._controller(facility.slot)
                    present = await controller.read(facility.slot.place, ungated)
                    fit = controller.words.kept(present, psk=self._keys.get(facility.ref)) is not None
        except NotDone as e:
            return e.reason
        return "" if fit else "not restorable"

    def _capabilities(self) -> Capabilities:
        """As fast as its controllers bear one facility after the other, and as patient as the slowest."""
        stanzas = self.settings.controllers
        cost_s = [
            self.controllers[facility.controller].requests / stanzas[facility.controller].requests_per_s
            for facility in self.settings.facilities
        ]
        longest_s = [
            controller.requests * stanzas[name].timeout_s for name, controller in self.controllers.items()
        ]
        return replace(
            self.capabilities,
            requests_per_s=len(cost_s) / sum(cost_s) if cost_s else 1.0,
            request_deadline=timedelta(seconds=max(longest_s, default=self._deadline_s)),
        )

    @property
    def _deadline_s(self) -> float:
        return max((stanza.timeout_s for stanza in self.settings.controllers.values()), default=20.0)

    def _health(self, *, ok: bool, detail: str) -> Health:
        return Health(ok=ok, detail=detail, checked_at=self._clock())


def _found(number: int, unfit: Mapping[Both, Sequence[str]]) -> str:
    """A probe's detail. `unfit`: the names of facilities by what is wrong with them."""
    if not unfit:
        return f"{number}施設を開放できます / {number} facilities can be opened"
    closed = sum(map(len, unfit.values()))
    japanese = "。".join(
        f"{why}（{'、'.join(_named(names, 'ほか{}施設'))}）" for (why, _), names in unfit.items()
    )
    english = "; ".join(f"{why} ({', '.join(_named(names, '{} more'))})" for (_, why), names in unfit.items())
    return (
        f"{number}施設のうち{closed}施設を開放できません：{japanese} / "
        f"{closed} of {number} facilities cannot be opened: {english}"
    )


def _named(names: Sequence[str], rest: str) -> list[str]:
    more = len(names) - _NAMED
    return [*names[:_NAMED], *([rest.format(more)] if more > 0 else [])]


def ungated() -> None:
    """The gate of what belongs to no parcel: a probe, the reconciler."""
