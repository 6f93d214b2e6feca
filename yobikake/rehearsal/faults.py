"""How badly a simulated gateway behaves. The same seed gives the same faults to the same addresses."""

import asyncio
import hashlib
from dataclasses import dataclass

NO_ANSWER = "no answer"
CUT_ANSWER = "half an answer"


@dataclass(slots=True, kw_only=True)
class Faults:
    """Ratios are of addresses (or of requests, where a request names none), from 0 to 1.

    May be changed while the gateway runs; the next request feels it.
    """

    latency_s: float = 0.0
    """Waited before each answer: the round trip."""
    drain_per_s: float | None = None
    """Recipients (or requests) a second the gateway takes; None: as fast as it can."""
    limit_per_s: int | None = None
    """The contract: requests to people in any one second; one more gets the provider's rate-limit answer."""
    permanent: float = 0.0
    """Unknown addresses: refused for good."""
    temporary: float = 0.0
    """Refused the first time, taken the second."""
    throttle: float = 0.0
    """Requests answered with the provider's rate-limit answer."""
    silent: float = 0.0
    """Requests carried out and never answered: the connection drops instead (ambiguous)."""
    down: bool = False
    """Every request fails with the provider's 5xx or 421."""
    credentials: bool = False
    """Every request fails with the provider's answer to wrong credentials."""
    instead: str = ""
    """What every request that asks for something to be done gets instead: a status, which says that it was not
    done, or one of `NO_ANSWER` and `CUT_ANSWER`, when it was (HTTP gateways)."""
    echo: bool = False
    """Errors repeat the request's headers and body, as some providers' do: a client must keep them out of its logs."""
    seed: int = 0

    def hits(self, ratio: float, kind: str, address: str) -> bool:
        """Whether this address (or request) suffers `kind`; decided by seed, kind and address alone."""
        if ratio <= 0:
            return False
        digest = hashlib.blake2b(f"{self.seed}:{kind}:{address}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") < ratio * 2**64

    async def wait(self) -> None:
        if self.latency_s > 0:
            await asyncio.sleep(self.latency_s)
