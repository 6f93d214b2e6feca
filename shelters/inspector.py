"""Looks at all that comes in, before it is counted: is it too much, can it be, and what does it tell of the device."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import msgspec

from hub.clock import Clock
from shelters.device import Devices
from shelters.device_book import DeviceBook
from shelters.intake import Sorted
from shelters.plausible import Plausible
from shelters.quota import Quota
from shelters.reading import Reading, Refusal, Sent

_FLOOD = "too many readings of this device: wait, then send them again / この機器からの送信が多すぎます"


class Inspector:
    """One in each process that takes readings. `book`: where staff see what was refused and who was heard."""

    def __init__(self, devices: Devices, *, clock: Clock, book: DeviceBook | None = None) -> None:
        self.devices, self._clock, self._book = devices, clock, book
        self._quota = Quota()
        self._plausible = book.plausible if book is not None else Plausible()

    def inspect(self, found: Sorted, body: bytes = b"") -> Sorted:
        """`found` without what cannot be. `body`: what it was in, of which the book keeps the beginning."""
        now = self._clock()
        waits = {
            device: self._quota.wait_s(device, readings, now=now)
            for device, readings in Counter(reading.device for reading in found.taken).items()
        }
        taken: list[Reading] = []
        refused = list(found.refused)
        for reading in found.taken:
            why = _FLOOD if waits[reading.device] else self._absurd(reading, now)
            if why is None:
                taken.append(reading)
            else:
                refused.append(Refusal(place=f"$ {reading.device}", message=why, device=reading.device))
        looked_at = msgspec.structs.replace(
            found, taken=tuple(taken), refused=tuple(refused), wait_s=max(waits.values(), default=0.0)
        )
        if self._book is not None:
            self._book.note(looked_at, body)
        return looked_at

    def refuse(self, refusals: Sequence[Refusal], body: bytes = b"") -> None:
        """Note what was refused as a whole."""
        if self._book is not None:
            self._book.note(Sorted(refused=tuple(refusals)), body)

    def _absurd(self, reading: Reading, now: datetime) -> str | None:
        device = self.devices.get(reading.device)
        if device is None:
            return None
        sent = Sent(place="$", device=device.id, id=reading.id, at=reading.at, measure=reading.measure)
        return self._plausible.absurd(device, sent, now=now)
