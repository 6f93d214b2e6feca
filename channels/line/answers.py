"""What LINE's answers mean, as one table.

Status codes: https://developers.line.biz/en/reference/messaging-api/#status-codes
Messages: https://developers.line.biz/en/reference/messaging-api/#error-responses
Retries: https://developers.line.biz/en/docs/messaging-api/retrying-api-request/
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID

import msgspec

from hub import typed
from hub.delivery import Outcome, Result
from hub.recipient import Recipient


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one multicast came to. `reason` is the status, or our word for a case of it."""

    outcome: Outcome
    reason: str = ""
    blames_recipients: bool = False
    """LINE refused the whole request because of at least one id in `to`."""

    @property
    def refuses_message(self) -> bool:
        """LINE refused what was to be said, whoever it was for."""
        return self.reason in ("400", "413")

    def made_ambiguous(self) -> "Answer":
        return replace(self, outcome=Outcome.AMBIGUOUS)

    def result(self, recipient: Recipient, *, again_under: UUID | None = None) -> Result:
        return Result(
            recipient.id,
            self.outcome,
            reason=self.reason,
            alone=self.blames_recipients,
            again_under=again_under,
        )


STATUS: Mapping[int, Outcome] = {
    400: Outcome.PERMANENT,
    401: Outcome.CREDENTIALS,  # the token
    403: Outcome.CREDENTIALS,  # the plan, or what the token may do
    404: Outcome.CREDENTIALS,  # not LINE's API: our base_url
    408: Outcome.AMBIGUOUS,
    409: Outcome.ACCEPTED,  # an earlier request with this retry key was accepted
    413: Outcome.PERMANENT,  # over 2 MB
    415: Outcome.PERMANENT,
    429: Outcome.THROTTLE,
    503: Outcome.TEMPORARY,  # RFC 9110 §15.6.4: unable to handle the request
}

UNKNOWN_ID = "unknown id"
"""No user of this account's provider has it, or ever had: whoever blocks the account or deletes theirs is accepted
(https://developers.line.biz/en/faq/tags/message/)."""
ACCEPTED = Answer(outcome=Outcome.ACCEPTED)
UNREADABLE = Answer(outcome=Outcome.AMBIGUOUS, reason="unreadable answer")


def is_from_line(taken: object, headers: Mapping[str, str]) -> bool:
    """Whether a 200 is LINE's, and no proxy's page: a JSON object with an id of the request, or of what was sent.

    https://developers.line.biz/en/reference/messaging-api/#response-headers
    """
    return isinstance(taken, dict) and (REQUEST_ID in headers or "sentMessages" in taken)


REQUEST_ID = "x-line-request-id"


def classify(status: int, body: str) -> Answer:
    """The meaning of an answer that is not 200."""
    error = _error(body)
    if status == 429 and "monthly limit" in error.message.lower():
        return Answer(outcome=Outcome.THROTTLE, reason="quota used up")
    if status == 400 and error.names_recipients:
        return Answer(outcome=Outcome.PERMANENT, reason=UNKNOWN_ID, blames_recipients=True)
    if status == 409 and not error.message:
        return UNREADABLE
    return Answer(outcome=STATUS.get(status) or _by_class(status), reason=str(status))


def _by_class(status: int) -> Outcome:
    if status >= 500:
        return Outcome.AMBIGUOUS
    # a redirect was not followed: nothing was carried out
    return Outcome.PERMANENT if status >= 400 else Outcome.TEMPORARY


class _Detail(msgspec.Struct, frozen=True):
    property: str = ""


class _Error(msgspec.Struct, frozen=True):
    """The JSON of an error; what is no such JSON counts as an error without words."""

    message: str = ""
    details: tuple[_Detail, ...] = ()

    @property
    def names_recipients(self) -> bool:
        """By property, by name in the sentence, or as the sentence for ids that do not exist."""
        return (
            any(detail.property == "to" or detail.property.startswith("to[") for detail in self.details)
            or "'to" in self.message
            or self.message == "Failed to send messages"
        )


def _error(body: str) -> _Error:
    try:
        return typed.from_json(body, _Error)
    except msgspec.DecodeError:
        return _Error()
