"""Looks at all that comes in, before it is counted: is it too much, can it be, and what does it tell of the device."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import msgspec

from hub.clock import Clock
from shelters.alarm import Alarm, mistrusted, right_again_at
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
        if self._book is not None:
            self._book.hear(found.heard)  # first: it may say that the counts beside it are none
        waits = {
            device: self._quota.wait_s(device, readings, now=now, per_minute=self._granted(device))
            for device, readings in Counter(reading.device for reading in found.taken).items()
        }
        taken: list[Reading] = []
        refused = list(found.refused)
        for reading in map(self._dated, found.taken):
            why = _FLOOD if waits[reading.device] else self._mistrusted(reading) or self._absurd(reading, now)
            if why is None:
                taken.append(reading)
            else:
                refused.append(Refusal(place=f"$ {reading.device}", message=why, device=reading.device))
        looked_at = msgspec.structs.replace(
            found, taken=tuple(taken), refused=tuple(refused), wait_s=max(waits.values(), default=0.0)
        )
        if self._book is not None:
            self._book.note(msgspec.structs.replace(looked_at, heard=()), body)
        return looked_at

    def refuse(self, refusals: Sequence[Refusal], body: bytes = b"") -> None:
        """Note what was refused as a whole."""
        if self._book is not None:
            self._book.note(Sorted(refused=tuple(refusals)), body)

    def _granted(self, device: str) -> int | None:
        known = self.devices.get(device)
        return None if known is None else known.per_minute

    def _dated(self, reading: Reading) -> Reading:
        """With the moment since when its device's counts are believed."""
        since = (reading.since, right_again_at(self._alarms(reading)))
        return msgspec.structs.replace(reading, since=max((each for each in since if each), default=None))

    def _mistrusted(self, reading: Reading) -> str | None:
        if (alarm := mistrusted(self._alarms(reading), since=reading.since)) is not None:
            return f"the counter says «{alarm}»: its counts are not believed / 機器の異常が続いているため、数えません"
        if reading.since is not None and reading.at < reading.since:
            return "of before its counts were believed again / 数え直しより前のデータです"
        return None

    def _alarms(self, reading: Reading) -> Sequence[Alarm]:
        device = self.devices.get(reading.device)
        return self._book.alarms(reading.device) if self._book is not None and device and device.door else ()

    def _absurd(self, reading: Reading, now: datetime) -> str | None:
        device = self.devices.get(reading.device)
        if device is None:
            return None
        sent = Sent(place="$", device=device.id, id=reading.id, at=reading.at, measure=reading.measure)
        return self._plausible.absurd(device, sent, now=now, since=reading.since)
