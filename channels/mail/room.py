"""How many recipients the smarthost takes in one transaction, as far as it has let us know."""

import asyncio
from collections.abc import Sequence

import structlog

from channels.mail.replies import AT_ONCE
from hub.delivery import Result

log = structlog.get_logger(__name__)

LEARNED_FOR_S = 600.0
"""Then as many are tried again as it says in the settings: one transaction of which the rest comes again at once."""


class Room:
    def __init__(self, full: int) -> None:
        """`full`: as the settings have it."""
        self._full = self._most = full
        self._learned_at = 0.0

    @property
    def most(self) -> int:
        if self._most < self._full and _now() - self._learned_at >= LEARNED_FOR_S:
            self._most = self._full
        return self._most

    def learn(self, results: Sequence[Result]) -> None:
        """A limit turns away whoever stands behind so many (RFC 5321 §4.5.3.1.10). Servers without status codes say 452
        of a full mailbox too, but among the others; one alone at the end may be either, and costs one transaction more
        either way."""
        last = max((place for place, result in enumerate(results) if not result.alone), default=-1)
        away = [place for place in range(last + 1, len(results)) if results[place].retry_after == AT_ONCE]
        if len(away) > 1:
            self._most, self._learned_at = away[0], _now()
            log.info("mail smarthost takes fewer recipients", recipients=self._most)


def _now() -> float:
    return asyncio.get_running_loop().time()
