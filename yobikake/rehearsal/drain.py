"""How fast a simulated gateway takes what it is given."""

import asyncio


class Drain:
    """Spreads what comes over all connections to a rate."""

    def __init__(self) -> None:
        self._free_at = 0.0

    @property
    def behind_s(self) -> float:
        """Until everything that was reserved has been taken."""
        return max(0.0, self._free_at - asyncio.get_running_loop().time())

    async def take(self, rate_per_s: float | None, number: int = 1) -> None:
        """Returns once `number` more fit within the rate; at once where there is none."""
        wait_s = self.reserve(rate_per_s, number)
        if wait_s > 0:
            await asyncio.sleep(wait_s)

    def reserve(self, rate_per_s: float | None, number: int = 1) -> float:
        """The seconds after which `number` more have been taken, behind those reserved before."""
        if rate_per_s is None:
            return 0.0
        now = asyncio.get_running_loop().time()
        self._free_at = max(now, self._free_at) + number / rate_per_s
        return self._free_at - now
