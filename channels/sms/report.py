"""What Twilio reports of a message, as receipts.

https://www.twilio.com/docs/messaging/guides/track-outbound-message-status
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from channels._twilio.answers import CODES
from hub.channel import Receipt
from hub.delivery import Outcome, ProviderRef
from hub.errors import BadInput

CANCELED = "canceled"
MISSED = frozenset({"undelivered", "failed", CANCELED})
"""Statuses of a message that is over and reached nobody."""

FOR_GOOD = frozenset(
    {
        30004,  # blocked, by the person or the carrier
        30005,  # unknown handset
        30006,  # a landline, or a carrier that cannot be reached
        30007,  # filtered as unwanted
        30036,  # its validity was over: the alert's is too
    }
)
"""ErrorCode of a message of which another try would come to the same; so would a number that Twilio would not have taken
(`channels._twilio.answers`). Of all others Twilio says to try again, or nothing: 30003 (out of reach), 30008 (no reason),
30017 (congestion), 30410 (a carrier's time-out: it may have come all the same), 30500 (Twilio's own error)
(https://www.twilio.com/docs/api/errors)."""

NO_SUCH_HANDSET = frozenset(f"{status} 30005" for status in MISSED)
"""Reasons of a receipt of a number that nobody has. A carrier that is away is 30006, as a landline is: it may be over."""


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
    outcome = Outcome.PERMANENT if status == CANCELED or _for_good(code) else Outcome.TEMPORARY
    return (Receipt(ref=ref, outcome=outcome, at=now, reason=" ".join(filter(None, (status, code)))),)


def _for_good(code: str) -> bool:
    number = int(code[:9]) if code.isdecimal() else 0
    return number in FOR_GOOD or CODES.get(number) is Outcome.PERMANENT


def _field(fields: Mapping[str, str], name: str) -> str:
    try:
        return fields[name]
    except KeyError as e:
        raise BadInput(f"$.{name}", "missing in Twilio's callback") from e
