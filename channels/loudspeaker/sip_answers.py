"""What a console's answer to an INVITE means (RFC 3261 §21). Nothing is heard before it answers with 200."""

from collections.abc import Mapping
from datetime import datetime

from channels._answer import retry_after
from channels._hook.answer import Answer
from hub.delivery import Outcome

OUTCOMES: Mapping[int, Outcome] = {
    401: Outcome.CREDENTIALS,
    403: Outcome.CREDENTIALS,
    404: Outcome.PERMANENT,
    407: Outcome.CREDENTIALS,
    408: Outcome.TEMPORARY,
    410: Outcome.PERMANENT,
    415: Outcome.PERMANENT,
    416: Outcome.PERMANENT,
    480: Outcome.TEMPORARY,
    484: Outcome.PERMANENT,
    486: Outcome.TEMPORARY,
    487: Outcome.TEMPORARY,
    488: Outcome.PERMANENT,
    600: Outcome.TEMPORARY,
}


def classify(status: int, headers: Mapping[str, str], *, now: datetime) -> Answer:
    """A final answer that is no 2xx. A redirect is not followed; what stands in no table is for good in 6xx, else not."""
    if status < 400:
        return Answer(outcome=Outcome.CREDENTIALS, reason="redirect")
    unknown = Outcome.PERMANENT if status >= 600 else Outcome.TEMPORARY
    wait = retry_after(headers.get("retry-after"), now=now) if status == 503 else None
    return Answer(outcome=OUTCOMES.get(status, unknown), reason=str(status), retry_after=wait)
