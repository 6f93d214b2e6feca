"""How much longer the other channels take while one channel's gateway is a black hole (I7).

It accepts connections and requests, and never answers. Times are the gateways' own: from the approval to
the last recipient taken.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

from yobikake.bench.figures import Say
from yobikake.bench.town import Town, town
from yobikake.rehearsal.city import Conditions
from yobikake.rehearsal.faults import Faults

BULK = ("mail", "line", "voice")
NEVER_S = 86_400.0
GOAL = 1.10


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Seconds by channel, the median of all rounds."""

    recipients: int
    rounds: int
    blackholed: str
    without: Mapping[str, float]
    with_it: Mapping[str, float]

    @property
    def ratios(self) -> dict[str, float]:
        return {channel: self.with_it[channel] / self.without[channel] for channel in self.without}

    @property
    def ratio(self) -> float:
        """The worst of them."""
        return max(self.ratios.values())


async def measure(recipients: int, *, blackholed: str, rounds: int, say: Say) -> Measured:
    """Alternately without and with the black hole, each in a city of its own."""
    others = [channel for channel in BULK if channel != blackholed]
    times: dict[bool, list[dict[str, float]]] = {False: [], True: []}
    for number in range(1, rounds + 1):
        for hole in (False, True):
            say(f"round {number} of {rounds}, {f'{blackholed} is a black hole' if hole else 'all is well'}")
            conditions = _conditions(blackholed if hole else None)
            async with town(recipients, conditions=conditions, say=lambda _: None) as made:
                times[hole].append(await _complete(made, others))
    return Measured(
        recipients=recipients,
        rounds=rounds,
        blackholed=blackholed,
        without=_medians(times[False]),
        with_it=_medians(times[True]),
    )


def _conditions(blackholed: str | None) -> Conditions:
    def faults(channel: str) -> Faults:
        return Faults(latency_s=NEVER_S if channel == blackholed else 0.0)

    return Conditions(
        mail=faults("mail"), line=faults("line"), voice=faults("voice"), x=Faults(), wifi=Faults()
    )


async def _complete(made: Town, channels: list[str]) -> dict[str, float]:
    sent = await made.send()
    await made.until_taken(sent, channels)
    last = {
        channel: max(each.taken_at for each in made.exchanges(sent, channel) if each.taken_at is not None)
        for channel in channels
    }
    return {channel: (at - sent.at).total_seconds() for channel, at in last.items()}


def _medians(times: list[dict[str, float]]) -> dict[str, float]:
    return {channel: median(each[channel] for each in times) for channel in times[0]}
