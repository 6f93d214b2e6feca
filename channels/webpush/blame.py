"""Whose fault it is that a push service refuses a message for good: one subscription's, or its own or ours.

A subscription that is gone, or was made under a key that is not ours, is one person's. But a service or a proxy that is out of
order calls everybody gone, and one that does not take our token (a clock that is off) refuses everybody's key. What tells
them apart is what the service took of the same alert, and how many it refuses.
"""

from dataclasses import dataclass

from hub.newest import Newest

FEW = 9
_KEPT = 256

_Key = tuple[str, str]
"""An alert and the origin of a service."""


@dataclass(slots=True)
class _Said:
    taken: int = 0
    gone: int = 0
    refused: int = 0
    """Keys."""
    in_a_row: int = 0
    """Those of them since it last took a message."""


class Blame:
    """Of one connector, as far as it has heard."""

    def __init__(self) -> None:
        self._said: Newest[_Key, _Said] = Newest(_KEPT)

    def taken(self, alert: str, service: str) -> None:
        """It took a message."""
        said = self._of(alert, service)
        said.taken += 1
        said.in_a_row = 0

    def gone(self, alert: str, service: str) -> bool:
        """It calls another subscription gone. True: it is to be believed; before it took anything, only of a few."""
        said = self._of(alert, service)
        said.gone += 1
        return said.taken > 0 or said.gone <= FEW

    def refused(self, alert: str, service: str) -> None:
        """It refused our key for a subscription."""
        said = self._of(alert, service)
        said.refused += 1
        said.in_a_row += 1

    def takes(self, alert: str, service: str) -> bool:
        """It knows our key: it took a message of this alert, and has not refused many since."""
        said = self._of(alert, service)
        return said.taken > 0 and said.in_a_row <= FEW

    def another_key(self, alert: str, service: str) -> bool:
        """What it refused was subscribed under a key that is not ours: that is believed of a few."""
        return self.takes(alert, service) and self._of(alert, service).refused <= FEW

    def another_takes(self, alert: str, service: str) -> bool:
        """Another service than this one knows our key."""
        known = [key for key, _ in self._said.items() if key[0] == alert and key[1] != service]
        return any(self.takes(*key) for key in known)

    def _of(self, alert: str, service: str) -> _Said:
        said = self._said.get((alert, service)) or _Said()
        self._said.keep((alert, service), said)
        return said
