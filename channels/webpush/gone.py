"""Whether a push service that calls a subscription gone is to be believed.

It is, once it has taken a message of the same alert from us: then it works. Before that only of a few, since a service or a
proxy that is out of order says it of everybody.
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


class Gone:
    """Of one connector, as far as it has heard."""

    def __init__(self) -> None:
        self._said: Newest[_Key, _Said] = Newest(_KEPT)

    def taken(self, alert: str, service: str) -> None:
        """It took a message."""
        self._of(alert, service).taken += 1

    def believed(self, alert: str, service: str) -> bool:
        """It calls another subscription gone."""
        said = self._of(alert, service)
        said.gone += 1
        return said.taken > 0 or said.gone <= FEW

    def _of(self, alert: str, service: str) -> _Said:
        said = self._said.get((alert, service)) or _Said()
        self._said.keep((alert, service), said)
        return said
