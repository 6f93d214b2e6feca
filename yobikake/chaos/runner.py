"""One run: from its plan to what the check found."""

import asyncio
import math
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import structlog
import tomli_w

from hub import keys as key_files
from hub import settings
from hub.ledger import Ledger
from yobikake.chaos import check, faults, observed, starvation
from yobikake.chaos.check import Findings
from yobikake.chaos.gateways import TIMEOUT_S, Gateways
from yobikake.chaos.observed import Observed
from yobikake.chaos.operator import operate, reached
from yobikake.chaos.people import CITY, Register
from yobikake.chaos.plan import Hit, Plan
from yobikake.chaos.process import Died, HubProcess, Said
from yobikake.chaos.run import Run
from yobikake.chaos.shapes import Shape
from yobikake.chaos.spawn import Nursery
from yobikake.initialise import SETTINGS
from yobikake.rehearsal.servers.port import free_port

log = structlog.get_logger(__name__)

REST_WITHIN_S = 60.0
"""Everyone of an acknowledged alert has an outcome so soon after the last fault was healed (I2)."""

MOMENT_WITHIN_S = 20.0
LOOKED_EVERY_S = 0.1

DELIVERY: Mapping[str, Any] = {"backoff_s": [0.2, 0.5, 1.0], "lease_s": 5.0, "life_s": 3.0}
"""Short, so that a run sees what takes minutes in a city."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a run."""

    plan: Plan
    fired: Counter[str]
    findings: Findings


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where runs take place, one after the other."""

    shape: Shape
    people: Register
    nursery: Nursery
    sabotage: str | None = None


async def run(plan: Plan, stage: Stage, folder: Path) -> Outcome:
    """Carry out a plan against a hub in `folder`, and compare. A run that cannot be carried out to its end
    is a violation, too."""
    try:
        return await _run(plan, stage, folder)
    except Exception as e:
        log.exception("a run ended early", seed=plan.seed)
        return Outcome(plan=plan, fired=Counter(), findings=_ended_early(plan, e))


async def _run(plan: Plan, stage: Stage, folder: Path) -> Outcome:
    async with _running(plan, stage, folder) as run:
        watching = asyncio.create_task(starvation.watch(run))
        try:
            fired = await _play(run)
            await _heal(run)
            await _rest(run)
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
        for process in run.hub.values():
            await process.stop()
        seen = await _observe(run)
        findings = check.check(seen)
    if findings.violations:
        _leave_evidence(folder, plan, seen, findings)
    return Outcome(plan=plan, fired=fired, findings=findings)


def _leave_evidence(folder: Path, plan: Plan, seen: Observed, findings: Findings) -> None:
    """Beside the hub's folder and log: what was planned, what the operator and the gateways saw, what was found."""
    desk = {"accepted": seen.accepted, "stopped": seen.stopped}
    hurt = {"freezes": seen.freezes, "clock": seen.clock, "stalls": seen.stalls, "in_flight": seen.in_flight}
    evidence = {"plan": plan, "desk": desk, "faults": hurt, "gateways": seen.log, "findings": findings}
    for name, value in evidence.items():
        (folder / f"{name}.json").write_bytes(msgspec.json.format(msgspec.json.encode(value)))


def _ended_early(plan: Plan, error: Exception) -> Findings:
    return Findings(
        acked_alerts=0,
        recipients=0,
        lost=0,
        unflagged_duplicates=0,
        flagged_resends=0,
        resend_bound=0,
        violations=(f"seed {plan.seed}: the run ended early: {type(error).__name__}: {error}",),
    )


@asynccontextmanager
async def _running(plan: Plan, stage: Stage, folder: Path) -> AsyncIterator[Run]:
    """Gateways, hub and the instrument's own view of the ledger; all ended at the end."""
    shape = stage.shape
    own = await shape.fresh(folder)
    staff, residents = free_port(), free_port()
    async with Gateways(folder, residents_port=residents, seed=plan.seed) as gateways:
        values = {
            "data": "data",
            "city": CITY,
            "staff": {"port": staff},
            "residents": {"port": residents},
            "delivery": dict(DELIVERY),
            "limits": {"free_disk": 0.0},  # the machine's own disk is no part of a run
            "channels": {
                kind: {"timeout_s": TIMEOUT_S, **stanza} for kind, stanza in gateways.stanzas().items()
            },
            **own,
        }
        (folder / SETTINGS).write_text(tomli_w.dumps(values), encoding="utf-8")
        ledger = Ledger(settings.load(folder / SETTINGS).ledger_url)
        hub = {
            post.name: HubProcess(folder, post, nursery=stage.nursery, sabotage=stage.sabotage)
            for post in shape.posts
        }
        await ledger.open()
        try:
            await asyncio.gather(*(_start(process) for process in hub.values()))
            yield Run(
                plan=plan,
                folder=folder,
                shape=shape,
                people=stage.people,
                gateways=gateways,
                hub=hub,
                ledger=ledger,
            )
        finally:
            for process in hub.values():
                process.kill()
                await process.ended()
            await ledger.close()


