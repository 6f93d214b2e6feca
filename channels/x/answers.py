"""What X's answers mean, as one table.

Status codes and problem types: https://docs.x.com/x-api/fundamentals/response-codes-and-errors
Rate-limit headers: https://docs.x.com/x-api/fundamentals/rate-limits
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hub.delivery import Outcome, ProviderRef, Result
from hub.recipient import Recipient
from hub.retry import LONGEST_WAIT


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one request to post came to. `reason` is the status, or our word for a case of it."""

    outcome: Outcome
    reason: str = ""
    post: str | None = None
    """The post's id, where it is public."""
    retry_after: timedelta | None = None
    duplicate: bool = False
    """X refused the text because this account has posted it before."""

    def made_ambiguous(self) -> "Answer":
        return replace(self, outcome=Outcome.AMBIGUOUS)

    def result(self, recipient: Recipient) -> Result:
        ref = ProviderRef(self.post) if self.post else None
        return Result(recipient.id, self.outcome, ref, self.reason, self.retry_after)


STATUS: Mapping[int, Outcome] = {
    400: Outcome.PERMANENT,
    401: Outcome.CREDENTIALS,
    402: Outcome.CREDENTIALS,  # no credits left
    403: Outcome.PERMANENT,
    404: Outcome.CREDENTIALS,  # not X's API: our base_url
    408: Outcome.AMBIGUOUS,
    429: Outcome.THROTTLE,
    503: Outcome.TEMPORARY,  # up, but overloaded; RFC 9110 §15.6.4
}

OURS = ("oauth1-permissions", "client-forbidden", "unsupported-authentication", "usage-capped")
"""Ends of the problem types that speak of our app or plan, not of the post."""

DUPLICATE = "duplicate content"
_DIGITS = 12
"""Of a time in seconds: until the year 9999 and beyond."""
WINDOWS = ("x-rate-limit", "x-user-limit-24hour", "x-app-limit-24hour")


def classify(status: int, problem: Mapping[str, object], headers: Mapping[str, str], now: datetime) -> Answer:
    """The meaning of an answer that is not 2xx. `problem` is its JSON, or empty."""
    if status == 429:
        return Answer(outcome=Outcome.THROTTLE, reason="429", retry_after=_until_reset(headers, now))
    if status == 403 and DUPLICATE in str(problem).lower():
        return Answer(outcome=Outcome.AMBIGUOUS, reason="duplicate", duplicate=True)
    if 400 <= status < 500 and str(problem.get("type", "")).endswith(OURS):
        return Answer(outcome=Outcome.CREDENTIALS, reason=str(status))
    return Answer(outcome=STATUS.get(status) or _by_class(status), reason=str(status))


def _by_class(status: int) -> Outcome:
    if status >= 500 or status < 300:  # a 2xx comes here if it could not be read
        return Outcome.AMBIGUOUS
    # a redirect was not followed: nothing was carried out
    return Outcome.PERMANENT if status >= 400 else Outcome.TEMPORARY


def _until_reset(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """Until the last of the used-up windows opens again; at least a second, at most `LONGEST_WAIT`."""
    used_up = [window for window in WINDOWS if headers.get(f"{window}-remaining") == "0"]
    resets = [headers.get(f"{window}-reset", "") for window in used_up or WINDOWS[:1]]
    seconds = [int(reset) for reset in resets if reset.isdecimal() and len(reset) <= _DIGITS]
    if not seconds:
        return None
    wait_s = min(max(seconds) - now.timestamp(), LONGEST_WAIT.total_seconds())
    return timedelta(seconds=max(wait_s, 1))
