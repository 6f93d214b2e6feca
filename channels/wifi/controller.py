"""What the hub asks of a vendor's Wi-Fi, whoever the vendor is.

A vendor is two halves: a `Controller` that reads and writes one SSID's configuration, and `Words` that say
what its fields mean. Neither knows of alerts; `channels.wifi` knows of no vendor.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, ClassVar, NamedTuple, Protocol

from hub.delivery import Outcome
from hub.errors import DeliveryFailure

Gate = Callable[[], None]

Ssid = Mapping[str, Any]
"""One SSID's configuration in its vendor's own fields, as the vendor sends them."""

DISASTER = "00000JAPAN"
"""災害用統一SSID: open and without registration, and never on the air but in a disaster
(無線LANビジネス推進連絡会のガイドライン)."""


UNREADABLE = "unreadable answer"
"""The reason of whatever could not be made sense of."""


class Slot(NamedTuple):
    """Where an SSID is set: a `place`, in the vendor's words, on the controller of this name in the settings."""

    controller: str
    place: str


class NotDone(DeliveryFailure):
    """The SSID is not known to be as wanted. Nothing here is ambiguous: a repeat does no harm. `silent`: nobody
    answered, which may cost the whole of a request's time."""

    def __init__(
        self, outcome: Outcome, reason: str, *, retry_after: timedelta | None = None, silent: bool = False
    ) -> None:
        super().__init__(reason, f"Wi-Fi: {reason}")
        self.outcome = outcome
        self.retry_after = retry_after
        self.silent = silent


class Words(Protocol):
    """What a vendor's fields mean. Nothing is asked of anybody: a module of functions."""

    def opened(self, present: Ssid, name: str) -> Ssid:
        """What to write so that anyone may join under this name, without a key and without a page in between."""

    def holds(self, present: Ssid, wanted: Ssid) -> bool:
        """Whether what was read back is what was to be written. A key cannot be compared: it need not be shown."""

    def name(self, present: Ssid) -> str:
        """Under which it is, or would be, on the air."""

    def on_air(self, present: Ssid) -> bool:
        """Whether it can be joined now, as far as the vendor says."""

    def kept(self, present: Ssid, *, psk: str | None) -> Ssid | None:
        """What must be kept so that `previous` can put it back; None if we do not know all it takes.
        `psk`: the key from the settings, where the vendor shows none."""

    def previous(self, saved: Ssid, present: Ssid) -> Ssid:
        """What to write to put back what was `kept`. What we never changed stays as it is at `present`."""


class Controller(Protocol):
    """One vendor's service or device, at its own rate. Every request asks its gate first."""

    requests: ClassVar[int]
    """That opening one SSID takes: reads, writes, reads back."""
    concurrency: ClassVar[int]
    """SSIDs that may be changed at once."""

    @property
    def words(self) -> Words: ...

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def read(self, place: str, gate: Gate) -> Ssid:
        """The SSID as it is. Raises `NotDone`, or what the gate raises."""
        ...

    async def write(self, place: str, wanted: Ssid, gate: Gate) -> None:
        """Raises as `read` does; what really happened only `read` tells."""
