"""How much of a contract for calls is used, and whether never more: at one, ten and thirty calls a second.

The connector with the hub's pace, against the rehearsal's Twilio in a process of its own, which answers after
a while and gives 429 to what exceeds the contract in any one second.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from channels.voice import Settings, Voice
from hub.alert import Lane
from hub.blocks import blocks
from hub.clock import utc_now
from hub.gate import LEASE
from hub.live.memory import MemoryLive
from hub.outbound import Deployment, Outbound
from hub.pace import Pace
from hub.recipient import Recipient, RecipientId
from hub.testing.parcels import always_open, parcel
from hub.worker import AHEAD
from yobikake.bench.figures import Machine, Say, Spread, machine, spread
from yobikake.bench.gateway_apart import SID, TOKEN, Seen, gateway_apart
from yobikake.rehearsal.faults import Faults

CONTRACTS = (1, 10, 30)
GOAL = 0.98


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """By contract and round: what was seen."""

    rounds: int
    calls: dict[int, int]
    seen: dict[int, list[Seen]] = field(default_factory=dict)
    machine: Machine

    @property
    def ratios(self) -> dict[str, Spread]:
        """Of each contract, the part that was used between the first call and the last."""
        return {
            f"{per_s}_per_s": spread([each.used(per_s) for each in seen]) for per_s, seen in self.seen.items()
        }

    @property
    def most_in_a_second(self) -> dict[str, int]:
        return {
            f"{per_s}_per_s": max(each.most_in_a_second for each in seen) for per_s, seen in self.seen.items()
        }

    @property
    def taken(self) -> int:
        return sum(len(each.taken) for seen in self.seen.values() for each in seen)

    @property
    def refused(self) -> int:
        return sum(len(each.refused) for seen in self.seen.values() for each in seen)


async def measure(
    rounds: int, *, seconds: int, contracts: Sequence[int] = CONTRACTS, latency_s: float, say: Say
) -> Measured:
    """As many calls as each contract allows in so many seconds, in turn."""
    found = Measured(
        rounds=rounds,
        calls={per_s: 1 + seconds * per_s for per_s in contracts},
        seen={per_s: [] for per_s in contracts},
        machine=machine("twilio", "aiohttp"),
    )
    with TemporaryDirectory(prefix="yobikake-bench-") as folder:
        for number in range(1, rounds + 1):
            for per_s in contracts:
                say(f"round {number} of {rounds}: {per_s} calls a second")
                async with gateway_apart("voice", Faults(latency_s=latency_s, limit_per_s=per_s)) as gateway:
                    await _call(gateway.url, Path(folder), per_s, found.calls[per_s])
                    found.seen[per_s].append(await gateway.seen())
    return found


async def _call(url: str, folder: Path, per_s: int, calls: int) -> None:
    """As the hub's worker does: two batches to a connection, each of a second's calls."""
    token = folder / "token"
    token.write_text(TOKEN + "\n")
    voice = Voice(
        Settings(
            account_sid=SID,
            auth_token_file=token,
            from_number="+815000000000",
            callback_url="http://127.0.0.1:1/callbacks/voice",
            base_url=url,
            calls_per_s=per_s,
        ),
        outbound=Outbound(deployment=Deployment.REHEARSAL),
        clock=utc_now,
    )
    pace = Pace(MemoryLive(), voice.capabilities, lease=LEASE)
    slots = asyncio.Semaphore(AHEAD * voice.capabilities.connections)
    people = [Recipient(id=RecipientId(n), address=f"+8190{n:08}") for n in range(1, calls + 1)]

    async def batch(to: Sequence[Recipient]) -> None:
        async with slots:
            turn = pace.single_turns(Lane.URGENT, gate=always_open)
            async for _ in voice.send(replace(parcel(to), turn=turn)):
                pass

    await voice.open()
    try:
        await asyncio.gather(*(batch(to) for to in blocks(people, voice.capabilities.batch_size)))
    finally:
        await voice.close()
