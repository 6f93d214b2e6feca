"""What an answer means. Standard Webhooks: 2xx is taken, 410 is gone for good, the rest is tried again.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#webhook-requests
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from hub.delivery import Outcome, ProviderRef, Result
from hub.recipient import Recipient

FOR_GOOD = {410: "gone", 400: "400", 413: "413", 415: "415", 422: "422"}
"""It will say the same of the same bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One system's. It speaks for itself alone: nothing here holds up the others."""

    outcome: Outcome
    reason: str = ""
    retry_after: timedelta | None = None

    def result(self, recipient: Recipient, ref: str) -> Result:
        taken = ProviderRef(ref) if self.outcome is Outcome.ACCEPTED else None
        return Result(recipient.id, self.outcome, taken, self.reason, self.retry_after, alone=True)


def classify(status: int, headers: Mapping[str, str], *, now: datetime) -> Answer:
    if 200 <= status < 300:
        return Answer(outcome=Outcome.ACCEPTED)
    if 300 <= status < 400:  # we do not follow: who answers elsewhere is not who was registered
        return Answer(outcome=Outcome.PERMANENT, reason="redirect")
    if status in FOR_GOOD:
        return Answer(outcome=Outcome.PERMANENT, reason=FOR_GOOD[status])
    wait = retry_after(headers.get("Retry-After", ""), now=now) if status in (429, 503) else None
    return Answer(outcome=Outcome.TEMPORARY, reason=str(status), retry_after=wait)


def retry_after(said: str, *, now: datetime) -> timedelta | None:
    """RFC 9110 §10.2.3: seconds, or a date. None: neither."""
    if said.strip().isdecimal():
        return timedelta(seconds=min(int(said.strip()[:9]), 86_400))
    try:
        return max(timedelta(0), parsedate_to_datetime(said) - now)
    except (TypeError, ValueError):
        return None
