"""What a push service's answers mean."""

from datetime import timedelta

import pytest

from channels.webpush.answers import GONE, outcome, retry_after
from hub.delivery import Outcome
from hub.testing.parcels import NOW


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
        (406, Outcome.PERMANENT),
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


@pytest.mark.parametrize(
    ("header", "wait_s"),
    [
        (None, None),
        ("120", 120),
        ("999999999", 86_400),
        ("Tue, 08 Sep 2026 12:48:00 GMT", 60),
        ("Tue, 08 Sep 2020 12:48:00 GMT", 0),
        ("soon", None),
        ("-1", None),
        ("", None),
        ("²", None),
    ],
)
def test_when_to_come_back(header: str | None, wait_s: int | None) -> None:
    found = retry_after(header, lambda: NOW)
    assert found == (None if wait_s is None else timedelta(seconds=wait_s))
