"""LINE's answers and what each means."""

import json

import pytest

from channels.line.answers import classify
from hub.delivery import Outcome


@pytest.mark.parametrize(
    ("status", "message", "outcome"),
    [
        (302, "", Outcome.TEMPORARY),
        (400, "The request body has 1 error(s)", Outcome.PERMANENT),
        (401, "Authentication failed due to the following reason: …", Outcome.CREDENTIALS),
        (403, "Access to this API is not available for your account", Outcome.CREDENTIALS),
        (404, "Not found", Outcome.CREDENTIALS),
        (409, "The retry key is already accepted", Outcome.ACCEPTED),
        (413, "", Outcome.PERMANENT),
        (422, "", Outcome.PERMANENT),
        (429, "The API rate limit has been exceeded. Try again later.", Outcome.THROTTLE),
        (429, "You have reached your monthly limit.", Outcome.THROTTLE),
        (500, "Internal server error", Outcome.AMBIGUOUS),
        (502, "", Outcome.AMBIGUOUS),
        (503, "", Outcome.TEMPORARY),
        (504, "", Outcome.AMBIGUOUS),
    ],
)
def test_each_answer_has_one_meaning(status: int, message: str, outcome: Outcome) -> None:
    assert classify(status, json.dumps({"message": message})).outcome is outcome


def test_a_used_up_quota_is_told_from_the_rate_limit() -> None:
    quota = classify(429, '{"message":"You have reached your monthly limit."}')
    rate = classify(429, '{"message":"The API rate limit has been exceeded. Try again later."}')
    assert (quota.reason, rate.reason) == ("quota used up", "429")


@pytest.mark.parametrize(
    ("body", "blames"),
    [
        ({"message": "The property, 'to', in the request body is invalid (line: -, column: -)"}, True),
        ({"message": "The property, 'to[17]', in the request body is invalid (line: -, column: -)"}, True),
        ({"message": "Failed to send messages"}, True),
        ({"message": "The request body has 1 error(s)", "details": [{"property": "to[3]"}]}, True),
        ({"message": "The request body has 1 error(s)", "details": [{"property": "to"}]}, True),
        (
            {"message": "The request body has 1 error(s)", "details": [{"property": "messages[0].text"}]},
            False,
        ),
        ({"message": "The request body has 1 error(s)", "details": [{"message": "no property"}]}, False),
        ({"message": "A message (messages[0]) in the request body is invalid"}, False),
        ({"message": "Invalid reply token"}, False),
    ],
)
def test_only_a_400_that_names_a_recipient_blames_recipients(body: dict[str, object], blames: bool) -> None:
    assert classify(400, json.dumps(body)).blames_recipients is blames


@pytest.mark.parametrize(
    "body", ["", "<html>Bad gateway</html>", "[]", '{"message": 7}', '{"message": null}']
)
def test_an_answer_that_is_not_lines_json_goes_by_its_status(body: str) -> None:
    assert classify(400, body).outcome is Outcome.PERMANENT
    assert not classify(400, body).blames_recipients
    assert classify(502, body).outcome is Outcome.AMBIGUOUS
