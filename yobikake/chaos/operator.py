"""The operator of a run: does what the plan says, one step after the other, at the first process's desk."""

from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from hub.alert import Mode
from hub.clock import utc_now
from hub.recipient import Kind
from yobikake.chaos.people import Register
from yobikake.chaos.plan import AREA, Act, Step
from yobikake.chaos.process import Died, Said
from yobikake.chaos.run import Run, Sent

log = structlog.get_logger(__name__)

PATIENCE_S = 2.0
"""Without progress for so long nobody waits on: a fault may keep every gateway silent, or all is done."""

TRIES = 4
"""A desk that dies is used again once it is back; so often."""

AGAIN_WITHIN_S = 30.0

PUT_OFF = frozenset({"DatabaseAway", "DiskFull", "OperationalError", "TemporaryFailure"})
"""What the hub says that cannot do now what may be done later."""

PUT_OFF_S = 1.0


async def operate(run: Run, lie_in_wait: Callable[[int], Awaitable[None]]) -> None:
    """Take every step. `lie_in_wait(index)` returns once the faults that wait for the step are ready."""
    for index, step in enumerate(run.plan.steps):
        earlier = run.sent.get(step.of if step.of is not None else max(run.sent, default=0))
        if earlier is not None and step.after:
            await reached(run, earlier, step.after)
        await lie_in_wait(index)
        log.debug("step", seed=run.plan.seed, act=str(step.act))
        if step.act is Act.STOP:
            await _stop(run, earlier)
        else:
            await _send(run, index, step)


async def reached(run: Run, sent: Sent, part: float) -> None:
    """Wait until the gateways took this part of an alert's audience, or take no more of it."""

    def arrived() -> int:
        return run.gateways.log.arrived(sent.number).total()

    wanted = part * audience(run.plan.steps[sent.step], run.people)
    while (before := arrived()) < wanted and not run.over.is_set():
        if not await run.until(lambda: arrived() > before, within_s=PATIENCE_S):
            return


def audience(step: Step, people: Register) -> int:
    """How many recipients the alert has over all channels, as far as the plan tells: at least one."""
    return max(
        1,
        sum(
            len(person.contacts.keys() & set(step.channels))
            for person in people.values()
            if _meant(step, person)
        ),
    )


def _meant(step: Step, person: Any) -> bool:
    if step.mode is Mode.STAFF_DRILL:
        return person.kind is Kind.STAFF
    if step.mode is Mode.RESIDENT_DRILL and not person.drills:
        return False
    return person.kind is Kind.RESIDENT and (step.area != AREA or bool(person.town))


async def _send(run: Run, index: int, step: Step) -> None:
    """Prepare and approve. Who is not answered looks whether it was sent, and presses again if not."""
    if step.of is not None and step.of not in run.sent:
        return  # what it would speak of was never acknowledged
    draft = await _asked(run, lambda: _prepare(run, step))
    if draft is None:
        return
    accepted = await _asked(run, lambda: _accept(run, draft))
    if accepted is not None:
        run.sent[index] = Sent(
            step=index,
            identifier=accepted["identifier"],
            number=accepted["number"],
            acknowledged_at=utc_now(),
        )
        run.answered.set()


async def _prepare(run: Run, step: Step) -> dict[str, Any]:
    if step.of is not None:
        return await run.desk.ask("follow", identifier=run.sent[step.of].identifier, kind=step.act)
    return await run.desk.ask(
        "prepare",
        template=step.template,
        area=step.area,
        mode=step.mode,
        channels=step.channels,
        valid_for_s=step.valid_for_s,
        routine=step.routine,
    )


async def _accept(run: Run, draft: dict[str, Any]) -> dict[str, Any]:
    """Approve, unless the hub knows already that it was sent."""
    return await run.desk.ask("find", draft=draft["draft"]) or await run.desk.ask("accept", **draft)


async def _stop(run: Run, sent: Sent | None) -> None:
    if sent is not None and await _asked(run, lambda: _stopped(run, sent)) is not None:
        sent.stopped_at = utc_now()
        run.answered.set()


async def _stopped(run: Run, sent: Sent) -> dict[str, Any]:
    try:
        return await run.desk.ask("stop", identifier=sent.identifier)
    except Said as e:
        if e.kind != "Conflict":  # it was stopped before: so says the hub too
            raise
        return {}


async def _asked(run: Run, ask: Callable[[], Awaitable[dict[str, Any]]]) -> dict[str, Any] | None:
    """The answer; None when the desk never gave one. Asked again whenever it was dead, or put off."""
    for _ in range(TRIES):
        try:
            return await ask()
        except Died:
            await run.until(lambda: run.desk.ready, within_s=AGAIN_WITHIN_S)
        except Said as e:
            if e.kind not in PUT_OFF:
                raise
            await run.lasts(PUT_OFF_S)
    return None
