"""The webhook connector against a receiver that checks what Standard Webhooks says."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from channels._answer import retry_after
from channels._hook.hidden import is_hidden
from channels._hook.signature import headers, message_id, secret
from channels.webhook import Settings, System, Webhook
from channels.webhook.answers import classify
from channels.webhook.event import body
from hub.alert import Mode
from hub.breaker import Heard, heard
from hub.cap import MsgType
from hub.delivery import Outcome
from hub.errors import BadSettings, Refused
from hub.outbound import REHEARSAL_HEADER, Outbound
from hub.reasons import sides
from hub.recipient import Recipient, RecipientId
from hub.testing.answers import CUT_ANSWER, NO_ANSWER
from hub.testing.channel_harness import Feature, Where, send
from hub.testing.channel_suite import HELD_S, PRODUCTION, REHEARSAL, ChannelSuite, opened, until
from hub.testing.parcels import NOW, content, parcel
from tests.contract.gateways import OfHttp
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.webhook import Receiver

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
"""The specification's own example."""
OTHER = "whsec_" + "A" * 40
ALONE = "what one system answers holds up no other: it is refused for now, by itself"


class WebhookHarness(OfHttp):
    kind = "webhook"
    provider = "webhook"
    lacks: ClassVar = {
        Feature.OWN_GATEWAY: "its systems are partners': what one of them calls itself stops no other",
        Feature.THROTTLE: ALONE,
        Feature.RETRY_AFTER: ALONE,
        Feature.CREDENTIALS: ALONE,
    }
    answers: ClassVar[Mapping[str, Outcome]] = {
        "400": Outcome.PERMANENT,
        "401": Outcome.TEMPORARY,  # a secret that is being changed there is one of these
        "403": Outcome.TEMPORARY,
        "404": Outcome.TEMPORARY,
        "409": Outcome.TEMPORARY,
        "413": Outcome.PERMANENT,
        "429": Outcome.TEMPORARY,
        "500": Outcome.TEMPORARY,  # whoever was told twice knows by the message's id
        "502": Outcome.TEMPORARY,
        "503": Outcome.TEMPORARY,
        "504": Outcome.TEMPORARY,
        NO_ANSWER: Outcome.AMBIGUOUS,
        CUT_ANSWER: Outcome.ACCEPTED,  # its status says all
    }

    def __init__(self, receiver: Receiver, folder: Path) -> None:
        self.gateway = self.receiver = receiver
        self.secret_file = folder / "secret"
        self.secret_file.write_text(SECRET)

    @classmethod
    def in_folder(cls, folder: Path) -> "WebhookHarness":
        return cls(Receiver(Inbox(), secret=SECRET, clock=lambda: NOW), folder)

    @property
    def secrets(self) -> Sequence[str]:
        return [SECRET, SECRET.removeprefix("whsec_")]

    def channel(self, outbound: Outbound, where: Where = Where.GATEWAY, **more: Any) -> Webhook:
        base = {
            Where.GATEWAY: self.receiver.url,
            Where.NOWHERE: "http://127.0.0.1:1",
            Where.REMOTE: "https://gateway.example",
        }[where]
        systems = tuple(
            System(
                ref=to.address, name=f"partner {to.id}", url=f"{base}/hooks/{to.address}",
                secret_file=self.secret_file, private=True, **more,
            )
            for to in self.recipients(7)
        )  # fmt: skip
        return Webhook(Settings(systems=systems), outbound=outbound, clock=lambda: NOW)

    def recipients(self, number: int) -> Sequence[Recipient]:
        return [Recipient(id=RecipientId(each), address=f"sys-{each}") for each in range(1, number + 1)]

    def sends(self) -> int:
        return len(self.bodies())

    def bodies(self) -> Sequence[bytes]:
        return [request.body for request in self.receiver.requests if request.method == "POST"]

    def arrivals(self) -> Sequence[str]:
        inbox = self.receiver.inbox
        return [
            each.address for address in inbox.addresses("webhook") for each in inbox.of("webhook", address)
        ]


@pytest.fixture
async def harness(tmp_path: Path) -> AsyncIterator[WebhookHarness]:
    async with WebhookHarness.running(tmp_path) as harness:
        yield harness


