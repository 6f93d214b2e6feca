"""Both connectors and both simulated gateways against the providers' own API descriptions."""

import json
from collections.abc import AsyncIterator
from contextlib import nullcontext
from pathlib import Path
from unittest.mock import patch
from urllib.parse import urlsplit

import pytest
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest

from channels.line.menu import load
from channels.line.menu_picture import Picture
from channels.line.menus import Menus
from channels.line.replies import Replies
from config import folder
from hub.language import Language
from hub.testing.channel_harness import send
from hub.testing.channel_suite import REHEARSAL, opened
from hub.testing.parcels import NOW, parcel
from operator_ui.residents.line.messages import door, touchable
from tests.contract.described import PROVIDERS, Provider, described, description, needs_theirs, repeat
from tests.contract.test_channel_line import LineHarness
from tests.contract.test_channel_x import XHarness, long_parcel
from yobikake.rehearsal.http import Request
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.line import LineGateway
from yobikake.rehearsal.line_sender import LineSender
from yobikake.rehearsal.x import PNG, XGateway

LINE, X = PROVIDERS["line"], PROVIDERS["x"]
WEBHOOK = Provider(description="webhook.yml", host="")

pytestmark = [
    needs_theirs,
    # openapi-core cannot check OAuth 2.0, which X describes as one of two ways in; we use the other
    pytest.mark.filterwarnings("ignore:Unsupported scheme type:UserWarning"),
]

TROUBLES = ("none", "down", "credentials", "throttle", "permanent", "temporary")


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[LineHarness]:
    async with LineGateway(Inbox()) as gateway:
        yield LineHarness(gateway, tmp_path)


@pytest.fixture
async def x(tmp_path: Path) -> AsyncIterator[XHarness]:
    async with XGateway(Inbox(), clock=lambda: NOW) as gateway:
        yield XHarness(gateway, tmp_path)


async def test_every_request_to_line_is_one_that_line_describes(line: LineHarness) -> None:
    await _use_line(line)
    assert {(request.method, request.target) for request in line.gateway.requests} == {
        ("POST", "/v2/bot/message/multicast"),
        ("GET", "/v2/bot/message/quota"),
        ("GET", "/v2/bot/message/quota/consumption"),
        ("GET", "/v2/bot/info"),
        ("POST", "/v2/bot/message/reply"),
        ("GET", "/v2/bot/richmenu/list"),
        ("GET", "/v2/bot/user/all/richmenu"),
    }
    for request in line.gateway.requests:
        description(LINE).validate_request(described(request, LINE))


async def test_every_answer_in_the_chat_is_one_that_line_describes(
    line: LineHarness,
) -> None:
    user, replies = f"U{1:032x}", Replies(line.settings, outbound=REHEARSAL)
    await replies.open()
    for said in (
        touchable([{"type": "text", "text": "a"}], Language.JA),
        [door("a", Language.JA, "https://hub.example/ja/chat/1.a")],
    ):
        assert await replies.reply(line.gateway.reply_token(user), said)
    assert not await replies.reply("used-up", [{"type": "text", "text": "a"}])
    await replies.close()
    posts = [request for request in line.gateway.requests if request.method == "POST"]
    for request, status in zip(posts, (200, 200, 400), strict=True):
        description(LINE).validate_request(described(request, LINE))
        token = line.gateway.reply_token(user) if status == 200 else "used-up"
        body = json.dumps(json.loads(request.body) | {"replyToken": token}).encode()
        again = Request(
            at=request.at, method="POST", target=request.target, headers=request.headers, body=body
        )
        answer = await repeat(line.gateway.url, again)
        assert answer.status == status
        description(LINE).validate_response(described(again, LINE), answer.response)


