"""What happens to the hub's own processes: they are killed, they hang, their disk is full, their clock is wrong."""

import asyncio
import resource
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from random import Random

from hub.clock import utc_now
from yobikake.chaos.failpoints import FAMILIES, Armed
from yobikake.chaos.faults import Fault
from yobikake.chaos.observed import Freeze
from yobikake.chaos.process import Died, HubProcess
from yobikake.chaos.run import Run

WAITS_S = 5.0
"""How long a fault lies in wait at a failpoint."""

AT_WORK_WITHIN_S = 3.0
DIES_WITHIN_S = 3.0
HANDS_FULL = 4
PAST_LEASE_S = 0.5
DISK_FULL_S = (0.5, 3.0)
CLOCK_OFF_S = (-5.0, -1.0, 1.0, 5.0)
CLOCK_WRONG_S = (0.5, 3.0)

SENDERS = ("mail", "line", "voice", "x")
ROLES: Mapping[str, tuple[str, ...]] = {
    "intake": ("api",),
    "stop": ("api",),
    "relay": ("sweep",),
    "fanout": ("fanout",),
    "claim": SENDERS,
    "send": SENDERS,
    "record": SENDERS,
    "receipt": ("api", "receipts"),
    "takeover": ("sweep",),
}
"""Who passes a family's failpoints."""

ONCE = frozenset({"intake", "stop", "relay", "start"})
"""Families passed so seldom that the first time must do."""


async def kill(run: Run, random: Random) -> bool:
    """SIGKILL with something in its hands if it can be had, and started again."""
    async with run.hands:
        process = random.choice(list(run.hub.values()))
        await run.at_work(process, within_s=AT_WORK_WITHIN_S)
        if not process.runs:
            return False
        await run.kill(process)
        await run.revive()
    return True


async def kill_at(family: str, run: Run, random: Random) -> bool:
    """SIGKILL between two things that must not fall apart."""
    async with run.hands:
        process = run.post_with(ROLES[family], random)
        if not await _arm(process, family, "kill", random):
            return False
        run.waits.set()
        if not await run.until(lambda: not process.runs, within_s=WAITS_S):
            await _disarm(process)
            return False
        await process.ended()
        await run.in_flight()
        await run.revive()
    return True


async def kill_at_answer(run: Run, random: Random) -> bool:
    """SIGKILL as soon as the operator has read that an alert was accepted, or stopped."""
    async with run.hands:
        run.answered.clear()
        run.waits.set()
        try:
            await asyncio.wait_for(run.answered.wait(), WAITS_S)
        except TimeoutError:
            return False
        await run.kill(run.desk)
        await run.revive()
    return True


async def kill_at_start(run: Run, random: Random) -> bool:
    """Killed, and killed again while it starts."""
    async with run.hands:
        process = random.choice(list(run.hub.values()))
        if not process.runs:
            return False
        await run.kill(process)
        sweeps = process.post.does(ROLES["takeover"])
        name = random.choice(sorted(FAMILIES["start"]) if sweeps else ["start.targets"])
        died = await _start_to_die(process, name)
        await run.revive()
    return died


async def kill_at_takeover(run: Run, random: Random) -> bool:
    """A sender dies with claims in its hands, and so does whoever takes them over, in the middle of it."""
    async with run.hands:
        sender, sweeper = run.post_with(SENDERS, random), run.post_with(ROLES["takeover"], random)
        if not await run.at_work(sender, within_s=AT_WORK_WITHIN_S):
            return False
        await run.kill(sender)
        name = random.choice(sorted(FAMILIES["takeover"]))
        if sweeper is sender:
            died = await _start_to_die(sweeper, name)
        else:
            died = await _armed(sweeper, Armed(name=name, nth=1, how="kill"))
            died = died and await run.until(lambda: not sweeper.runs, within_s=WAITS_S)
        await sweeper.ended() if died else await _disarm(sweeper)
        await run.in_flight()
        await run.revive()
    return died


