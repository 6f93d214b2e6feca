"""What happens to the gateways a hub sends through: they are slow, silent, overloaded, cut off, or refuse.

Each kind is armed on one gateway in use, and has fired when it hit a request. How many recipients a hit
left in doubt stands in the gateways' own log.
"""

from collections.abc import Callable, Collection, Mapping
from functools import partial
from random import Random

from yobikake.chaos.faults import Fault
from yobikake.chaos.run import Run
from yobikake.rehearsal.mishap import Mishap, Strike
from yobikake.rehearsal.twilio_phones import Reporting

WAITS_S = 8.0
"""How long a gateway waits for a request to hit."""

LATE_S = (0.3, 3.0)
"""Around what a hub under test waits for an answer."""

HITS = (1, 4)

WEIGHTS: Mapping[str, int] = {"mail": 4, "line": 3, "voice": 2, "x": 1}
"""How often each channel is drawn."""

UNKNOWN: Mapping[str, tuple[float, float]] = {
    "mail": (0.05, 0.2),
    "line": (0.02, 0.05),  # each makes the connector halve its request again and again
    "voice": (0.1, 0.3),
    "x": (0.5, 0.9),
}
"""The share of addresses that a gateway does not know (of texts, that X does not take)."""


async def struck(mishaps: Collection[Mishap], channels: Collection[str], run: Run, random: Random) -> bool:
    """One of `mishaps` hits the next few requests of a gateway."""
    channel = drawn(run, channels, random)
    if channel is None:
        return False
    strike = Strike(
        mishap=random.choice(sorted(mishaps)),
        left=random.randint(*HITS),
        late_s=random.uniform(*LATE_S),
        most=random.randint(1, 10),
        random=random,
    )
    with run.gateways.mishaps(channel).armed(strike):
        await run.until(lambda: strike.left == 0, within_s=WAITS_S)
        if strike.hits and strike.mishap is Mishap.HALF_OPEN:
            await run.lasts(strike.late_s)
    return strike.hits > 0


async def refused(channels: Collection[str], run: Run, random: Random) -> bool:
    """Some recipients turn out not to exist. They do not exist afterwards either: nothing is healed."""
    channel = drawn(run, channels, random)
    if channel is None:
        return False
    before = run.gateways.log.refusals(channel)
    run.gateways.faults(channel).permanent = random.uniform(*UNKNOWN[channel])
    return await run.until(lambda: run.gateways.log.refusals(channel) > before, within_s=WAITS_S)


async def reported(reporting: Callable[[Random], Reporting], run: Run, random: Random) -> bool:
    """What becomes of calls is reported in a way nobody likes."""
    if "voice" not in in_use(run):
        return False
    async with run.gateways.reporting(reporting(random)) as how:
        few = random.randint(*HITS)
        await run.until(lambda: how.sent + len(how.held or ()) >= few, within_s=WAITS_S)
        held = len(how.held or ())
    return how.sent > 0 or held > 1


def drawn(run: Run, channels: Collection[str], random: Random) -> str | None:
    """A channel of these that the operator of this run uses; None when there is none."""
    fitting = sorted(in_use(run) & set(channels))
    return random.choices(fitting, weights=[WEIGHTS[each] for each in fitting])[0] if fitting else None


def in_use(run: Run) -> set[str]:
    return {channel for step in run.plan.steps for channel in step.channels}


MAIL = frozenset({"mail"})
HTTP = frozenset({"line", "voice", "x"})

FAULTS: Mapping[str, Fault] = {
    "slow": partial(struck, {Mishap.SLOW}, MAIL | HTTP),
    "half_open": partial(struck, {Mishap.HALF_OPEN}, MAIL | HTTP),
    "throttle": partial(struck, {Mishap.THROTTLED}, MAIL | HTTP),
    "credentials": partial(struck, {Mishap.CREDENTIALS}, MAIL | HTTP),
    "down_421": partial(struck, {Mishap.DOWN, Mishap.DOWN_MIDWAY}, MAIL),
    "temporary_4xx": partial(struck, {Mishap.MAILBOX, Mishap.TOO_MANY, Mishap.ERROR}, MAIL),
    "refused_5xx": partial(refused, MAIL),
    "reset_in_data": partial(struck, {Mishap.CUT_BEFORE}, MAIL),
    "reset_after_dot": partial(struck, {Mishap.CUT_AFTER}, MAIL),
    "server_error": partial(struck, {Mishap.DOWN, Mishap.ERROR, Mishap.ERROR_AFTER}, HTTP),
    "cut_before": partial(struck, {Mishap.CUT_BEFORE}, HTTP),
    "cut_after": partial(struck, {Mishap.CUT_AFTER}, HTTP),
    "partial_refusals": partial(refused, HTTP),
    "callback_first": partial(reported, lambda random: Reporting(early=True)),
    "callback_late": partial(reported, lambda random: Reporting(late_s=random.uniform(*LATE_S))),
    "callback_repeated": partial(reported, lambda random: Reporting(copies=random.randint(2, 4))),
    "callback_disordered": partial(reported, lambda random: Reporting(held=[])),
}
