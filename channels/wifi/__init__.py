"""Free Wi-Fi in public buildings: 00000JAPAN while any alert asks for it (Cisco Meraki).

Desired state, not a message (docs/decisions/0006): `send` opens a facility's Wi-Fi and says
DELIVERED once it has read that back; `Reconciler` keeps it so, and puts back what was there before.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
import structlog
from msgspec import Meta

from channels._secret import read_secret
from channels.wifi import ssid
from channels.wifi.dashboard import Dashboard, Gate, NotDone
from channels.wifi.saved import JsonFiles, Saved, SavedStates
from channels.wifi.ssid import DISASTER, Slot, Ssid
from hub.alert import Mode
from hub.cap import MsgType
from hub.channel import Capabilities, Drilling, Health, Parcel, Target, Unit
from hub.clock import Clock
from hub.delivery import Outcome, Result
from hub.errors import BadInput, Refused
from hub.outbound import Outbound
from hub.recipient import Recipient

log = structlog.get_logger(__name__)

T = TypeVar("T")


REQUESTS = 3
"""To open a facility's Wi-Fi: read, write, read back."""


class Facility(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A building with public Wi-Fi. `psk_file`: its key, where it has one and Meraki does not show it."""

    ref: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    name: str
    network_id: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]+$")]
    ssid_number: Annotated[int, Meta(ge=0, le=14)]
    psk_file: Path | None = None

    @property
    def slot(self) -> Slot:
        return Slot(self.network_id, self.ssid_number)


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[channels.wifi]`. Drills show `drill_ssid_name` at `drill_facility`, and nothing anywhere else."""

    api_key_file: Path
    saved_dir: Path
    facilities: tuple[Facility, ...]
    drill_ssid_name: Annotated[str, Meta(min_length=1)] = "kunren-wifi"
    drill_facility: str | None = None
    base_url: str = "https://api.meraki.com/api/v1"
    requests_per_s: Annotated[float, Meta(gt=0)] = 10.0
    timeout_s: Annotated[float, Meta(gt=0)] = 20.0

    def __post_init__(self) -> None:
        refs = {facility.ref for facility in self.facilities}
        slots = {facility.slot for facility in self.facilities}
        if min(len(refs), len(slots)) < len(self.facilities):
            raise ValueError("two facilities have the same ref or SSID / ref か SSID が重複しています")
        if self.drill_facility is not None and self.drill_facility not in refs:
            raise ValueError("drill_facility is none of the facilities / 訓練の施設が一覧にありません")
        if self.drill_ssid_name.startswith("00000") or len(self.drill_ssid_name.encode()) > 32:
            raise ValueError(
                "drill_ssid_name has at most 32 bytes and never looks like 00000JAPAN / "
                "訓練のSSIDは32バイト以内で、00000から始めないでください"
            )


class Wifi:
    """Implements `hub.channel.Channel` and `hub.channel.Targets`: one target a facility.

    One instance changes one facility at a time, whoever asks. A facility that someone else opened
    is left alone; one whose configuration we could not put back is never touched.
    """

    capabilities: Capabilities = Capabilities(
        kind="wifi",
        japanese="公衆Wi-Fi",
        unit=Unit.FACILITIES,
        batch_size=3,
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
        deadline = timedelta(seconds=settings.timeout_s)
        self.capabilities = replace(
            self.capabilities,
            requests_per_s=settings.requests_per_s / (self.capabilities.batch_size * REQUESTS),
            request_deadline=deadline,
        )
        self.settings = settings
        self.saved = saved or JsonFiles(settings.saved_dir)
        self._clock = clock
        self._facilities = {facility.ref: facility for facility in settings.facilities}
        self._keys = {
            facility.ref: read_secret(facility.psk_file, setting=f"[channels.wifi] {facility.ref} psk_file")
            for facility in settings.facilities
            if facility.psk_file
        }
        self._locks: defaultdict[Slot, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._dashboard = Dashboard(
            api_key_file=settings.api_key_file,
            base_url=settings.base_url,
            outbound=outbound,
            requests_per_s=settings.requests_per_s,
            deadline=deadline,
        )

    def targets(self) -> Sequence[Target]:
        return [Target(ref=facility.ref, name=facility.name) for facility in self.settings.facilities]

    async def open(self) -> None:
        """Raises `Refused` for a gateway of the other kind of hub."""
        await self._dashboard.open()
        try:
            for facility in self.settings.facilities[:1]:
                await self._dashboard.read(facility.slot, ungated)
        except NotDone as e:
            log.info("wifi not read at start; the probe tells", reason=e.reason)
        except Refused:
            await self.close()
            raise

    async def close(self) -> None:
        await self._dashboard.close()

    async def send(self, parcel: Parcel) -> AsyncIterator[Result]:
        for recipient in parcel.to:
            yield await self._deliver(parcel, recipient)

    async def probe(self) -> Health:
        """Reads every facility: its SSID exists, and could be put back."""
        unfit: list[str] = []
        try:
            for facility in self.settings.facilities:
                if not await self._fit(facility):
                    unfit.append(facility.name)
        except Refused as e:
            return self._health(ok=False, detail=e.message)
        except NotDone as e:
            return self._health(ok=False, detail=f"Meraki: {e.reason}")
        detail = f"{len(self._facilities) - len(unfit)} / {len(self._facilities)} 施設を開放できます"
        if unfit:
            detail += f"。設定を確認: {'、'.join(unfit)} / check the settings of these"
        return self._health(ok=not unfit, detail=detail)

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
        wanted = ssid.opened(DISASTER if mode is Mode.LIVE else self.settings.drill_ssid_name)
        async with self._locks[facility.slot]:
            present = await self._dashboard.read(facility.slot, gate)
            if ssid.holds(present, wanted):
                return
            kept = await self._on_disk(lambda: self.saved.get(facility.slot))
            if mode is not Mode.LIVE and ssid.on_air(present) and not (only_drills and kept):
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
            before = ssid.previous(kept.ssid)
            present = await self._dashboard.read(slot, gate)
            ours = present.get("name") in (DISASTER, self.settings.drill_ssid_name)
            if ours and not ssid.holds(present, before):
                await self._write(slot, before, gate)
            await self._on_disk(lambda: self.saved.forget(slot))
        log.info("wifi restored", facility=kept.name, untouched=not ours)
        return True

    async def _deliver(self, parcel: Parcel, recipient: Recipient) -> Result:
        try:
            await self.switch_on(recipient.address, parcel.mode, gate=parcel.gate)
        except NotDone as e:
            return Result(recipient.id, e.outcome, reason=e.reason, retry_after=e.retry_after)
        return Result(recipient.id, Outcome.DELIVERED)

    def _facility(self, ref: str, mode: Mode) -> Facility:
        if ref not in self._facilities:
            raise NotDone(Outcome.PERMANENT, "no such facility")
        if mode is not Mode.LIVE and ref != self.settings.drill_facility:
            raise NotDone(Outcome.UNSUPPORTED, "drill")
        return self._facilities[ref]

    async def _keep(self, facility: Facility, present: Ssid) -> None:
        before = ssid.kept(present, psk=self._keys.get(facility.ref))
        if before is None:
            raise NotDone(Outcome.UNSUPPORTED, "not restorable")
        state = Saved(
            ref=facility.ref,
            name=facility.name,
            slot=facility.slot,
            saved_at=self._clock(),
            ssid=dict(before),
        )
        await self._on_disk(lambda: self.saved.keep(state))

    async def _on_disk(self, action: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(action)
        except (OSError, BadInput) as e:
            log.error("wifi state on disk", error=str(e))
            raise NotDone(Outcome.TEMPORARY, "disk") from e

    async def _write(self, slot: Slot, fields: Ssid, gate: Gate) -> None:
        await self._dashboard.write(slot, fields, gate)
        if not ssid.holds(await self._dashboard.read(slot, gate), fields):
            raise NotDone(Outcome.TEMPORARY, "read back")

    async def _fit(self, facility: Facility) -> bool:
        try:
            present = await self._dashboard.read(facility.slot, ungated)
        except NotDone as e:
            if e.outcome is Outcome.PERMANENT:
                return False
            raise
        return ssid.kept(present, psk=self._keys.get(facility.ref)) is not None

    def _health(self, *, ok: bool, detail: str) -> Health:
        return Health(ok=ok, detail=detail, checked_at=self._clock())


def ungated() -> None:
    """The gate of what belongs to no parcel: a probe, the reconciler."""
