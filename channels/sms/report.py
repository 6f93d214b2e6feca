"""What Twilio reports of a message, as receipts.

https://www.twilio.com/docs/messaging/guides/track-outbound-message-status
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from hub.channel import Receipt
from hub.delivery import Outcome, ProviderRef
from hub.errors import BadInput

MISSED = frozenset({"undelivered", "failed", "canceled"})
"""Statuses of a message that is over and reached nobody."""

ERRORS: Mapping[str, Outcome] = {
    "30001": Outcome.TEMPORARY,  # Twilio's queue overflowed: never sent
    "30002": Outcome.TEMPORARY,  # account suspended: never sent
    "30003": Outcome.TEMPORARY,  # handset off or out of reach
    "30004": Outcome.PERMANENT,  # blocked, by the person or the carrier
    "30005": Outcome.PERMANENT,  # unknown handset
    "30006": Outcome.PERMANENT,  # a landline, or a carrier that cannot be reached
    "30007": Outcome.PERMANENT,  # filtered as unwanted
    "30008": Outcome.TEMPORARY,  # the carrier gave no reason
    "30036": Outcome.PERMANENT,  # its validity was over: the alert's is too
}
"""ErrorCode of a message that did not arrive; every other is for good (https://www.twilio.com/docs/api/errors)."""


def receipts(fields: Mapping[str, str], *, now: datetime) -> Sequence[Receipt]:
    """One for a message that is over, none for one under way. A report says no time: it is `now`.

    Raises:
        BadInput: a field that every report has is missing.
    """
    status, ref = _field(fields, "MessageStatus"), ProviderRef(_field(fields, "MessageSid"))
    if status == "delivered":
        return (Receipt(ref=ref, outcome=Outcome.DELIVERED, at=now, reason=status),)
    if status not in MISSED:
        return ()
    code = fields.get("ErrorCode", "")
    outcome = ERRORS.get(code, Outcome.PERMANENT)
    return (Receipt(ref=ref, outcome=outcome, at=now, reason=" ".join(filter(None, (status, code)))),)


def _field(fields: Mapping[str, str], name: str) -> str:
    try:
        return fields[name]
    except KeyError as e:
        raise BadInput(f"$.{name}", "missing in Twilio's callback") from e
