"""Is it true what the ledger says of each recipient? Each rule gives those of whom it is not."""

from collections.abc import Iterable

from hub.alert import Mode
from hub.delivery import FAILED, REACHED, Outcome
from hub.recipient import RecipientId
from yobikake.chaos.case import GATEWAYS, Case, Story

Recipients = set[RecipientId]

UNDECIDED = frozenset({Outcome.PENDING, Outcome.TEMPORARY, Outcome.THROTTLE, Outcome.CREDENTIALS})
"""No end: another try is owed."""


def forgotten(case: Case) -> Recipients:
    """Fan-out goes on from its cursor until everyone is in a batch, whatever dies meanwhile."""
    return set(case.audience.all_of - case.members.keys())


def uninvited(case: Case) -> Recipients:
    """A target is re-checked at every hop, so nobody outside the audience gets into a batch."""
    return case.members.keys() - case.audience.none_but


def undecided(case: Case) -> Recipients:
    """The run waited until the hub said that nothing was left to do: then everybody has an end."""
    return {id_ for id_, story in case.members.items() if story.outcome in UNDECIDED}


def counted_twice(case: Case) -> Recipients:
    """A recipient who is tried again moves to the retry's batch, so one place counts them."""
    return {id_ for id_, story in case.members.items() if len(story.counted) > 1}


def unreached(case: Case) -> Recipients:
    """An acceptance is written down when the gateway has given it, a delivery when a device was reached."""
    return {id_ for id_, story in _sent(case) if story.outcome in REACHED and not _bears_out(story)}


def denied(case: Case) -> Recipients:
    """Whoever may have been sent to is ambiguous, and stays so: no later refusal or stop undoes an arrival."""
    return {id_ for id_, story in _sent(case) if story.outcome in FAILED and story.received}


def untold(case: Case) -> Recipients:
    """What was taken and never answered for is ambiguous: the hub cannot know that it was accepted."""
    return {
        id_
        for id_, story in _sent(case)
        if story.outcome in REACHED and story.taken and not any(each.answered for each in story.taken)
    }


def groundless(case: Case) -> Recipients:
    """A failure says why nothing was sent, and the reason can be seen from outside."""
    return {id_ for id_, story in _sent(case) if story.outcome in FAILED and not _grounds(case, id_, story)}


def unresent(case: Case) -> Recipients:
    """Where a gateway could not tell there is one more try, unless the alert was stopped, or was over."""
    over = case.known.stopped_as is not None or case.known.alert.expires <= case.observed.latest_hub_time
    ambiguous = (item for item in _sent(case) if item[1].outcome is Outcome.AMBIGUOUS)
    return {id_ for id_, story in ambiguous if not over and not story.flagged}


def repeated(case: Case) -> Recipients:
    """Twice the same only with a resend that the ledger flags; never where the gateway knows a repeat."""
    return {
        id_
        for id_, story in case.stories.items()
        if story.times > 1 and (not story.flagged or case.channel in KNOWS_REPEATS)
    }


def too_often(case: Case) -> Recipients:
    """One resend, once: what comes back ambiguous from it stays ambiguous."""
    return {id_ for id_, story in case.stories.items() if story.times > 2}


def outside(case: Case) -> Recipients:
    """The batches say who is sent to: nobody else's address is ever opened."""
    return case.stories.keys() - case.members.keys()


def miscalled(case: Case) -> Recipients:
    """The renderer alone writes 訓練, into every text of a drill and into nothing else."""
    drill = case.known.alert.mode is not Mode.LIVE
    return {
        id_ for id_, story in case.stories.items() if any(each.drill is not drill for each in story.taken)
    }


KNOWS_REPEATS = frozenset({"line", "x"})
"""LINE by the retry key, X by the text itself."""


def _sent(case: Case) -> Iterable[tuple[RecipientId, Story]]:
    """Of channels without a gateway there is nobody to compare with."""
    return case.members.items() if case.channel in GATEWAYS else ()


def _bears_out(story: Story) -> bool:
    if story.outcome is Outcome.ACCEPTED:
        return story.whole or (bool(story.taken) and not story.received)
    return story.whole


def _grounds(case: Case, id_: RecipientId, story: Story) -> bool:
    """What a failure stands on:

    refused for good: the gateway refused this address for good, or a call reached nobody, or every try
    that the channel has was made; expired: the alert has; cancelled or superseded: it was stopped (a
    stop may come after another); suppressed: the gateway refused this address for good before; unsupported, no
    address: nobody here is any of these.
    """
    match story.outcome:
        case Outcome.PERMANENT:
            most = case.observed.tries.get(case.channel)
            return (
                any(each.permanent for each in story.refused)
                or any(not each.reached for each in story.taken)
                or (most is not None and max(place.row.spent for place in story.places) + 1 >= most)
            )
        case Outcome.EXPIRED:
            return case.known.alert.expires <= case.observed.latest_hub_time
        case Outcome.CANCELLED | Outcome.SUPERSEDED:
            return case.known.stopped_as is not None
        case Outcome.SUPPRESSED:
            return id_ in case.gone
    return False
