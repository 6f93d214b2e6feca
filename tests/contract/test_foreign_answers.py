"""What no provider would say: a proxy's page with status 200, an empty body, JSON of another form. Nobody counts as
reached by it, and no connector falls over it."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from aiohttp import web

from channels.line import Line
from channels.line import Settings as LineSettings
from channels.line.replies import Replies
from channels.sms import Settings as SmsSettings
from channels.sms import Sms
from channels.voice import Settings as VoiceSettings
from channels.voice import Voice
from channels.x import Settings as XSettings
from channels.x import X
from channels.x.account import Keys
from hub.channel import Channel
from hub.delivery import Outcome
from hub.outbound import Deployment, Outbound
from hub.recipient import Recipient, RecipientId
from hub.testing.parcels import NOW, parcel
from tests.unit.channels.test_line_session import serving

REHEARSAL = Outbound(deployment=Deployment.REHEARSAL)
ADDRESS = {"line": "U" + "0" * 32, "x": "post:ja", "voice": "+819000000001", "sms": "+819000000001"}


class Said(NamedTuple):
    status: int
    kind: str
    body: str


PAGE = Said(200, "text/html", "<html>この通信は許可されていません</html>")
OBJECT = Said(200, "application/json", "{}")
"""By which a gateway is told from a page."""
UNSAID = (
    PAGE,
    Said(200, "text/plain", ""),
    OBJECT,
    Said(200, "application/json", "[]"),
    Said(200, "application/json", "null"),
    Said(200, "application/json", "[" * 100_000),
    Said(200, "application/json", '{"sid":7,"calls":[1],"messages":null,"data":[3]}'),
    Said(200, "application/json; charset=klingon", '"\u3042"'),
)
REFUSED = (
    Said(400, "application/json", "[]"),
    Said(400, "application/json", '"x"'),
    Said(400, "application/json", '{"type":1,"code":[],"errors":7}'),
    Said(403, "application/json", '{"errors":null}'),
    Said(404, "application/json", "null"),
    Said(500, "application/json", "null"),
)


MEANS = {
    400: {Outcome.PERMANENT},
    403: {Outcome.PERMANENT, Outcome.CREDENTIALS},
    404: {Outcome.PERMANENT, Outcome.CREDENTIALS},
    500: {Outcome.AMBIGUOUS},
}


class Gateway:
    """Answers GET and POST with what it is told to."""

    def __init__(self) -> None:
        self.to_get = self.to_post = PAGE
        self.posts = 0

    async def __call__(self, request: web.Request) -> web.Response:
        self.posts += request.method == "POST"
        said = self.to_get if request.method == "GET" else self.to_post
        return web.Response(status=said.status, body=said.body.encode(), headers={"Content-Type": said.kind})


@pytest.fixture(params=sorted(ADDRESS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_nobody_is_reached_by_what_the_provider_would_not_say(kind: str, tmp_path: Path) -> None:
    async with _channel(kind, tmp_path) as (channel, gateway):
        outcomes = {}
        for gateway.to_post in UNSAID:
            outcomes[gateway.to_post] = await _outcome(channel, kind)
    assert outcomes == dict.fromkeys(UNSAID, Outcome.AMBIGUOUS)


async def test_a_gateway_that_never_said_what_it_is_is_sent_nothing(kind: str, tmp_path: Path) -> None:
    nobody = [said for said in UNSAID if not said.body.startswith("{")]
    async with _channel(kind, tmp_path, first=PAGE) as (channel, gateway):
        gateway.to_post = Said(200, "application/json", '{"sid":"CA1","sentMessages":[],"data":{"id":"1"}}')
        outcomes = {}
        for gateway.to_get in nobody:
            outcomes[gateway.to_get] = await _outcome(channel, kind)
    assert outcomes == dict.fromkeys(nobody, Outcome.TEMPORARY)
    assert gateway.posts == 0


async def test_a_refusal_in_odd_words_goes_by_its_status(kind: str, tmp_path: Path) -> None:
    async with _channel(kind, tmp_path) as (channel, gateway):
        for gateway.to_post in REFUSED:
            outcome = await _outcome(channel, kind)
            assert outcome in MEANS[gateway.to_post.status], gateway.to_post


async def test_a_probe_and_a_look_back_do_not_take_it_for_good_news(kind: str, tmp_path: Path) -> None:
    async with _channel(kind, tmp_path) as (channel, gateway):
        for said in UNSAID + REFUSED:
            gateway.to_get = gateway.to_post = said
            assert not (await channel.probe()).ok, said
            assert await _outcome(channel, kind, attempt=2, resend=True) is not Outcome.ACCEPTED, said


@pytest.mark.parametrize("said", [PAGE, UNSAID[1], UNSAID[4]])
async def test_a_reply_is_not_taken_by_a_proxys_page(said: Said, tmp_path: Path) -> None:
    gateway = Gateway()
    gateway.to_post = said
    async with serving(gateway) as url:
        replies = Replies(_line(_secret(tmp_path), url), outbound=REHEARSAL)
        await replies.open()
        try:
            assert not await replies.reply("token", [{"type": "text", "text": "避難してください。"}])
        finally:
            await replies.close()


async def _outcome(channel: Channel, kind: str, *, attempt: int = 1, resend: bool = False) -> Outcome:
    to = [Recipient(id=RecipientId(1), address=ADDRESS[kind])]
    [result] = [each async for each in channel.send(parcel(to, attempt=attempt, resend=resend))]
    return result.outcome


@asynccontextmanager
async def _channel(
    kind: str, folder: Path, *, first: Said = OBJECT
) -> AsyncIterator[tuple[Channel, Gateway]]:
    """`first`: what it hears when it opens."""
    gateway = Gateway()
    async with serving(gateway) as url:
        channel = MADE[kind](_secret(folder), url)
        gateway.to_get = first
        await channel.open()
        try:
            yield channel, gateway
        finally:
            await channel.close()


def _secret(folder: Path) -> Path:
    file = folder / "secret"
    file.write_text("1234567890-secret0123456789")
    return file


def _line(secret: Path, url: str) -> LineSettings:
    return LineSettings(access_token_file=secret, base_url=url)


def _voice(secret: Path, url: str) -> Channel:
    settings = VoiceSettings(
        account_sid="AC" + "0" * 32,
        auth_token_file=secret,
        from_number="+81425000000",
        callback_url=f"{url}/callbacks/voice",
        base_url=url,
    )
    return Voice(settings, outbound=REHEARSAL, clock=lambda: NOW)


def _sms(secret: Path, url: str) -> Channel:
    settings = SmsSettings(
        account_sid="AC" + "0" * 32,
        auth_token_file=secret,
        sender="YOBIKAKE",
        callback_url=f"{url}/callbacks/sms",
        base_url=url,
    )
    return Sms(settings, outbound=REHEARSAL, clock=lambda: NOW)


def _x(secret: Path, url: str) -> Channel:
    keys = Keys(**dict.fromkeys(Keys.__struct_fields__, secret))
    return X(XSettings(account=keys, base_url=url, card=False), outbound=REHEARSAL, clock=lambda: NOW)


MADE: dict[str, Callable[[Path, str], Channel]] = {
    "line": lambda secret, url: Line(_line(secret, url), outbound=REHEARSAL, clock=lambda: NOW),
    "voice": _voice,
    "sms": _sms,
    "x": _x,
}
