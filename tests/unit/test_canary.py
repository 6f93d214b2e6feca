"""Canaries: when one is due, what proves it, and when staff are woken up (I15)."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from channels.mail import Mail, Settings
from channels.mail.settings import Security
from channels.webhook import Settings as Systems
from channels.webhook import System, Webhook
from hub import receipts
from hub.canaries import Canaries
from hub.canary import AGAIN_AFTER, AT_ONCE, DAY, Canary, Proof, To, only
from hub.capabilities import Capabilities
from hub.channel import Channel, Health, Parcel, Receipt
from hub.clock import JST
from hub.delivery import Outcome, ProviderRef, Result
from hub.ledger import Ledger, canaries
from hub.ledger.canaries import Known
from hub.outbound import Deployment, Outbound
from hub.testing.databases import with_schema
from hub.testing.ledger_suite.rows import RANDOM
from yobikake.canary_role import _take
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.smtp import SmtpGateway
from yobikake.rehearsal.webhook import Receiver

NINE = datetime(2026, 11, 30, 0, 0, tzinfo=UTC)
"""In Japan."""
OURS = "canary@city.example"
SECRET = "whsec_" + "A" * 40


class Clock:
    def __init__(self) -> None:
        self.now = NINE

    def __call__(self) -> datetime:
        return self.now


class Telephone:
    """Takes what it is given under a reference; what becomes of it is reported later."""

    capabilities = Capabilities(
        kind="voice", japanese="電話", batch_size=1, receipt_wait=timedelta(minutes=10)
    )

    def __init__(self) -> None:
        self.said: list[Parcel] = []
        self.broken = False
        self.ref: str | None = "CA"

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def probe(self) -> Health:
        return Health(ok=True, detail="", checked_at=NINE)

    async def send(self, parcel: Parcel) -> AsyncIterator[Result]:
        parcel.gate()
        if self.broken:
            raise RuntimeError("unforeseen")
        self.said.append(parcel)
        ref = self.ref and ProviderRef(f"{self.ref}{len(self.said)}")
        yield Result(parcel.to[0].id, Outcome.ACCEPTED, ref)


class Watch:
    """Canaries of one channel over a ledger of their own."""

    def __init__(
        self,
        ledger: Ledger,
        channel: Channel,
        proof: Proof,
        *,
        to: To | None = None,
        every: timedelta = timedelta(minutes=15),
    ) -> None:
        self.ledger, self.clock, self.pages = ledger, Clock(), list[str]()
        kind = channel.capabilities.kind
        self.of = Canary(
            kind=kind, channel=channel, to=to or only(OURS), proof=proof, at=time(10),
            every=every, wait=timedelta(minutes=10), named=proof is Proof.TAKEN,
        )  # fmt: skip
        self.canaries = Canaries(
            [self.of], ledger=ledger, clock=self.clock, page=self.page, recovered=self.recovered,
            city="よびかけ市", link="http://here",
        )  # fmt: skip

    def page(self, topic: str, text: str) -> None:
        self.pages.append(topic)

    def recovered(self, topic: str, text: str) -> None:
        self.pages.append(f"over: {topic}")

    async def look(self, **time_passed: float) -> None:
        """Somebody looks so much later."""
        self.clock.now += timedelta(**time_passed)
        await self.canaries.look()

    async def after(self, **time_passed: float) -> Known:
        """And what is known then."""
        await self.look(**time_passed)
        return (await self.ledger.read(canaries.known))[self.of.kind]


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    ledger = Ledger(with_schema(tmp_path / "ledger.db"))
    await ledger.open()
    yield ledger
    await ledger.close()


@pytest.fixture
async def smarthost() -> AsyncIterator[SmtpGateway]:
    async with SmtpGateway(Inbox()) as gateway:
        yield gateway


@pytest.fixture
async def mail(ledger: Ledger, smarthost: SmtpGateway) -> AsyncIterator[Watch]:
    settings = Settings(
        host="127.0.0.1", port=smarthost.port, security=Security.NONE, sender="bousai@city.example",
        warm_connections=0,
    )  # fmt: skip
    mail = Mail(settings, outbound=Outbound(deployment=Deployment.REHEARSAL), clock=lambda: NINE)
    yield Watch(ledger, mail, Proof.READ_BACK)
    await mail.close()


@pytest.mark.parametrize(
    ("sent", "now", "missed", "due"),
    [
        (None, NINE, 0, False),  # never yet, but nobody's telephone rings before ten
        (None, NINE + timedelta(hours=1), 0, True),
        (NINE - timedelta(hours=23), NINE, 0, False),
        (NINE - timedelta(hours=23), NINE + timedelta(hours=1), 0, True),
        (NINE + timedelta(hours=1), NINE + timedelta(hours=12), 0, False),
        (NINE, NINE + AGAIN_AFTER, 1, True),
        (NINE, NINE + AGAIN_AFTER - timedelta(seconds=1), 1, False),
        (NINE + timedelta(hours=1), NINE + timedelta(hours=1) + AGAIN_AFTER, 2, False),  # staff know
    ],
)
def test_a_daily_one_goes_out_at_its_time_of_day(
    sent: datetime | None, now: datetime, missed: int, due: bool
) -> None:
    canary = Canary(
        kind="voice", channel=Telephone(), to=only(OURS), proof=Proof.RECEIPT, at=time(10), every=DAY,
        wait=timedelta(minutes=10),
    )  # fmt: skip
    assert canary.due(now, sent_at=sent, missed=missed) is due


@pytest.mark.parametrize(("days", "due"), [(6, False), (7, True), (8, True)])
def test_a_weekly_one_goes_out_once_a_week(days: int, due: bool) -> None:
    canary = Canary(
        kind="fax", channel=Telephone(), to=only(OURS), proof=Proof.RECEIPT, at=time(10), every=7 * DAY,
        wait=timedelta(hours=1),
    )  # fmt: skip
    ten = NINE + timedelta(hours=1)
    assert canary.due(ten + days * DAY, sent_at=ten + timedelta(seconds=4), missed=0) is due


async def test_a_mail_that_is_read_back_is_proven_and_says_that_it_is_a_test(
    mail: Watch, smarthost: SmtpGateway
) -> None:
    assert (await mail.after(minutes=0)).waiting
    [arrival] = smarthost.inbox.of("mail", OURS) if smarthost.inbox else []
    assert "試験" in arrival.subject
    assert "災害の情報ではありません" in arrival.text
    other = b"Message-ID: <0123456789abcdef0123456789abcdef@city.example>\r\n\r\n"
    assert not await _take(mail.canaries, other), "somebody else's mail is left alone"
    mail.clock.now += timedelta(seconds=30)
    assert await _take(mail.canaries, f"Message-ID: {arrival.key}\r\n\r\nhello".encode())
    known = await mail.after(minutes=0)
    assert (known.waiting, known.took, known.missed) == (False, timedelta(seconds=30), 0)


async def test_two_that_never_come_back_wake_staff_and_one_does_not(mail: Watch) -> None:
    await mail.after(minutes=0)
    assert (await mail.after(minutes=10)).missed == 1
    assert not mail.pages
    assert (await mail.after(minutes=5)).waiting
    known = await mail.after(minutes=10)
    assert known.missed == 2
    assert known.proven_at is None
    assert mail.pages == ["canary mail"]


async def test_a_telephone_that_nobody_picks_up_rings_twice_a_first_day_and_then_once(ledger: Ledger) -> None:
    telephone = Telephone()
    watch = Watch(ledger, telephone, Proof.RECEIPT, every=DAY)
    rings: list[str] = []
    for _ in range(3 * 24 * 12):
        before = len(telephone.said)
        await watch.look(minutes=5)
        rings += [f"{watch.clock.now.astimezone(JST):%d %H:%M}"] * (len(telephone.said) - before)
    assert rings == ["30 10:00", "30 10:15", "01 10:00", "02 10:00"]
    assert set(watch.pages) == {"canary voice"}


@pytest.mark.parametrize("proven", [True, False])
async def test_a_clock_that_was_wrong_for_a_moment_ends_no_canaries(
    mail: Watch, smarthost: SmtpGateway, proven: bool
) -> None:
    """It has written a time down that has not come yet."""
    known = await mail.after(days=30)
    if proven:
        assert await mail.canaries.seen("mail", known.key)
    mail.clock.now = NINE
    known = await mail.after(minutes=15)
    assert (known.sent_at, known.waiting) == (mail.clock.now, True)
    for _ in range(3):
        await mail.after(minutes=15)
    assert mail.pages[-1:] == ["canary mail"], "a mailbox that is dead is found as ever"


async def test_a_clock_a_little_behind_the_one_that_sent_it_sends_no_second(mail: Watch) -> None:
    known = await mail.after(minutes=0)
    await mail.canaries.seen("mail", known.key)
    mail.clock.now -= timedelta(seconds=20)
    assert (await mail.after(seconds=1)).key == known.key


async def test_a_smarthost_that_is_gone_is_a_miss_at_once(mail: Watch, smarthost: SmtpGateway) -> None:
    smarthost.faults.down = True
    known = await mail.after(minutes=0)
    assert (known.missed, known.waiting) == (1, False)
    assert known.detail


async def test_a_call_is_proven_by_its_receipt(ledger: Ledger) -> None:
    watch = Watch(ledger, Telephone(), Proof.RECEIPT)
    assert (await watch.after(minutes=0)).ref == "CA1"
    assert (await watch.after(minutes=1)).waiting
    await _report(watch, "CA1", Outcome.DELIVERED)
    known = await watch.after(minutes=1)
    assert known.took == timedelta(minutes=1)
    assert not known.waiting


async def test_a_call_that_nobody_picked_up_is_a_miss_before_its_time(ledger: Ledger) -> None:
    watch = Watch(ledger, Telephone(), Proof.RECEIPT)
    await watch.after(minutes=0)
    await _report(watch, "CA1", Outcome.TEMPORARY)
    known = await watch.after(minutes=1)
    assert (known.missed, known.detail) == (1, "busy")


async def test_a_channel_that_breaks_is_a_miss_and_ends_nothing(ledger: Ledger) -> None:
    telephone = Telephone()
    telephone.broken = True
    known = await Watch(ledger, telephone, Proof.ACCEPTED).after(minutes=0)
    assert (known.missed, known.detail) == (1, "temporary RuntimeError")


class Mute(Telephone):
    """Says nothing of what it was given."""

    async def send(self, parcel: Parcel) -> AsyncIterator[Result]:
        for result in ():
            yield result


async def test_a_channel_that_says_nothing_is_a_miss(ledger: Ledger) -> None:
    known = await Watch(ledger, Mute(), Proof.RECEIPT).after(minutes=0)
    assert (known.missed, known.detail) == (1, "temporary no result")


async def test_where_nobody_tells_more_an_acceptance_is_all_there_is(ledger: Ledger) -> None:
    telephone = Telephone()
    watch = Watch(ledger, telephone, Proof.ACCEPTED)
    known = await watch.after(minutes=0)
    assert (known.proven_at, known.waiting) == (NINE, False)
    assert not (await watch.after(minutes=14)).waiting
    assert len(telephone.said) == 1
    await ledger.write(lambda conn: canaries.ask(conn, "voice", at=watch.clock.now))
    await watch.after(seconds=1)
    assert len(telephone.said) == 2, "staff asked for one"


async def test_staff_hear_once_that_they_arrive_again(mail: Watch, smarthost: SmtpGateway) -> None:
    smarthost.faults.down = True
    await mail.after(minutes=0)
    await mail.after(minutes=15)
    smarthost.faults.down = False
    await mail.after(minutes=15)
    [arrival] = smarthost.inbox.of("mail", OURS) if smarthost.inbox else []
    assert await _take(mail.canaries, f"Message-ID: {arrival.key}\r\n\r\nhello".encode())
    for _ in range(2):
        await mail.after(seconds=5)
    assert mail.pages == ["canary mail", "over: canary mail"]


@pytest.mark.parametrize("proof", Proof)
async def test_two_misses_page_and_recovery_is_told_whatever_proves_it(ledger: Ledger, proof: Proof) -> None:
    """Of what the gateway's answer shows, it takes nothing; of the others, no proof comes."""
    telephone = Telephone()
    telephone.broken = proof in AT_ONCE
    watch = Watch(ledger, telephone, proof)
    await watch.after(minutes=0)
    assert (await watch.after(minutes=10)).missed == 1
    assert not watch.pages
    await watch.after(minutes=5)
    assert (await watch.after(minutes=10)).missed == 2
    assert watch.pages == ["canary voice"]
    telephone.broken = False
    sent = await watch.after(minutes=5)
    if sent.waiting:
        assert await watch.canaries.seen("voice", sent.key)
    for _ in range(2):
        await watch.after(seconds=5)
    assert watch.pages == ["canary voice", "over: canary voice"]