async def test_every_request_and_answer_about_menus_is_one_that_line_describes(line: LineHarness) -> None:
    menu = load(folder("akishima"), url="https://hub.example", telephone="042-000-0000")
    menus = Menus(line.settings_of_menus, outbound=REHEARSAL)
    await menus.open()
    await menus.install(menu, Picture(PNG, "image/png"))
    await menus.install(menu, Picture(PNG + b"1", "image/png"))
    await menus.close()
    asked = list(line.gateway.requests)
    assert {request.method for request in asked} == {"GET", "POST", "DELETE"}
    for request in asked:
        # openapi-core knows no media type "*/*", by which LINE describes pictures
        if not request.target.endswith("/content"):
            description(LINE).validate_request(described(request, LINE))
    for target in (
        "/v2/bot/richmenu/list",
        f"/v2/bot/richmenu/{line.gateway.shelf.shown}",
        "/v2/bot/user/all/richmenu",
    ):
        again = Request(at=asked[0].at, method="GET", target=target, headers=asked[0].headers, body=b"")
        answer = await repeat(line.gateway.url, again)
        assert answer.status == 200
        description(LINE).validate_response(described(again, LINE), answer.response)


def test_what_the_simulated_line_delivers_is_what_line_describes() -> None:
    sender = LineSender(LineGateway(Inbox()), url="http://127.0.0.1:1/", channel_secret="secret")
    user = f"U{1:032x}"
    body = sender.body(
        [
            sender.follow(user),
            sender.unfollow(user),
            sender.text(user, "a"),
            sender.location(user, 35.7, 139.35),
            sender.sticker(user),
            sender.postback(user, "yobikake=sites"),
            sender.again(sender.account_link(user)),
        ]
    )
    for events, fits in ((body, True), (body.replace(b'"mode":"active"', b'"mode":"idle"'), False)):
        request = MockRequest(
            "https://example.com",
            "POST",
            "/callback",
            headers=dict(sender.headers(events)),
            data=events,
            content_type="application/json",
        )
        with nullcontext() if fits else pytest.raises(OpenAPIError):
            description(WEBHOOK).validate_request(request)


async def test_every_request_to_x_is_one_that_x_describes(x: XHarness) -> None:
    await _use_x(x)
    assert {(request.method, urlsplit(request.target).path) for request in x.gateway.requests} == {
        ("POST", "/2/tweets"),
        ("POST", "/2/media/upload"),
        ("POST", "/2/media/metadata"),
        ("GET", "/2/users/me"),
        ("GET", "/2/users/1234567890/tweets"),
    }
    for request in x.gateway.requests:
        description(X).validate_request(described(request, X))


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_the_simulated_line_answers_as_line_describes(line: LineHarness, trouble: str) -> None:
    await _use_line(line)
    await _answers_are_described(line, line.gateway.requests, LINE, trouble)


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_the_simulated_x_answers_as_x_describes(x: XHarness, trouble: str) -> None:
    await _use_x(x)
    await _answers_are_described(x, x.gateway.requests, X, trouble)


@pytest.mark.parametrize(
    ("body", "about"),
    [
        (b'{"to":[],"messages":[{"type":"text","text":"a"}]}', "to"),
        (b'{"to":["U00000000000000000000000000000001"],"messages":[]}', "messages"),
        (b'{"to":["U00000000000000000000000000000001"]}', "messages"),
    ],
)
async def test_what_lines_description_refuses_the_simulated_line_refuses_too(
    line: LineHarness, body: bytes, about: str
) -> None:
    request = await _one_multicast(line, body)
    with pytest.raises(OpenAPIError):
        description(LINE).validate_request(described(request, LINE))
    answer = await repeat(
        line.gateway.url, request, **{"X-Line-Retry-Key": "0b8e3a52-6a1c-4c4f-9f0e-5d6c1b7a2e91"}
    )
    assert answer.status == 400
    assert about.encode() in answer.body