async def freeze(run: Run, random: Random) -> bool:
    """SIGSTOP until every lease it holds has run out: it wakes up with claims that may be somebody else's.

    At any moment, or with a claim in its hands of which nothing was sent.
    """
    async with run.hands:
        process = run.post_with(SENDERS, random)
        if not process.runs or not await _hung(run, process, random):
            return False
        frozen_at, held = utc_now(), await run.claims(process)
        await run.in_flight()
        for claim in held:
            await asyncio.sleep((claim.until - utc_now()).total_seconds() + PAST_LEASE_S)
        run.freezes.append(
            Freeze(
                process=process.post.name,
                frozen_at=frozen_at,
                thawed_at=utc_now(),
                leases={claim.batch: claim.until for claim in held},
                owners={claim.batch: claim.owner for claim in held},
            )
        )
        process.thaw()
    return bool(held)


async def full_disk(run: Run, random: Random) -> bool:
    """Every write to a file is refused, as on a disk without room.

    The kernel refuses it: the process's limit of the size of its files (RLIMIT_FSIZE) is set to nothing
    with prlimit, so that a write gives EFBIG where a full disk gives ENOSPC. SQLite takes both for a disk
    that is full or fails, and it takes no rights.
    """
    async with run.hands:
        process = random.choice(list(run.hub.values()))
        if not process.runs:
            return False
        said = process.log.stat().st_size
        _, most = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, most))
        await run.in_flight()
        await run.lasts(random.uniform(*DISK_FULL_S))
        await run.in_flight()
        if process.runs:
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (most, most))
        await run.revive()
        return _complained(process, said)


async def clock_jump(run: Run, random: Random) -> bool:
    """The hub's clock is wrong for a while; the database's, by which leases are measured, is not."""
    off, wrong_s = timedelta(seconds=random.choice(CLOCK_OFF_S)), random.uniform(*CLOCK_WRONG_S)
    run.clock.append((utc_now(), off))
    processes = list(run.hub.values())
    set_wrong = [await _set_clock(process, off) for process in processes]
    await run.lasts(wrong_s)
    for process in processes:
        await _set_clock(process, timedelta(0))
    run.clock.append((utc_now(), timedelta(0)))
    return any(set_wrong)


async def _arm(process: HubProcess, family: str, how: str, random: Random) -> bool:
    """At one of the family's failpoints, the first time or a later one. False: the process is dead."""
    name = random.choice(sorted(FAMILIES[family]))
    nth = 1 if family in ONCE else random.randint(1, 6)
    return await _armed(process, Armed(name=name, nth=nth, how=how))


async def _armed(process: HubProcess, armed: Armed) -> bool:
    try:
        await process.ask("arm", failpoint=str(armed))
    except Died:
        return False
    return True


async def _disarm(process: HubProcess) -> None:
    try:
        await process.ask("disarm")
    except Died:
        return


async def _set_clock(process: HubProcess, off: timedelta) -> bool:
    """False: it is dead; a new life begins with the right time."""
    try:
        await process.ask("clock", off_s=off.total_seconds())
    except Died:
        return False
    return True


async def _start_to_die(process: HubProcess, name: str) -> bool:
    """It may come as far as being ready before it gets there."""
    try:
        await process.start(failpoints=[Armed(name=name, nth=1, how="kill")])
        await asyncio.wait_for(process.ended(), DIES_WITHIN_S)
    except (Died, TimeoutError):
        return False
    return True


async def _hung(run: Run, process: HubProcess, random: Random) -> bool:
    await run.at_work(process, within_s=AT_WORK_WITHIN_S, claims=HANDS_FULL)
    if random.random() < 0.3:
        process.freeze()
        return True
    if not await _arm(process, "claim", "stop", random):
        return False
    if await run.until(lambda: process.frozen or not process.runs, within_s=WAITS_S):
        return process.runs
    await _disarm(process)
    return False


def _complained(process: HubProcess, since: int) -> bool:
    """Whether the process noticed: it says so in its log."""
    said = process.log.read_bytes()[since:]
    return any(word in said for word in (b"disk", b"File too large", b"SQLITE_FULL"))


FAULTS: Mapping[str, Fault] = {
    "kill": kill,
    **{
        f"kill_at_{family}": partial(kill_at, family)
        for family in FAMILIES
        if family not in ("start", "takeover")
    },
    "kill_at_answer": kill_at_answer,
    "kill_at_start": kill_at_start,
    "kill_at_takeover": kill_at_takeover,
    "freeze": freeze,
    "full_disk": full_disk,
    "clock_jump": clock_jump,
}
