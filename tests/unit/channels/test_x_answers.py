"""X's answers and what each means."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web

from channels._session import GatewaySession
from channels.x.account import LIBRARY_URL, Account, Keys
from channels.x.answers import classify
from hub.delivery import Outcome
from hub.outbound import Deployment, Outbound
from hub.testing.parcels import NOW
from tests.unit.channels.test_line_session import opened, serving

PROBLEMS = "https://api.twitter.com/2/problems/"


def _in(seconds: int) -> str:
    """Unix time, so many seconds from now."""
    return str(int(NOW.timestamp()) + seconds)


DUPLICATE = "You are not allowed to create a Tweet with duplicate content."


@pytest.mark.parametrize(
    ("status", "problem", "outcome"),
    [
        (302, {}, Outcome.TEMPORARY),
        (400, {"detail": "Your Tweet text is too long.", "type": "about:blank"}, Outcome.PERMANENT),
        (401, {"title": "Unauthorized", "type": "about:blank"}, Outcome.CREDENTIALS),
        (402, {"title": "CreditsDepleted"}, Outcome.CREDENTIALS),
        (403, {"detail": "You are not permitted to perform this action."}, Outcome.PERMANENT),
        (403, {"type": f"{PROBLEMS}oauth1-permissions"}, Outcome.CREDENTIALS),
        (403, {"type": f"{PROBLEMS}client-forbidden"}, Outcome.CREDENTIALS),
        (403, {"detail": DUPLICATE, "type": "about:blank"}, Outcome.AMBIGUOUS),
        (404, {}, Outcome.CREDENTIALS),
        (429, {"title": "Too Many Requests"}, Outcome.THROTTLE),
        (429, {"title": "UsageCapExceeded", "type": f"{PROBLEMS}usage-capped"}, Outcome.THROTTLE),
        (500, {}, Outcome.AMBIGUOUS),
        (502, {}, Outcome.AMBIGUOUS),
        (503, {"title": "Service Unavailable"}, Outcome.TEMPORARY),
        (504, {}, Outcome.AMBIGUOUS),
    ],
)
def test_each_answer_has_one_meaning(status: int, problem: Mapping[str, object], outcome: Outcome) -> None:
    assert classify(status, problem, {}, NOW).outcome is outcome


def test_only_the_403_for_a_repeated_text_is_a_duplicate() -> None:
    assert classify(403, {"detail": DUPLICATE}, {}, NOW).duplicate
    assert not classify(403, {"detail": "You are not permitted to perform this action."}, {}, NOW).duplicate
    assert not classify(400, {"detail": DUPLICATE}, {}, NOW).duplicate


@pytest.mark.parametrize(
    ("headers", "retry_after"),
    [
        ({}, None),
        ({"x-rate-limit-reset": "soon"}, None),
        ({"x-rate-limit-reset": _in(90)}, 90),
        ({"x-rate-limit-reset": _in(-90)}, 1),
        ({"x-rate-limit-reset": "9" * 12}, 86_400),
        ({"x-rate-limit-reset": "9" * 30}, None),
        ({"x-rate-limit-remaining": "0", "x-rate-limit-reset": _in(600)}, 600),
        (
            {
                "x-rate-limit-remaining": "12",
                "x-rate-limit-reset": _in(600),
                "x-user-limit-24hour-remaining": "0",
                "x-user-limit-24hour-reset": _in(7200),
            },
            7200,
        ),
        (
            {
                "x-rate-limit-remaining": "0",
                "x-rate-limit-reset": _in(600),
                "x-app-limit-24hour-remaining": "0",
                "x-app-limit-24hour-reset": _in(7200),
            },
            7200,
        ),
    ],
)
def test_a_throttle_lasts_until_the_used_up_window_opens(
    headers: Mapping[str, str], retry_after: int | None
) -> None:
    expected = None if retry_after is None else timedelta(seconds=retry_after)
    assert classify(429, {}, headers, NOW).retry_after == expected


@pytest.mark.parametrize(
    ("status", "kind", "text", "outcome"),
    [
        (502, "text/html", "<html>Bad gateway</html>", Outcome.AMBIGUOUS),
        (503, "text/html", "<html>Over capacity</html>", Outcome.TEMPORARY),
        (403, "text/html", "<html>Blocked</html>", Outcome.PERMANENT),
        (500, "application/json", "{", Outcome.AMBIGUOUS),
        (201, "text/html", "<html>Thank you</html>", Outcome.AMBIGUOUS),
        (201, "application/json", "{}", Outcome.AMBIGUOUS),
        (201, "application/json", '{"data":{"id":7}}', Outcome.AMBIGUOUS),
        (201, "application/json", '{"data":{"id":"7","text":"a"}}', Outcome.ACCEPTED),
    ],
)
async def test_an_answer_that_is_not_xs_json_goes_by_its_status(
    tmp_path: Path, status: int, kind: str, text: str, outcome: Outcome
) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, text=text, content_type=kind)

    async with serving(answer) as url, _account(url, tmp_path) as account:
        assert (await account.post("避難してください。", reply_to=None)).outcome is outcome


@asynccontextmanager
async def _account(url: str, folder: Path) -> AsyncIterator[Account]:
    keys = {name: folder / name for name in Keys.__struct_fields__}
    for path in keys.values():
        path.write_text("1234567890-secret")
    unopened = GatewaySession(
        outbound=Outbound(deployment=Deployment.REHEARSAL),
        base_url=url,
        setting="test",
        timeout_s=30,
        connections=1,
        library_url=LIBRARY_URL,
    )
    async with opened(unopened) as session:
        yield Account(Keys(**keys), session, lambda: NOW, setting="test")
