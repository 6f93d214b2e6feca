"""What a push service's answers mean."""

import pytest

from channels.webpush.answers import GONE, outcome
from hub.delivery import Outcome


@pytest.mark.parametrize(
    ("status", "meaning"),
    [
        (201, Outcome.ACCEPTED),
        (202, Outcome.ACCEPTED),
        (204, Outcome.ACCEPTED),
        (307, Outcome.TEMPORARY),
        (400, Outcome.PERMANENT),
        (401, Outcome.CREDENTIALS),
        (403, Outcome.CREDENTIALS),
        (404, Outcome.PERMANENT),
        (406, Outcome.THROTTLE),
        (408, Outcome.TEMPORARY),
        (410, Outcome.PERMANENT),
        (413, Outcome.UNSUPPORTED),
        (429, Outcome.THROTTLE),
        (500, Outcome.TEMPORARY),
        (503, Outcome.TEMPORARY),
    ],
)
def test_every_status_has_a_meaning(status: int, meaning: Outcome) -> None:
    assert outcome(status) is meaning
    assert str(status) not in GONE or meaning is Outcome.PERMANENT