@pytest.mark.parametrize(
    ("target", "body"),
    [
        ("/2/media/upload", {"media": "iVBORw0KGgo="}),
        ("/2/media/upload", {"media": "iVBORw0KGgo=", "media_category": "tweet_picture"}),
        ("/2/media/upload", {"media": "iVBORw0KGgo=", "media_category": "tweet_image", "of": "x"}),
        ("/2/media/metadata", {"metadata": {"alt_text": {"text": "a"}}}),
        ("/2/media/metadata", {"id": "1", "metadata": {"alt_text": {"text": "a" * 1_001}}}),
        ("/2/media/metadata", {"id": "a", "metadata": {"alt_text": {"text": "a"}}}),
        ("/2/tweets", {"text": "a", "media": {"media_ids": []}}),
        ("/2/tweets", {"text": "a", "media": {"media_ids": ["1"] * 5}}),
    ],
)
async def test_what_xs_description_refuses_the_simulated_x_refuses_too(
    x: XHarness, target: str, body: dict[str, object]
) -> None:
    async with opened(x) as channel:
        await send(channel, parcel(x.recipients(1)))
    [made] = [request for request in x.gateway.requests if request.method == "POST"]
    written = json.dumps(body).encode()
    request = Request(at=made.at, method="POST", target=target, headers=made.headers, body=written)
    with pytest.raises(OpenAPIError):
        description(X).validate_request(described(request, X))
    assert (await repeat(x.gateway.url, request)).status == 400


async def _use_line(line: LineHarness) -> None:
    """Everything the connector asks of LINE, a search for a bad id and a repeat included."""
    line.gateway.quota = 10_000
    line.faults.permanent = 0.3
    async with opened(line) as channel:
        for resend in (False, True):
            await send(channel, parcel(line.recipients(12), attempt=1 + resend, resend=resend))
        await channel.probe()
    line.faults.permanent = 0.0
    replies, menus = (
        Replies(line.settings, outbound=REHEARSAL),
        Menus(line.settings_of_menus, outbound=REHEARSAL),
    )
    for each in (replies, menus):
        await each.open()
    await replies.reply(line.gateway.reply_token(f"U{1:032x}"), [{"type": "text", "text": "a"}])
    await menus.state()
    for each in (replies, menus):
        await each.close()


async def _use_x(x: XHarness) -> None:
    """Everything the connector asks of X, a picture, a thread, a duplicate and a resend included."""
    x.card = True
    with patch("channels.x.picture.draw", return_value=PNG):
        await _use_x_with_pictures(x)


async def _use_x_with_pictures(x: XHarness) -> None:
    async with opened(x) as channel:
        for language in (Language.JA, Language.EN, Language.EN):
            await send(channel, parcel(x.recipients(1), language=language))
        await send(channel, long_parcel(x))
        await send(channel, parcel(x.recipients(1), attempt=2, resend=True))
        await channel.probe()


async def _answers_are_described(
    harness: LineHarness | XHarness, requests: list[Request], provider: Provider, trouble: str
) -> None:
    """Ask the gateway once more for all of it, in `trouble`, and compare each answer."""
    if trouble != "none":
        setattr(harness.faults, trouble, True if trouble in ("down", "credentials") else 1.0)
    url = harness.gateway.url
    statuses = set()
    for number, request in enumerate(list(requests)):
        anew = "X-Line-Retry-Key" in request.headers and not number % 2
        key = {"X-Line-Retry-Key": f"0b8e3a52-6a1c-4c4f-9f0e-{number:012x}"} if anew else {}
        answer = await repeat(url, request, **key)
        asked, response = described(request, provider), answer.response
        if provider is LINE and answer.status >= 400:
            # LINE has one form for all errors, and describes it for some statuses of a multicast only
            asked.method, asked.path, response.status_code = "post", "/v2/bot/message/multicast", 400
        description(provider).validate_response(asked, response)
        statuses.add(answer.status)
    assert 200 in statuses or trouble in ("down", "credentials", "throttle")
    assert any(status >= 400 for status in statuses) or trouble == "none"


async def _one_multicast(line: LineHarness, body: bytes) -> Request:
    """A multicast as the connector makes it, but for its body."""
    async with opened(line) as channel:
        await send(channel, parcel(line.recipients(1)))
    [made] = [request for request in line.gateway.requests if request.method == "POST"]
    return Request(at=made.at, method=made.method, target=made.target, headers=made.headers, body=body)
