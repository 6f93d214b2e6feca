"""An attempt: one try of one batch, and what is known of each of its recipients so far."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hub.asking import Ask
from hub.channel import Content, nothing
from hub.claim import Claim
from hub.clock import Clock
from hub.delivery import REACHED, Batch, Outcome, Result
from hub.errors import (
    AmbiguousFailure,
    CredentialsFailure,
    DeliveryFailure,
    GateClosed,
    PermanentFailure,
    TemporaryFailure,
)
from hub.gate import Gate, closed_as
from hub.ledger.alerts import Accepted
from hub.recipient import Recipient, RecipientId
from hub.retry import unsent


@dataclass(slots=True, kw_only=True)
class Attempt:
    """Filled from stage to stage."""

    claim: Claim
    accepted: Accepted = field(init=False)
    gate: Gate = field(init=False)
    content: Content | None = None
    to: list[Recipient] = field(default_factory=list)
    ask: Ask = nothing
    sending: bool = False
    """The gate has let a request pass: from here on, what is not known is ambiguous."""
    results: dict[RecipientId, Result] = field(default_factory=dict)
    reached_first: datetime | None = None
    reached_last: datetime | None = None

    @property
    def batch(self) -> Batch:
        return self.claim.batch

    def take(self, result: Result, clock: Clock) -> None:
        self.results[result.recipient] = result
        if self.reached_first is None and result.outcome in REACHED:
            self.reached_first = clock()

    def taken(self, clock: Clock) -> None:
        """No result comes any more."""
        if self.reached_first is not None:
            self.reached_last = clock()

    def rest(self, outcome: Outcome, reason: str = "", retry_after: timedelta | None = None) -> None:
        """Whoever has no result yet gets this one."""
        for member in self.batch.members:
            if member not in self.results:
                self.results[member] = Result(member, outcome, None, reason, retry_after)

    def close(self, reason: GateClosed) -> None:
        """The gate refused a request: whoever has no result was not sent to."""
        outcome = closed_as(reason)
        if outcome is not None:
            self.rest(unsent(self.batch, outcome))
        else:  # our own fence, before anybody else can have the batch
            self.rest(Outcome.TEMPORARY, "lease-lost")

    def fail(self, failure: DeliveryFailure) -> None:
        """The connector speaks for whoever has no result."""
        self.rest(_outcome_of(failure), failure.reason, getattr(failure, "retry_after", None))


def _outcome_of(failure: DeliveryFailure) -> Outcome:
    for kind, outcome in _FAILURES.items():
        if isinstance(failure, kind):
            return outcome
    return Outcome.AMBIGUOUS


_FAILURES: dict[type[DeliveryFailure], Outcome] = {
    TemporaryFailure: Outcome.TEMPORARY,
    PermanentFailure: Outcome.PERMANENT,
    CredentialsFailure: Outcome.CREDENTIALS,
    AmbiguousFailure: Outcome.AMBIGUOUS,
}
