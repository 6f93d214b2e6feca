"""What a console's answer to a webhook means; docs/loudspeaker.md says the same to whoever builds one.

Classes of HTTP statuses: RFC 9110 §15. 409 is a repeat that the console has: it was broadcast, or is about to be.
"""

from collections.abc import Mapping
from datetime import datetime

from channels._answer import retry_after
from channels._hook.answer import Answer
from hub.delivery import Outcome

OUTCOMES: Mapping[int, Outcome] = {
    400: Outcome.PERMANENT,
    401: Outcome.CREDENTIALS,
    403: Outcome.CREDENTIALS,
    404: Outcome.CREDENTIALS,  # nobody is there at this address: staff must act, as for a wrong key
    405: Outcome.CREDENTIALS,
    409: Outcome.ACCEPTED,
    410: Outcome.CREDENTIALS,
    413: Outcome.PERMANENT,
    415: Outcome.PERMANENT,
    422: Outcome.PERMANENT,
    429: Outcome.THROTTLE,
    500: Outcome.AMBIGUOUS,  # of a proxy in front of it, or in the middle of its work: it may have begun
    502: Outcome.AMBIGUOUS,
    504: Outcome.AMBIGUOUS,
}

UNFIT = frozenset({*range(300, 400), 401, 403, 404, 410})
"""Answers to a signed HEAD by which a probe knows that a broadcast would not be taken. 405 is in order: it takes POST."""


def classify(status: int, headers: Mapping[str, str], *, now: datetime) -> Answer:
    """2xx was taken; a redirect is not followed; what stands in no table is tried again."""
    if 200 <= status < 300:
        return Answer(outcome=Outcome.ACCEPTED)
    if 300 <= status < 400:
        return Answer(outcome=Outcome.CREDENTIALS, reason="redirect")
    wait = retry_after(headers.get("Retry-After"), now=now) if status in (429, 503) else None
    outcome = OUTCOMES.get(status, Outcome.TEMPORARY)
    return Answer(
        outcome=outcome, reason="" if outcome is Outcome.ACCEPTED else str(status), retry_after=wait
    )
