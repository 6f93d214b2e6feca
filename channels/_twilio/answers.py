"""What Twilio's answers mean, as one table.

Error pages: https://www.twilio.com/docs/api/errors and, for one code, …/errors/<code>.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

from aiohttp import ClientError
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException

from channels._answer import Unreadable, reading
from channels._session import unanswered, why
from hub.channel import Parcel
from hub.delivery import Outcome, ProviderRef, Result
from hub.recipient import Recipient


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why Twilio did not take a request. `reason` is its code, the HTTP status, or one of our words."""

    outcome: Outcome
    reason: str

    def result(self, recipient: Recipient) -> Result:
        return Result(recipient.id, self.outcome, reason=self.reason)


CODES: Mapping[int, Outcome] = {
    10001: Outcome.CREDENTIALS,  # account is not active
    10004: Outcome.THROTTLE,  # call concurrency limit
    13223: Outcome.PERMANENT,  # invalid phone number format
    13224: Outcome.PERMANENT,  # cannot be called, or is invalid: perhaps only now (`Capabilities.once_more`)
    13225: Outcome.PERMANENT,  # forbidden number
    13226: Outcome.PERMANENT,  # invalid country code
    20003: Outcome.CREDENTIALS,  # authentication
    20005: Outcome.CREDENTIALS,  # account is not active
    20404: Outcome.CREDENTIALS,  # no such account
    20409: Outcome.TEMPORARY,  # something else is being done with it: nothing was saved, and waiting helps
    20429: Outcome.THROTTLE,  # never processed
    20500: Outcome.AMBIGUOUS,  # internal error: a call may have been made all the same
    20503: Outcome.TEMPORARY,  # unavailable
    21201: Outcome.PERMANENT,  # no number
    21205: Outcome.CREDENTIALS,  # our URL is invalid
    21210: Outcome.CREDENTIALS,  # our number is not ours
    21211: Outcome.PERMANENT,  # invalid number
    21212: Outcome.CREDENTIALS,  # our number is invalid
    21214: Outcome.PERMANENT,  # cannot be reached
    21215: Outcome.CREDENTIALS,  # this country is not enabled in our account
    21216: Outcome.PERMANENT,  # blocked by Twilio
    21217: Outcome.PERMANENT,  # invalid number
    21408: Outcome.CREDENTIALS,  # messages to this country are not enabled in our account
    21602: Outcome.UNSUPPORTED,  # no words
    21604: Outcome.PERMANENT,  # no number
    21606: Outcome.CREDENTIALS,  # our number cannot send messages
    21609: Outcome.CREDENTIALS,  # our status callback's URL is invalid
    21610: Outcome.PERMANENT,  # its owner answered STOP
    21611: Outcome.THROTTLE,  # our number's queue is full
    21612: Outcome.PERMANENT,  # no message gets there from our number
    21614: Outcome.PERMANENT,  # no mobile number
    21617: Outcome.UNSUPPORTED,  # over 1,600 characters
    21659: Outcome.CREDENTIALS,  # our number is not ours
    21660: Outcome.CREDENTIALS,  # our number belongs to another account
    21701: Outcome.CREDENTIALS,  # no such messaging service
    21703: Outcome.CREDENTIALS,  # the messaging service has no number to send from
    22005: Outcome.THROTTLE,  # the call queue is over 24 hours long
    32018: Outcome.UNSUPPORTED,  # TwiML over 4,000 characters
}

NO_SUCH_NUMBER = frozenset({"13223", "13226", "21211", "21217"})
"""Refusals of a number that is none. What may be reached another time (13224, 21214, 21612), what Twilio blocks, and whom
their owner's STOP keeps us from are not among them."""

STATUS: Mapping[int, Outcome] = {
    401: Outcome.CREDENTIALS,
    403: Outcome.CREDENTIALS,
    404: Outcome.CREDENTIALS,  # not Twilio's API: our base_url
    409: Outcome.TEMPORARY,
    413: Outcome.UNSUPPORTED,  # what we say, not whom we say it to
    429: Outcome.THROTTLE,
    503: Outcome.TEMPORARY,  # RFC 9110 §15.6.4: unable to handle the request
}

_ABROAD = frozenset({21215, 21408})
"""A country that is not enabled: our setting at home, the number's own abroad."""

_HOME = "+81"

ERRORS = (TwilioException, ClientError, TimeoutError)
"""All that comes out of `understood` for what Twilio or the network does."""


def understood() -> AbstractContextManager[None]:
    """Around what the client is asked, and around whatever looks into what it gives."""
    return reading(TwilioException)


def reference(created: Any) -> ProviderRef:
    """The SID of a call or a message, without which Twilio has created none. Raises `Unreadable`."""
    if not isinstance(created.sid, str) or not created.sid:
        raise Unreadable("an answer without a SID")
    return ProviderRef(created.sid)


def classify(error: Exception, to: Recipient | None = None) -> Failure:
    """What one of `ERRORS` says of a request that *creates* something, for this recipient if for one: a number abroad
    must not pause the channel for everybody, from wherever the city calls."""
    if isinstance(error, TwilioRestException | TwilioServiceException):
        code, status = _number(error.code), _number(error.status)
        if code in _ABROAD and to is not None and not to.address.startswith(_HOME):
            return Failure(outcome=Outcome.PERMANENT, reason=str(code))
        return Failure(outcome=CODES.get(code) or _by_status(status), reason=str(code or status))
    if isinstance(error, ClientError | TimeoutError):
        return Failure(outcome=unanswered(error), reason=why(error))
    return Failure(outcome=Outcome.AMBIGUOUS, reason="unreadable answer")


def _number(said: object) -> int:
    """The client hands on whatever stands in the answer; 0: no number."""
    return said if isinstance(said, int) else 0


def _by_status(status: int) -> Outcome:
    """For codes that are not in the table. A redirect is never followed: the address is wrong."""
    if 300 <= status < 400:
        return Outcome.CREDENTIALS
    if status in STATUS:
        return STATUS[status]
    return Outcome.PERMANENT if 400 <= status < 500 and status != 408 else Outcome.AMBIGUOUS


def nothing_done(failure: Failure) -> Failure:
    """The same of a request that only reads: silence leaves no doubt about what it did."""
    if failure.outcome in (Outcome.AMBIGUOUS, Outcome.PERMANENT):
        return Failure(outcome=Outcome.TEMPORARY, reason=failure.reason)
    return failure


def unseen(failure: Failure, parcel: Parcel) -> Failure:
    """The same where one could not look. Of a resend it says nothing of the try before: that one may have come through."""
    return replace(failure, outcome=Outcome.AMBIGUOUS) if parcel.resend else failure
