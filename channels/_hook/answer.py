"""What one system's answer comes to."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from hub.delivery import Outcome, ProviderRef, Result
from hub.recipient import Recipient


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    outcome: Outcome
    reason: str = ""
    retry_after: timedelta | None = None

    def result(self, recipient: Recipient, ref: str, *, alone: bool = False) -> Result:
        """`ref`: under which it was taken. `alone`: as in `hub.delivery.Result`."""
        taken = ProviderRef(ref) if self.outcome is Outcome.ACCEPTED else None
        return Result(recipient.id, self.outcome, taken, self.reason, self.retry_after, alone=alone)


class Classify(Protocol):
    """A connector's table."""

    def __call__(self, status: int, headers: Mapping[str, str], *, now: datetime) -> Answer: ...
