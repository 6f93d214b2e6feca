"""What WordPress's refusals mean, as one table.

The REST API names an error by a code: https://developer.wordpress.org/rest-api/reference/ and
https://developer.wordpress.org/reference/classes/wp_rest_posts_controller/ say which.
"""

from collections.abc import Mapping

import msgspec

from channels._answer import retry_after
from channels.website.place import Failed
from hub import typed
from hub.clock import utc_now
from hub.delivery import Outcome

CODES: Mapping[str, Outcome] = {
    "incorrect_password": Outcome.CREDENTIALS,
    "invalid_username": Outcome.CREDENTIALS,
    "application_passwords_disabled": Outcome.CREDENTIALS,
    "rest_not_logged_in": Outcome.CREDENTIALS,
    "rest_forbidden": Outcome.CREDENTIALS,
    "rest_forbidden_context": Outcome.CREDENTIALS,
    "rest_cannot_create": Outcome.CREDENTIALS,
    "rest_cannot_edit": Outcome.CREDENTIALS,
    "rest_cannot_publish": Outcome.CREDENTIALS,
    "rest_no_route": Outcome.CREDENTIALS,  # the address is not that of a WordPress, or its API is off
    "rest_post_invalid_id": Outcome.TEMPORARY,  # somebody took it away meanwhile: the next try makes it anew
    "rest_invalid_param": Outcome.PERMANENT,
}


class _Error(msgspec.Struct):
    code: str = ""


def failed(status: int, headers: Mapping[str, str], body: bytes, *, creates: bool) -> Failed:
    """`creates`: the request was to change something, so an error of the server leaves open whether it did."""
    code = _code(body)
    wait = retry_after(headers.get("Retry-After"), now=utc_now())
    outcome = CODES.get(code) or _by_status(status, creates=creates)
    return Failed(outcome, code if code in CODES else str(status), wait)


def _by_status(status: int, *, creates: bool) -> Outcome:
    """For codes that are not in the table. A redirect is never followed: the address is wrong."""
    if status in (401, 403, 404) or 300 <= status < 400:
        return Outcome.CREDENTIALS
    if status == 429:
        return Outcome.THROTTLE
    if status == 503 or not creates:  # RFC 9110 §15.6.4: unable to handle the request
        return Outcome.TEMPORARY
    return Outcome.AMBIGUOUS if status >= 500 or status == 408 else Outcome.PERMANENT


def _code(body: bytes) -> str:
    try:
        return typed.from_json(body, _Error).code
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
