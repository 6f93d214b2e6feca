"""What an answer means. Standard Webhooks: 2xx is taken, 410 is gone for good, the rest is tried again.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#webhook-requests
"""

from collections.abc import Mapping
from datetime import datetime

from channels._answer import retry_after
from channels._hook.answer import Answer
from hub.delivery import Outcome

FOR_GOOD = {410: "gone", 400: "400", 413: "413", 415: "415", 422: "422"}
"""It will say the same of the same bytes."""

UNFIT = frozenset({*range(300, 400), 401, 403, 404, 410})
"""Answers to a signed HEAD by which a probe knows that an alert would not be taken. 405 is in order: it takes POST."""


def classify(status: int, headers: Mapping[str, str], *, now: datetime) -> Answer:
    """One system's: it speaks for itself alone, and nothing here holds up the others."""
    if 200 <= status < 300:
        return Answer(outcome=Outcome.ACCEPTED)
    if 300 <= status < 400:  # not followed: who answers elsewhere is not who was registered
        return Answer(outcome=Outcome.TEMPORARY, reason="redirect")
    if status in FOR_GOOD:
        return Answer(outcome=Outcome.PERMANENT, reason=FOR_GOOD[status])
    wait = retry_after(headers.get("Retry-After"), now=now) if status in (429, 503) else None
    return Answer(outcome=Outcome.TEMPORARY, reason=str(status), retry_after=wait)
