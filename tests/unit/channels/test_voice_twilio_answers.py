"""The table of Twilio's answers."""

import aiohttp
import pytest
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException

from channels._twilio.answers import classify, nothing_done
from hub.delivery import Outcome


@pytest.mark.parametrize(
    ("status", "code", "outcome"),
    [
        (429, 20429, Outcome.THROTTLE),
        (400, 22005, Outcome.THROTTLE),
        (500, 20500, Outcome.AMBIGUOUS),
        (503, 20503, Outcome.TEMPORARY),
        (400, 21211, Outcome.PERMANENT),
        (400, 21217, Outcome.PERMANENT),
        (400, 13224, Outcome.PERMANENT),
        (401, 20003, Outcome.CREDENTIALS),
        (400, 21215, Outcome.CREDENTIALS),
        (400, 32018, Outcome.UNSUPPORTED),
        (400, 21408, Outcome.CREDENTIALS),
        (400, 21606, Outcome.CREDENTIALS),
        (400, 21610, Outcome.PERMANENT),
        (429, 21611, Outcome.THROTTLE),
        (400, 21614, Outcome.PERMANENT),
        (400, 21617, Outcome.UNSUPPORTED),
    ],
)
def test_known_codes(status: int, code: int, outcome: Outcome) -> None:
    failure = classify(TwilioRestException(status, "/Calls.json", "to +819000000001", code=code))
    assert (failure.outcome, failure.reason) == (outcome, str(code))


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (302, Outcome.CREDENTIALS),
        (400, Outcome.PERMANENT),
        (401, Outcome.CREDENTIALS),
        (403, Outcome.CREDENTIALS),
        (404, Outcome.CREDENTIALS),
        (409, Outcome.TEMPORARY),
        (413, Outcome.UNSUPPORTED),
        (408, Outcome.AMBIGUOUS),
        (429, Outcome.THROTTLE),
        (502, Outcome.AMBIGUOUS),
        (503, Outcome.TEMPORARY),
    ],
)
def test_unknown_codes_go_by_their_status(status: int, outcome: Outcome) -> None:
    assert classify(TwilioRestException(status, "/Calls.json", code=99999)).outcome is outcome
    assert classify(TwilioRestException(status, "/Calls.json", code=None)).reason == str(status)


def test_errors_in_the_newer_form_mean_the_same() -> None:
    error = TwilioServiceException("about:blank", "Too many requests", status=429, code=20429)
    assert classify(error).outcome is Outcome.THROTTLE


def test_an_error_whose_numbers_are_none_is_ambiguous() -> None:
    error = TwilioServiceException("about:blank", "odd", status="x", code=[])
    assert classify(error).outcome is Outcome.AMBIGUOUS


@pytest.mark.parametrize(
    "error",
    [
        aiohttp.ServerDisconnectedError(),
        aiohttp.ClientPayloadError(),
        TimeoutError(),
        ValueError(),
        TwilioException(),
    ],
)
def test_an_answer_that_never_came_or_cannot_be_read_is_ambiguous(error: Exception) -> None:
    assert classify(error).outcome is Outcome.AMBIGUOUS


def test_a_request_that_only_reads_did_nothing() -> None:
    assert nothing_done(classify(TimeoutError())).outcome is Outcome.TEMPORARY
    throttled = classify(TwilioRestException(429, "/", code=20429))
    assert nothing_done(throttled) == throttled
