"""How fast mail is handed over, beside what else could do it, at round trips of any length.

The server is Postfix's `smtp-sink`; at a round trip above zero everybody goes through the delaying proxy.
Before the clock runs it is verified, on a sink that keeps what it is told, that every recipient arrives
exactly once, and on one that refuses some, that everyone gets a reply of their own. Each sender gets as many recipients as keep it busy for a second or two, and in each
round every one of them runs once: rates are compared within their round. docs/decisions/0019 says why these.
"""

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from yobikake.bench.distance import distant
from yobikake.bench.figures import Machine, Say, Spread, machine, ratios, spread
from yobikake.bench.mail_ceiling import ceiling
from yobikake.bench.mail_ours import PARCEL, each_alone, together, told_apart
from yobikake.bench.mail_peers import (
    aiosmtplib_on_one_connection,
    apprise_mailto,
    require_apprise,
    smtp_source,
)
from yobikake.bench.mail_run import Run, Sender, Unanswered
from yobikake.bench.smtp_sink import Sink, Told, hand_to_sink, recipients, require_postfix, smtp_sink, told
from yobikake.rehearsal.servers.program import POSTCONF

BUSY_S = 1.0
BUSY_ROUND_TRIPS = 40
"""A run takes a second, and at a distance so many round trips, where there are recipients enough: then little of it
is making connections, for those who do that under the clock. It takes longer where one transaction does."""

ALONE = 2_000
"""At most so many mails of one recipient each are kept and counted, and replies told apart."""

