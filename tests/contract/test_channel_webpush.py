"""Web push against a push service that opens each message as a browser would, through the channel suite and beyond it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest

from channels.webpush import Settings, Webpush, vapid
from channels.webpush.blame import FEW
from channels.webpush.message import payload, topic
from hub.breaker import Heard, heard
from hub.cap import MsgType
from hub.channel import Channel, Parcel, Span
from hub.delivery import Outcome
from hub.errors import BadSettings, Refused
from hub.evacuation import Level
from hub.outbound import Outbound
from hub.recipient import Recipient, RecipientId
from hub.testing.answers import CUT_ANSWER, NO_ANSWER
from hub.testing.channel_harness import Feature, Where, send
from hub.testing.channel_suite import HELD_S, PRODUCTION, REHEARSAL, ChannelSuite, opened, until
from hub.testing.parcels import NOW, content, parcel
from tests.contract.gateways import OfHttp
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.push import PushService

SERVICES = {Where.NOWHERE: "http://127.0.0.1:9", Where.REMOTE: "https://gateway.example"}


class PushHarness(OfHttp):
    kind = "webpush"
    provider = "webpush"
    lacks: ClassVar[Mapping[Feature, str]] = {}
    answers: ClassVar[Mapping[str, Outcome]] = {
        "400": Outcome.PERMANENT,
        "401": Outcome.CREDENTIALS,
        "403": Outcome.CREDENTIALS,
        "404": Outcome.PERMANENT,
        "409": Outcome.PERMANENT,
        "413": Outcome.UNSUPPORTED,
        "429": Outcome.THROTTLE,
        "500": Outcome.TEMPORARY,
        "502": Outcome.TEMPORARY,
        "503": Outcome.TEMPORARY,
        "504": Outcome.TEMPORARY,
        NO_ANSWER: Outcome.AMBIGUOUS,
        CUT_ANSWER: Outcome.ACCEPTED,  # its status says all
    }

    def __init__(self, gateway: PushService, folder: Path) -> None:
        self.gateway = gateway
        self.key_file = folder / "webpush.key"
        self.public = vapid.create(self.key_file)
        self.where = Where.GATEWAY
        self.requests_per_s: float | None = None

    @classmethod
    def in_folder(cls, folder: Path) -> "PushHarness":
        return cls(PushService(Inbox(), clock=lambda: NOW), folder)

    @property
    def secrets(self) -> Sequence[str]:
        return (
            self.key_file.read_text().strip(),
            *(line.split(" ")[0].rpartition("/")[2] for line in self._lines()),
        )

    def channel(self, outbound: Outbound, where: Where = Where.GATEWAY) -> Channel:
        self.where = where
        return self.webpush(SERVICES.get(where, self.gateway.url), outbound=outbound)

    def webpush(self, *services: str, outbound: Outbound = REHEARSAL) -> Webpush:
        settings = Settings(
            key_file=self.key_file,
            subject="mailto:bosai@city.example",
            services=services or (self.gateway.url,),
            requests_per_s=self.requests_per_s,
        )
        return Webpush(settings, outbound=outbound, clock=lambda: NOW)

    def recipients(self, number: int) -> Sequence[Recipient]:
        """Subscribed at the service that the last connector was pointed to."""
        service = SERVICES.get(self.where, self.gateway.url)
        lines = (self.gateway.subscribe(self.public).line for _ in range(number))
        made = [line.replace(self.gateway.url, service) for line in lines]
        return [Recipient(id=RecipientId(n), address=line) for n, line in enumerate(made, start=1)]

    def sends(self) -> int:
        return sum(request.method == "POST" for request in self.gateway.requests)

    def bodies(self) -> Sequence[bytes]:
        """As the browsers opened them: encrypted, no two are the same."""
        return self.gateway.opened

    def arrivals(self) -> Sequence[str]:
        inbox = self.gateway.inbox
        return [each.address for line in inbox.addresses("webpush") for each in inbox.of("webpush", line)]

    def _lines(self) -> Sequence[str]:
        return [browser.subscription.line for browser in self.gateway.browsers.values()]


@pytest.fixture
async def harness(tmp_path: Path) -> AsyncIterator[PushHarness]:
    async with PushHarness.running(tmp_path) as harness:
        yield harness


class TestWebpush(ChannelSuite, of=PushHarness):
    @pytest.fixture
    def harness(self, harness: PushHarness) -> PushHarness:
        return harness


def request_headers(harness: PushHarness) -> list[Mapping[str, str]]:
    return [request.headers for request in harness.gateway.requests if request.method == "POST"]


async def test_a_browser_shows_level_place_and_action_and_opens_the_alerts_page(harness: PushHarness) -> None:
    async with opened(harness) as webpush:
        await send(webpush, parcel(harness.recipients(1)))
    said = msgspec.json.decode(harness.gateway.opened[0])
    assert said["title"] == "【警戒レベル4】避難指示（洪水）川沿い地区"
    assert "全員避難してください" in said["body"]
    assert said["url"] == "https://hub.example/a/2026-0147/ja"
    assert (said["language"], said["stays"]) == ("ja", True)
    assert said["topic"] == request_headers(harness)[0]["Topic"]


async def test_only_a_canary_asks_its_device_to_report_and_stays_out_of_the_way(harness: PushHarness) -> None:
    alert = parcel(harness.recipients(1))
    async with opened(harness) as webpush:
        await send(webpush, alert)
        await send(webpush, replace(alert, canary=True))
    said, tried = (msgspec.json.decode(each) for each in harness.gateway.opened)
    assert "proof" not in said
    assert (tried["proof"], tried["stays"]) == (alert.idempotency_key.hex, False)


async def test_it_is_kept_until_the_alert_expires_and_no_longer(harness: PushHarness) -> None:
    to = parcel(harness.recipients(1))
    async with opened(harness) as webpush:
        await send(webpush, to)
        await send(webpush, replace(to, expires_at=NOW - timedelta(seconds=1)))
    assert [each["TTL"] for each in request_headers(harness)] == ["10800", "0"]


@pytest.mark.parametrize(
    ("changes", "urgency"),
    [
        ({"level": Level.ELDERLY_EVACUATE}, "high"),
        ({"level": Level.ADVISORY}, "normal"),
        ({"level": None}, "high"),
        ({"level": Level.EARLY, "msg_type": MsgType.CANCEL}, "high"),
    ],
)
async def test_what_cannot_wait_wakes_the_device(
    harness: PushHarness, changes: dict[str, Any], urgency: str
) -> None:
    handed_over = parcel(harness.recipients(1))
    said = msgspec.structs.replace(handed_over.content, **changes)
    async with opened(harness) as webpush:
        await send(webpush, replace(handed_over, content=said))
    assert request_headers(harness)[0]["Urgency"] == urgency


def test_every_message_of_an_event_has_its_topic_and_no_other_has() -> None:
    first = content()
    update = msgspec.structs.replace(first, identifier="rehearsal-2026-0148", thread=first.identifier)
    another = msgspec.structs.replace(first, identifier="rehearsal-2026-0149", thread="rehearsal-2026-0149")
    assert topic(first) == topic(update) != topic(another)
    assert len(topic(first)) == 32


async def test_a_text_that_does_not_fit_leaves_the_title(harness: PushHarness) -> None:
    handed_over = parcel(harness.recipients(2))
    long = msgspec.structs.replace(handed_over.content, short=(Span("避難してください。" * 500),))
    longer = msgspec.structs.replace(long, headline=(Span("【警戒レベル4】" * 500),))
    async with opened(harness) as webpush:
        await send(webpush, replace(handed_over, content=long))
        refused = await send(webpush, replace(handed_over, content=longer))
    said = [msgspec.json.decode(each) for each in harness.gateway.opened]
    assert [(each["title"], each["body"]) for each in said] == [
        ("【警戒レベル4】避難指示（洪水）川沿い地区", "")
    ] * 2
    assert set(refused.outcomes.values()) == {Outcome.UNSUPPORTED}
    assert payload(longer) is None


async def test_a_subscription_that_was_given_up_says_so_by_its_reason(harness: PushHarness) -> None:
    to = harness.recipients(2)
    harness.gateway.browsers.popitem()
    async with opened(harness) as webpush:
        said = await send(webpush, parcel(to))
        assert {result.reason for result in said.results} == {"", "404"}
        assert "404" in webpush.capabilities.gone
        harness.faults.permanent = 1.0
        said = await send(webpush, parcel(to[:1]))
    assert [(each.outcome, each.reason) for each in said.results] == [(Outcome.PERMANENT, "410")]
    assert "410" in webpush.capabilities.gone


async def test_one_subscription_under_another_key_pauses_nobody(harness: PushHarness, tmp_path: Path) -> None:
    stranger = harness.gateway.subscribe(vapid.create(tmp_path / "strangers.key"))
    to = [Recipient(id=RecipientId(99), address=stranger.line), *harness.recipients(2)]
    async with opened(harness) as webpush:
        said = await send(webpush, parcel(to))
        assert said.outcomes == {
            to[0].id: Outcome.PERMANENT,
            to[1].id: Outcome.ACCEPTED,
            to[2].id: Outcome.ACCEPTED,
        }
        assert (await send(webpush, parcel(to[:1]))).outcomes == {to[0].id: Outcome.PERMANENT}


async def test_a_key_that_is_refused_after_days_that_went_well_makes_nobody_unreachable(
    harness: PushHarness,
) -> None:
    """As when the hub's clock is off, or a proxy answers in the service's place."""
    to = harness.recipients(FEW + 3)
    async with opened(harness) as webpush:
        await send(webpush, parcel(to))
        harness.faults.credentials = True
        said = await send(webpush, another(to))
    assert {(each.outcome, each.alone) for each in said.results} == {(Outcome.CREDENTIALS, False)}
    assert heard(said.results) is Heard.REFUSED


async def test_a_key_that_is_refused_halfway_costs_a_few_people_their_message(harness: PushHarness) -> None:
    to = harness.recipients(3 * FEW)
    async with opened(harness) as webpush:
        await send(webpush, parcel(to[:1]))
        harness.faults.credentials = True
        said = [await send(webpush, parcel([each])) for each in to[1:]]
        outcomes = Counter(outcome for each in said for outcome in each.outcomes.values())
        assert outcomes == {Outcome.PERMANENT: FEW, Outcome.CREDENTIALS: len(to) - 1 - FEW}
        assert heard(said[-1].results) is Heard.REFUSED


async def test_many_subscriptions_under_other_keys_pause_nobody_either(
    harness: PushHarness, tmp_path: Path
) -> None:
    other = vapid.create(tmp_path / "strangers.key")
    lines = [harness.gateway.subscribe(other).line for _ in range(3 * FEW)]
    strangers = [Recipient(id=RecipientId(n), address=line) for n, line in enumerate(lines, start=100)]
    ours = harness.recipients(3 * FEW)
    async with opened(harness) as webpush:
        for pair in zip(strangers, ours, strict=True):
            said = await send(webpush, parcel(pair))
            assert said.outcomes[pair[1].id] is Outcome.ACCEPTED
            assert heard(said.results) is Heard.WORKS
    assert said.outcomes[strangers[-1].id] is Outcome.CREDENTIALS, "so many are doubted, and tried again"


async def test_a_service_that_refuses_our_key_pauses_nobody_of_another(harness: PushHarness) -> None:
    async with PushService(Inbox(), clock=lambda: NOW) as refusing:
        refusing.faults.credentials = True
        to = [*harness.recipients(3), *(_there(refusing, harness, n) for n in (11, 12, 13))]
        async with closing_after(harness.webpush(harness.gateway.url, refusing.url)) as webpush:
            said = await send(webpush, parcel(to))
            assert {said.outcomes[each.id] for each in to[:3]} == {Outcome.ACCEPTED}
            assert {said.outcomes[each.id] for each in to[3:]} == {Outcome.CREDENTIALS}
            assert heard(said.results) is Heard.WORKS
            asked = len(refusing.requests)
            again = await send(webpush, parcel(to[3:]))
            assert {each.reason for each in again.results} == {"held"}, "it is left alone for a while"
            assert len(refusing.requests) == asked
            health = await webpush.probe()
    assert not health.ok
    assert refusing.url in health.detail
    assert "403" in health.detail


def another(to: Sequence[Recipient]) -> Parcel:
    """Of a later alert."""
    said = parcel(to)
    later = msgspec.structs.replace(said.content, identifier="rehearsal-2026-0150", thread="")
    return replace(said, content=later)


def _there(service: PushService, harness: PushHarness, number: int) -> Recipient:
    return Recipient(id=RecipientId(number), address=service.subscribe(harness.public).line)


async def test_an_endpoint_elsewhere_is_never_asked(harness: PushHarness) -> None:
    elsewhere = harness.gateway.subscribe(harness.public).line.replace("127.0.0.1", "127.0.0.2")
    broken = (
        elsewhere.replace("127.0.0.2", "127.0.0.1").rsplit(" ", 2)[0] + " " + "B" + "A" * 86 + " " + "A" * 22
    )
    to = [
        Recipient(id=RecipientId(n), address=line) for n, line in enumerate((elsewhere, "nonsense", broken))
    ]
    async with opened(harness) as webpush:
        said = await send(webpush, parcel(to))
    assert {(each.recipient, each.outcome, each.reason) for each in said.results} == {
        (to[0].id, Outcome.PERMANENT, "service"),
        (to[1].id, Outcome.PERMANENT, "no subscription"),
        (to[2].id, Outcome.PERMANENT, "no subscription"),
    }
    assert harness.sends() == 0


async def test_a_slow_service_holds_up_no_other_browser(harness: PushHarness) -> None:
    async with opened(harness) as webpush:
        harness.faults.latency_s = HELD_S
        sending = asyncio.create_task(send(webpush, parcel(harness.recipients(6))))
        await until(lambda: harness.in_flight() == 6)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)


async def test_a_production_hub_pushes_over_tls_to_named_services_only(harness: PushHarness) -> None:
    assert harness.webpush("https://fcm.googleapis.com", "https://*.push.apple.com", outbound=PRODUCTION)
    with pytest.raises(BadSettings, match="https"):
        harness.webpush("http://fcm.googleapis.com", outbound=PRODUCTION)
    with pytest.raises(Refused, match="https"):
        await harness.webpush(
            "https://fcm.googleapis.com", "http://web.push.apple.com", outbound=PRODUCTION
        ).open()
    with pytest.raises(BadSettings, match="services"):
        harness.webpush("https://fcm.googleapis.com/", outbound=PRODUCTION)
    with pytest.raises(Refused):
        harness.webpush("https://*.push.apple.com")


async def test_what_a_contract_allows_is_what_it_is_paced_by(harness: PushHarness) -> None:
    assert harness.webpush().capabilities.requests_per_s is None
    harness.requests_per_s = 200.0
    assert harness.webpush().capabilities.requests_per_s == 200.0


async def test_a_service_that_calls_everybody_gone_is_believed_of_a_few_alone(harness: PushHarness) -> None:
    to = harness.recipients(FEW + 3)
    harness.faults.permanent = 1.0
    async with opened(harness) as webpush:
        said = await send(webpush, parcel(to))
        assert Counter(each.reason for each in said.results) == {"410": FEW, "gone?": 3}
        assert set(said.outcomes.values()) == {Outcome.PERMANENT}
        harness.faults.permanent = 0.0
        await send(webpush, parcel(to[:1]))
        harness.faults.permanent = 1.0
        said = await send(webpush, parcel(to[1:]))
    assert {each.reason for each in said.results} == {"410"}, "it took one of this alert: it works"


async def test_in_production_a_name_that_leads_back_inside_is_not_followed(harness: PushHarness) -> None:
    """As somebody's own name under a wildcard could."""
    service = f"https://localhost:{harness.gateway.port}"
    line = harness.recipients(1)[0].address.replace(harness.gateway.url, service)
    async with closing_after(harness.webpush(service, outbound=PRODUCTION)) as webpush:
        said = await send(webpush, parcel([Recipient(id=RecipientId(1), address=line)]))
        health = await webpush.probe()
    assert set(said.outcomes.values()) == {Outcome.TEMPORARY}
    assert [each.reason for each in said.results] == ["not public"]
    assert not health.ok
    assert harness.gateway.requests == []


@asynccontextmanager
async def closing_after(webpush: Webpush) -> AsyncIterator[Webpush]:
    await webpush.open()
    try:
        yield webpush
    finally:
        await webpush.close()