async def _start(process: HubProcess) -> None:
    if not await process.start():
        raise Died(f"{process.post.name} ended at its first start:\n{process.last_words()}")


async def _play(run: Run) -> Counter[str]:
    """The operator and the faults, side by side. Which faults fired, by kind."""
    waiting = {hit: asyncio.create_task(_at_its_moment(run, hit)) for hit in run.plan.hits if not hit.before}

    async def lie_in_wait(step: int) -> None:
        for hit in run.plan.hits:
            if hit.before and hit.step == step:
                waiting[hit] = asyncio.create_task(_fault(run, hit))
                await _until_it_waits(run, waiting[hit])

    watching = asyncio.create_task(_watch(run))
    try:
        await operate(run, lie_in_wait)
        await asyncio.wait(waiting.values(), timeout=MOMENT_WITHIN_S)
        run.over.set()
        fired = await asyncio.gather(*waiting.values())
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    return Counter(hit.kind for hit, hurt in zip(waiting, fired, strict=True) if hurt)


async def _at_its_moment(run: Run, hit: Hit) -> bool:
    """Wait for the step to be acknowledged and for its progress; at a moment that never comes nothing fires."""
    if not await run.until(lambda: hit.step in run.sent, within_s=math.inf):
        return False
    await reached(run, run.sent[hit.step], hit.after or 0.0)
    return not run.over.is_set() and await _fault(run, hit)


async def _fault(run: Run, hit: Hit) -> bool:
    random = Random(hit.seed)  # noqa: S311 - a run that can be had again
    fired = await faults.table()[hit.kind](run, random)
    log.debug("fault", seed=run.plan.seed, kind=hit.kind, fired=fired)
    return fired


async def _until_it_waits(run: Run, fault: "asyncio.Task[bool]") -> None:
    waits = asyncio.create_task(run.waits.wait())
    await asyncio.wait({fault, waits}, return_when=asyncio.FIRST_COMPLETED)
    waits.cancel()
    run.waits.clear()


async def _watch(run: Run) -> None:
    """Whatever ended by itself is started again, as an init system does."""
    while True:
        async with run.hands:
            await run.revive()
        await asyncio.sleep(LOOKED_EVERY_S)


async def _heal(run: Run) -> None:
    await run.shape.heal()
    for process in run.hub.values():
        process.thaw()
    await run.revive()


async def _rest(run: Run) -> bool:
    """Wait until everyone has an outcome and the gateways are silent. False: not in time."""
    with suppress(TimeoutError):
        async with asyncio.timeout(REST_WITHIN_S):
            while not await _at_rest(run):
                await asyncio.sleep(LOOKED_EVERY_S)
                await run.revive()
            return True
    return False


async def _at_rest(run: Run) -> bool:
    if run.gateways.busy:
        return False
    try:
        rest = (await run.desk.ask("rest"))["rest"]
    except (Died, Said):
        return False
    log.debug("rest", seed=run.plan.seed, rest=rest)
    return all(left == 0 for left in rest.values())


async def _observe(run: Run) -> Observed:
    """The ledger, the gateways' log and what the operator was told, at the end."""
    keys = key_files.load(run.folder / "keys")
    record = await run.ledger.read(lambda conn: observed.read(conn, keys))
    carried = run.shape.carried(run.folder)
    return Observed(
        seed=run.plan.seed,
        record=record,
        log=run.gateways.log.entries(),
        people=run.people,
        accepted={sent.identifier: sent.acknowledged_at for sent in run.sent.values()},
        stopped={
            sent.identifier: sent.stopped_at for sent in run.sent.values() if sent.stopped_at is not None
        },
        in_flight=[len(run.in_doubt)],
        freezes=run.freezes,
        clock=run.clock,
        stalls=run.stalls,
        crashes=[crash for process in run.hub.values() for crash in process.crashes],
        leaks=await asyncio.to_thread(observed.leaks, carried, run.people.values()),
    )