OURS = {
    "sink_ceiling": "ours_r100",
    "smtp_source_r100": "ours_r100",
    "smtp_source_r1": "ours_r1",
    "aiosmtplib_r100": "ours_r100",
    "aiosmtplib_r1": "ours_r1",
    "apprise": "ours_r100",
}
"""Which rate of ours is compared with whose: 100 recipients a transaction, or one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Of one sender over all rounds."""

    recipients: int
    rate: Spread
    elapsed_s: Spread
    cpu_s: Spread
    """The sender's own."""
    sink_cpu_s: Spread
    """The sink's meanwhile; as much as `elapsed_s` where the sink could not go faster."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AtDelay:
    delay_ms: float
    ratios: Mapping[str, Spread]
    senders: Mapping[str, Figures]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    rounds: int
    connections: int
    recipients: int
    """At most, of a run."""
    verified: Mapping[str, int]
    """`r100`, `r1`: distinct recipients in the sink's dump, each there once, as many as were asked for.
    `told_apart`: recipients of whom some were refused, where everyone got the reply that was theirs."""
    delays: Sequence[AtDelay]
    machine: Machine
    load_after: float

    @property
    def ratios(self) -> Mapping[str, Spread]:
        """At the first round trip that was asked for."""
        return self.delays[0].ratios


class Entrant(NamedTuple):
    """A sender that takes part. `least`: recipients of its smallest run that says something."""

    name: str
    send: Sender
    least: int


async def measure(
    *, delays_ms: Sequence[float], rounds: int, connections: int, most: int, say: Say
) -> Measured:
    """Raises `Unanswered` where a recipient had no reply, or did not arrive, or arrived twice.

    `Refused` where a program or a peer is missing.
    """
    require_postfix()
    require_apprise()
    found = replace(machine("aiosmtplib", "apprise"), versions=await _versions())
    with TemporaryDirectory(prefix="yobikake-bench-", dir=_ramdisk()) as folder:
        hand_to_sink(Path(folder))
        say(f"verifying with {most:,} recipients that everyone arrives once")
        verified, model = await _verify(Path(folder), connections, most)
        field = _field(Path(folder), model, connections, most)
        async with smtp_sink() as sink:
            delays = [await _at(delay, sink, field, rounds=rounds, most=most, say=say) for delay in delays_ms]
    return Measured(
        rounds=rounds,
        connections=connections,
        recipients=most,
        verified=verified,
        delays=delays,
        machine=found,
        load_after=os.getloadavg()[0],
    )


def _field(folder: Path, model: Told, connections: int, most: int) -> list[Entrant]:
    message = folder / "message"
    message.write_bytes(model.message)
    full, wide = min(most, PARCEL * connections), min(most, connections)
    return [
        Entrant("ours_r100", together(connections), full),
        Entrant("sink_ceiling", ceiling(connections, model=model), full),
        Entrant("smtp_source_r100", smtp_source(connections, in_one=PARCEL, message=message), full),
        Entrant(
            "aiosmtplib_r100", aiosmtplib_on_one_connection(in_one=PARCEL, message=model.message), PARCEL
        ),
        Entrant("apprise", apprise_mailto(), 5),
        Entrant("ours_r1", each_alone(connections), wide),
        Entrant("smtp_source_r1", smtp_source(connections, in_one=1, message=message), wide),
        Entrant("aiosmtplib_r1", aiosmtplib_on_one_connection(in_one=1, message=model.message), 5),
    ]


async def _verify(folder: Path, connections: int, most: int) -> tuple[dict[str, int], Told]:
    whole, single = folder / "together", folder / "alone"
    verified = {
        "r100": await arrived(whole, together(connections), most),
        "r1": await arrived(single, each_alone(connections), min(most, ALONE)),
        "told_apart": await told_apart(connections, min(most, ALONE)),
    }
    return verified, told(whole)


async def arrived(dump: Path, send: Sender, number: int) -> int:
    """`number`, which is how many recipients the sink was told, each once; else raises `Unanswered`."""
    async with smtp_sink(dump) as sink:
        await send(sink.port, number)
    counted = recipients(dump)
    if not len(counted) == counted.total() == number:
        raise Unanswered(
            f"the sink's dump holds {len(counted):,} distinct recipients, named {counted.total():,} times, "
            f"of {number:,}"
        )
    return len(counted)


async def _at(
    delay_ms: float, sink: Sink, field: Sequence[Entrant], *, rounds: int, most: int, say: Say
) -> AtDelay:
    async with distant(sink.port, round_trip_ms=delay_ms) as port:
        say(f"{delay_ms:g} ms: how many recipients keep each of {len(field)} busy")
        busy_s = max(BUSY_S, BUSY_ROUND_TRIPS * delay_ms / 1000)
        numbers = {each.name: await _busy(each, port, most, busy_s) for each in field}
        runs: dict[str, list[Run]] = {each.name: [] for each in field}
        sinks: dict[str, list[float]] = {each.name: [] for each in field}
        for number in range(rounds):
            say(f"{delay_ms:g} ms: round {number + 1} of {rounds}")
            for name, send, _ in _turned(field, number):
                before = sink.cpu_s()
                runs[name].append(await send(port, numbers[name]))
                sinks[name].append(sink.cpu_s() - before)
    rates = {name: [run.rate for run in each] for name, each in runs.items()}
    return AtDelay(
        delay_ms=delay_ms,
        ratios={peer: ratios(rates[ours], rates[peer]) for peer, ours in OURS.items()},
        senders={name: _figures(runs[name], sinks[name]) for name in runs},
    )


async def _busy(entrant: Entrant, port: int, most: int, busy_s: float) -> int:
    """Also warms it up. A multiple of the least, so that no connection is left over at the end; or `most`."""
    number = entrant.least
    while True:
        tried = await entrant.send(port, number)
        enough = int(tried.rate * busy_s)
        wanted = most if enough >= most else enough // entrant.least * entrant.least
        if tried.elapsed_s > busy_s / 2 or wanted <= number:
            return max(entrant.least, wanted)
        number = wanted


def _turned(field: Sequence[Entrant], number: int) -> list[Entrant]:
    """In each round another one begins."""
    first = number % len(field)
    return [*field[first:], *field[:first]]


def _figures(runs: Sequence[Run], sink_cpu_s: Sequence[float]) -> Figures:
    return Figures(
        recipients=runs[0].recipients,
        rate=spread([run.rate for run in runs]),
        elapsed_s=spread([run.elapsed_s for run in runs]),
        cpu_s=spread([run.cpu_s for run in runs]),
        sink_cpu_s=spread(sink_cpu_s),
    )


async def _versions() -> dict[str, str]:
    process = await asyncio.create_subprocess_exec(
        POSTCONF.path,
        "-d",
        "-h",
        "mail_version",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    out, _ = await process.communicate()
    return machine("aiosmtplib", "apprise").versions | {"postfix": out.decode().strip()}


def _ramdisk() -> str | None:
    """Where there is one: a dump is as fast as what it is written to."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - a new folder in it