class TestWebhook(ChannelSuite, of=WebhookHarness):
    @pytest.fixture
    def harness(self, harness: WebhookHarness) -> WebhookHarness:  # type: ignore[override]
        return harness


def test_the_signature_is_that_of_the_specification() -> None:
    """https://github.com/standard-webhooks/standard-webhooks, the libraries' shared test vector."""
    at = NOW.fromtimestamp(1614265330, NOW.tzinfo)
    said = headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', at=at, secrets=[secret(SECRET, setting="")]
    )
    assert said["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert said["webhook-timestamp"] == "1614265330"


async def test_while_a_secret_is_changed_both_sides_may_have_either(
    harness: WebhookHarness, tmp_path: Path
) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text(OTHER)
    new.write_text(SECRET)
    harness.secret_file = old
    async with opened(harness) as channel:
        refused = await send(channel, parcel(harness.recipients(1)))
    assert set(refused.outcomes.values()) == {Outcome.TEMPORARY}
    changing = harness.channel(REHEARSAL, next_secret_file=new)
    await changing.open()
    taken = await send(changing, parcel(harness.recipients(1)))
    await changing.close()
    assert set(taken.outcomes.values()) == {Outcome.ACCEPTED}


async def test_a_repeat_has_the_same_id_and_the_receiver_leaves_it_out(harness: WebhookHarness) -> None:
    to = harness.recipients(2)
    async with opened(harness) as channel:
        for resend in (False, True):
            said = await send(channel, parcel(to, resend=resend))
            assert set(said.outcomes.values()) == {Outcome.ACCEPTED}
    assert len(harness.bodies()) == 4
    assert sorted(harness.arrivals()) == ["sys-1", "sys-2"]
    assert len(harness.receiver.known) == 2, "each system has an id of its own"


async def test_a_drill_tells_no_system(harness: WebhookHarness) -> None:
    async with opened(harness) as channel:
        said = await send(channel, replace(parcel(harness.recipients(1)), mode=Mode.RESIDENT_DRILL))
    assert set(said.outcomes.values()) == {Outcome.UNSUPPORTED}
    assert harness.sends() == 0


async def test_a_canary_is_signed_like_an_alert_and_says_nothing_that_could_be_taken_for_one(
    harness: WebhookHarness,
) -> None:
    tried = replace(parcel(harness.recipients(2)), mode=Mode.STAFF_DRILL, canary=True)
    async with opened(harness) as channel:
        said = await send(channel, tried)
    assert set(said.outcomes.values()) == {Outcome.ACCEPTED}, "the receiver has verified the signature"
    event = json.loads(harness.bodies()[0])
    assert (event["type"], event["version"], set(event["data"])) == ("test", 1, {"senderName", "note"})
    assert harness.arrivals() == [], "a receiver shows none"


async def test_a_system_that_never_answers_holds_up_no_other(harness: WebhookHarness) -> None:
    dead, *others = harness.recipients(4)
    async with opened(harness) as channel:
        harness.faults.latency_s = HELD_S
        stuck = asyncio.create_task(send(channel, parcel([dead])))
        await until(lambda: harness.in_flight() == 1)
        harness.faults.latency_s = 0.0
        said = [await send(channel, parcel([each])) for each in others]
        assert {outcome for each in said for outcome in each.outcomes.values()} == {Outcome.ACCEPTED}
        stuck.cancel()
        await asyncio.gather(stuck, return_exceptions=True)


async def test_one_that_is_gone_for_good_holds_up_no_other(harness: WebhookHarness) -> None:
    stranger = Recipient(id=RecipientId(99), address="no-longer-there")
    async with opened(harness) as channel:
        said = await send(channel, parcel([stranger, *harness.recipients(1)]))
    assert said.outcomes == {99: Outcome.PERMANENT, 1: Outcome.ACCEPTED}
    assert all(result.alone for result in said.results)


@asynccontextmanager
async def partners(*said: Collection[str]) -> AsyncIterator[tuple[Sequence[str], list[tuple[str, str]]]]:
    """Systems that take whatever comes, each calling itself a rehearsal gateway in its answers to these methods; their
    addresses, and who was asked by which method."""
    asked: list[tuple[str, str]] = []

    async def answer(request: web.Request) -> web.Response:
        name = request.match_info["name"]
        asked.append((name, request.method))
        headers = {REHEARSAL_HEADER: "1"} if request.method in said[int(name)] else {}
        return web.Response(headers=headers)

    app = web.Application()
    app.router.add_route("*", "/{name}", answer)
    async with TestServer(app) as server:
        yield [str(server.make_url(f"/{number}")) for number in range(len(said))], asked


def in_production(folder: Path, urls: Sequence[str]) -> Webhook:
    (folder / "secret").write_text(SECRET)
    systems = tuple(
        System(ref=f"s{number}", name=f"連携先{number}", url=url, secret_file=folder / "secret", private=True)
        for number, url in enumerate(urls)
    )
    return Webhook(Settings(systems=systems), outbound=PRODUCTION, clock=lambda: NOW)


TWO = [Recipient(id=RecipientId(number), address=f"s{number}") for number in range(2)]


async def test_a_partner_who_says_rehearsal_is_told_nothing_and_named_and_stops_no_other(
    tmp_path: Path,
) -> None:
    async with partners({"HEAD", "POST"}, ()) as (urls, asked):
        channel = in_production(tmp_path, urls)
        try:
            await channel.open()
            said = await send(channel, parcel(TWO))
            health = await channel.probe()
        finally:
            await channel.close()
    assert [(each.outcome, each.reason, each.alone) for each in said.results] == [
        (Outcome.TEMPORARY, "rehearsal", True),  # once it is put right there, it is told
        (Outcome.ACCEPTED, "", True),
    ]
    assert [name for name, method in asked if method == "POST"] == ["1"]
    assert heard(said.results) is Heard.WORKS, "the channel goes on"
    assert not health.ok
    for side in sides(health.detail):
        assert "連携先0" in side
        assert "連携先1" not in side


async def test_one_who_says_it_behind_the_message_alone_is_in_doubt_and_told_nothing_more(
    tmp_path: Path,
) -> None:
    async with partners({"POST"}, ()) as (urls, asked):
        channel = in_production(tmp_path, urls)
        try:
            await channel.open()
            first = await send(channel, parcel(TWO))
            asked.clear()
            await send(channel, parcel(TWO[:1]))
        finally:
            await channel.close()
    assert first.outcomes == {0: Outcome.AMBIGUOUS, 1: Outcome.ACCEPTED}
    assert asked[0] == ("0", "HEAD"), "it has to say anew what it is"


def test_the_body_speaks_cap() -> None:
    said = json.loads(body(content(), expires=NOW + timedelta(hours=3)))
    assert (said["type"], said["version"]) == ("alert.issued", 1)
    data = said["data"]
    assert (data["status"], data["msgType"], data["level"]) == ("Actual", "Alert", 4)
    assert data["sent"] == "2026-09-08T21:47:00+09:00"
    assert data["expires"] == "2026-09-09T00:47:00+09:00"
    assert data["description"] == content().text(content().body)


@pytest.mark.parametrize(
    ("msg_type", "kind"), [(MsgType.UPDATE, "alert.updated"), (MsgType.CANCEL, "alert.cancelled")]
)
def test_updates_and_liftings_have_types_of_their_own(msg_type: MsgType, kind: str) -> None:
    changed = content()
    changed = type(changed)(
        **{f: getattr(changed, f) for f in changed.__struct_fields__} | {"msg_type": msg_type}
    )
    assert json.loads(body(changed, expires=NOW))["type"] == kind


def test_two_alerts_share_no_id() -> None:
    assert message_id(content(), "a") != message_id(content(identifier="rehearsal-2026-0148"), "a")
    assert message_id(content(), "a") == message_id(content(), "a")


@pytest.mark.parametrize(
    ("status", "outcome", "reason"),
    [
        (200, Outcome.ACCEPTED, ""), (204, Outcome.ACCEPTED, ""), (302, Outcome.TEMPORARY, "redirect"),
        (400, Outcome.PERMANENT, "400"), (401, Outcome.TEMPORARY, "401"), (403, Outcome.TEMPORARY, "403"),
        (404, Outcome.TEMPORARY, "404"), (409, Outcome.TEMPORARY, "409"), (410, Outcome.PERMANENT, "gone"),
        (413, Outcome.PERMANENT, "413"), (429, Outcome.TEMPORARY, "429"), (503, Outcome.TEMPORARY, "503"),
    ],
)  # fmt: skip
def test_what_an_answer_means(status: int, outcome: Outcome, reason: str) -> None:
    answer = classify(status, {"Retry-After": "7"}, now=NOW)
    assert (answer.outcome, answer.reason) == (outcome, reason)
    assert (answer.retry_after == timedelta(seconds=7)) is (status in (429, 503))


@pytest.mark.parametrize(
    ("status", "fit"),
    [(200, True), (204, True), (405, True), (302, False), (401, False), (403, False), (404, False), (410, False),
     (503, False)],
)  # fmt: skip
async def test_a_probe_tells_whether_an_alert_would_be_taken(
    harness: WebhookHarness, monkeypatch: pytest.MonkeyPatch, status: int, fit: bool
) -> None:
    async with opened(harness) as channel:
        assert (await channel.probe()).ok
        monkeypatch.setattr(harness.receiver, "error", lambda *_: web.Response(status=status))
        harness.faults.down = True
        assert (await channel.probe()).ok is fit


async def test_a_probe_finds_a_secret_that_was_changed_on_one_side(harness: WebhookHarness) -> None:
    harness.secret_file.write_text(OTHER)
    async with opened(harness) as channel:
        assert not (await channel.probe()).ok


@pytest.mark.parametrize(
    ("said", "wait"),
    [
        ("120", timedelta(seconds=120)), ("", None), ("soon", None), ("-3", None), ("9" * 40, timedelta(days=1)),
        ("Tue, 08 Sep 2026 12:48:00 GMT", timedelta(minutes=1)), ("Tue, 08 Sep 2020 12:48:00 GMT", timedelta(0)),
    ],
)  # fmt: skip
def test_when_to_come_back(said: str, wait: timedelta | None) -> None:
    assert retry_after(said, now=NOW) == wait


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1/", "https://[::1]/", "https://localhost/", "https://a.localhost/", "https://2130706433/",
            "https://0x7f.1/", "https://10.0.0.8:8443/x"],
)  # fmt: skip
def test_a_production_hub_is_led_nowhere_hidden_unless_it_is_told_to(url: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET)
    system = System(ref="a", name="a", url=url, secret_file=tmp_path / "secret")
    assert is_hidden(url)
    with pytest.raises(Refused, match="private = true"):
        Webhook(Settings(systems=(system,)), outbound=PRODUCTION, clock=lambda: NOW)