async def test_every_partner_is_tried_and_the_one_that_is_away_is_named(
    ledger: Ledger, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text(SECRET)
    async with Receiver(Inbox(), secret=SECRET, clock=lambda: NINE) as partner:
        at = {"cable-tv": partner.url_of("cable-tv"), "school": "http://127.0.0.1:9/hook"}
        systems = tuple(
            System(ref=ref, name=ref, url=url, secret_file=tmp_path / "secret") for ref, url in at.items()
        )
        webhook = Webhook(
            Systems(systems=systems),
            outbound=Outbound(deployment=Deployment.REHEARSAL),
            clock=lambda: NINE,
        )
        await webhook.open()
        watch = Watch(ledger, webhook, Proof.TAKEN, to=only(*at))
        known = await watch.after(minutes=0)
        assert (known.missed, known.waiting) == (1, False)
        assert "school" in known.detail
        assert "cable-tv" not in known.detail
        assert [each for each in partner.requests if each.method == "POST"], "the other one was told"
        await watch.after(minutes=15)
        assert watch.pages == ["canary webhook"]
        await webhook.close()


async def test_where_no_device_is_registered_nothing_is_sent_and_nothing_missed(ledger: Ledger) -> None:
    telephone = Telephone()
    watch = Watch(ledger, telephone, Proof.SHOWN, to=only())
    await watch.canaries.look()
    assert not telephone.said
    assert not await ledger.read(canaries.known)


async def test_a_gateway_that_knows_only_our_key_reports_by_it(ledger: Ledger) -> None:
    fax = Telephone()
    fax.ref = None
    watch = Watch(ledger, fax, Proof.RECEIPT)
    known = await watch.after(minutes=0)
    said = Receipt(ref=ProviderRef(known.key), outcome=Outcome.DELIVERED, at=watch.clock.now)
    stranger = replace(said, ref=ProviderRef("0" * 32))
    assert await ledger.write(
        lambda conn: [canaries.report(conn, "voice", each) for each in (said, stranger)]
    ) == [True, False]
    assert (await watch.after(minutes=1)).proven_at == NINE


async def _report(watch: Watch, ref: str, outcome: Outcome) -> None:
    said = Receipt(ref=ProviderRef(ref), outcome=outcome, at=watch.clock.now, reason="busy")
    await watch.ledger.write(
        lambda conn: receipts.apply(conn, "voice", [said], Telephone.capabilities, now=said.at, random=RANDOM)
    )
