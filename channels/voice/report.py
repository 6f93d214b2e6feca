"""What Twilio reports of a call, as receipts.

https://www.twilio.com/docs/voice/api/call-resource#statuscallback
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from hub.channel import Receipt
from hub.delivery import Outcome, ProviderRef
from hub.errors import BadInput

OUTCOMES: Mapping[str, Outcome] = {
    "completed": Outcome.DELIVERED,
    "busy": Outcome.TEMPORARY,
    "no-answer": Outcome.TEMPORARY,
    "failed": Outcome.TEMPORARY,
    "canceled": Outcome.TEMPORARY,
}
"""CallStatus, the final ones (https://www.twilio.com/docs/voice/api/call-resource#call-status-values)."""

MISSED = frozenset(OUTCOMES) - {"completed"}
"""Statuses of a call that is over and reached nobody."""

_NO_SUCH_NUMBER = frozenset({"404", "410", "484", "604"})
"""SIP (RFC 3261 §21): Not Found, Gone, Address Incomplete, Does Not Exist Anywhere."""

NO_SUCH_NUMBER = frozenset(f"{status} {sip}" for status in MISSED for sip in _NO_SUCH_NUMBER)
"""Reasons of a receipt of a number that is none."""


def receipts(fields: Mapping[str, str], *, now: datetime) -> Sequence[Receipt]:
    """One for a call that is over, none for one under way. `now` stands in for a missing time.

    Raises:
        BadInput: a field that every report has is missing.
    """
    status, sip = _field(fields, "CallStatus"), fields.get("SipResponseCode", "")
    if status not in OUTCOMES:
        return ()
    receipt = Receipt(
        ref=ProviderRef(_field(fields, "CallSid")),
        outcome=Outcome.PERMANENT if sip in _NO_SUCH_NUMBER else OUTCOMES[status],
        at=_when(fields.get("Timestamp", "")) or now,
        reason=" ".join(filter(None, (status, sip))),
    )
    return (receipt,)


def _field(fields: Mapping[str, str], name: str) -> str:
    try:
        return fields[name]
    except KeyError as e:
        raise BadInput(f"$.{name}", "missing in Twilio's callback") from e


def _when(timestamp: str) -> datetime | None:
    """RFC 2822, as Twilio writes it; None where it is missing or no time."""
    try:
        moment = parsedate_to_datetime(timestamp)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