async def test_in_production_what_turns_out_not_public_is_put_off_and_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def resolved(*_: object, **__: object) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.168.1.1", 443))]

    (tmp_path / "secret").write_text(SECRET)
    system = System(ref="a", name="a", url="https://hooks.partner.example/x", secret_file=tmp_path / "secret")
    channel = Webhook(Settings(systems=(system,)), outbound=PRODUCTION, clock=lambda: NOW)
    await channel.open()
    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    said = await send(channel, parcel([Recipient(id=RecipientId(1), address="a")]))
    health = await channel.probe()
    await channel.close()
    assert [(result.outcome, result.reason) for result in said.results] == [(Outcome.TEMPORARY, "not public")]
    assert "private = true" in health.detail


@pytest.mark.parametrize(
    "written", ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_short", "whsec_!!!", "whsec_"]
)
def test_a_secret_of_another_form_is_refused_without_being_said(written: str) -> None:
    with pytest.raises(BadSettings) as error:
        secret(written, setting="a.secret")
    assert "openssl rand" in error.value.message
    assert written.removeprefix("whsec_") not in error.value.message or written == "whsec_"


def test_in_production_it_is_https(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET)
    system = System(ref="a", name="a", url="http://partner.example/x", secret_file=tmp_path / "secret")
    with pytest.raises(BadSettings, match="https://"):
        Webhook(Settings(systems=(system,)), outbound=PRODUCTION, clock=lambda: NOW)


@pytest.mark.parametrize(
    "url", ["ftp://a/", "https://", "https://u:p@a.example/", "partner.example", "https://a/#b"]
)
def test_an_address_of_another_form_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="https://example"):
        System(ref="a", name="a", url=url, secret_file=Path("s"))
