"""Reports come in by LMTP, from a maildir and by IMAP, become receipts, and hold addresses back."""

import asyncio
import smtplib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from channels.mail.intake import From, Source, Take
from channels.mail.intake import maildir as maildirs
from channels.mail.intake.imap import Mailbox
from channels.mail.intake.lmtp import Listener
from channels.mail.intake.maildir import Maildir
from hub import gone
from hub.cap import MsgType
from hub.channel import Receipt
from hub.delivery import Outcome
from hub.language import Language
from hub.ledger import corrections, envelopes, held_back, tables
from hub.ledger.register import Registration
from hub.recipient import Reached, RecipientId, Targeting, WholeCity, Zone
from hub.returns import Returns
from tests.integration.bounce_mails import QUESTION, report
from tests.integration.engine import KEYS, OUTBOUND, Engine, away, engine, mail, residents, until
from tests.servers import mailbox
from tests.servers.absence import absent
from tests.servers.mailbox import DOVECOT, PASSWORD, USER
from yobikake.bounce_role import take
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.smtp import SmtpGateway

BY_MAIL = Targeting(audience=WholeCity(), channels=("mail",))


@pytest.fixture
async def smarthost() -> AsyncIterator[SmtpGateway]:
    async with SmtpGateway(Inbox()) as gateway:
        yield gateway


@asynccontextmanager
async def mailing_hub(folder: Path, smarthost: SmtpGateway) -> AsyncIterator[tuple[Engine, Returns]]:
    async with engine(folder, channels={"mail": mail(smarthost.port)}) as hub:
        yield (
            hub,
            Returns(ledger=hub.ledger, keys=KEYS, postbox=hub.postbox, clock=hub.clock, page=hub.page),
        )


def neighbours(number: int) -> list[Registration]:
    """Of one variant: one batch."""
    return residents(number, language=Language.JA, zone=Zone("z0"))


async def key_of(hub: Engine, alert: str, member: RecipientId) -> UUID:
    """Under which the smarthost knows the mail to this recipient."""
    table = tables.batches.c
    query = select(table.idempotency_key, table.members).where(table.alert == alert)
    rows = await hub.ledger.read(lambda conn: conn.execute(query).all())
    return next(UUID(row.idempotency_key) for row in rows if member in row.members)


@asynccontextmanager
async def listening(source: Source, take: Take) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(source.run(take))
        yield
        task.cancel()


# --- from a report to the counts, and to whom nothing is sent any more ---


async def test_a_bounce_overrides_the_acceptance_and_two_hold_the_address_back(
    tmp_path: Path, smarthost: SmtpGateway
) -> None:
    async with mailing_hub(tmp_path, smarthost) as (hub, returns):
        lost, full, *_ = await hub.register(neighbours(5))
        async with hub.running():
            for _ in range(2):
                alert = await hub.send(targeting=BY_MAIL)
                assert (await hub.done(alert))["mail"].accepted == 5
                key = await key_of(hub, alert, lost)
                assert await take(returns, report(key, hub.addresses[lost].upper().lower()))
                assert await take(returns, report(key, hub.addresses[full], said="552 full", status="5.2.2"))
                await until(partial(_failed, hub, alert, 2))
                tally = (await hub.tally(alert))["mail"]
                assert (tally.accepted, tally.reasons) == (
                    3,
                    {"userunknown 5.1.1": 1, "mailboxfull 5.2.2": 1},
                )
                assert (await hub.outcomes(alert))[lost] is Outcome.PERMANENT
            assert await settled(hub) == 1, "a full mailbox holds nobody back"
            third = await hub.send(targeting=BY_MAIL)
            await hub.done(third)
        outcomes = await hub.outcomes(third)
        assert (outcomes.pop(lost), set(outcomes.values())) == (Outcome.SUPPRESSED, {Outcome.ACCEPTED})
        refs = await hub.ledger.read(lambda conn: conn.execute(select(tables.provider_refs)).all())
        assert refs == [], "no reference is kept for a mail"


async def settled(hub: Engine) -> int:
    return await gone.settle(hub.ledger, KEYS, "mail", at=hub.clock())


async def _failed(hub: Engine, alert: str, number: int) -> bool:
    return (await hub.tally(alert))["mail"].failed == number


async def test_a_bounce_never_makes_the_hub_send_again(tmp_path: Path, smarthost: SmtpGateway) -> None:
    async with mailing_hub(tmp_path, smarthost) as (hub, returns):
        who, *_ = await hub.register(neighbours(2))
        async with hub.running():
            await hub.done(alert := await hub.send(targeting=BY_MAIL))
            mails = report(await key_of(hub, alert, who), hub.addresses[who], said="421 busy", status="4.4.7")
            for _ in range(3):
                assert await take(returns, mails)
            await until(partial(_failed, hub, alert, 1))
        assert {row.attempt for row in await hub.rows(alert)} == {1}
        assert smarthost.transactions == 1


async def test_a_correction_goes_to_those_whose_mail_did_not_come_back(
    tmp_path: Path, smarthost: SmtpGateway
) -> None:
    async with mailing_hub(tmp_path, smarthost) as (hub, returns):
        lost, *others = await hub.register(neighbours(4))
        async with hub.running():
            await hub.done(alert := await hub.send(targeting=BY_MAIL))
            key = await key_of(hub, alert, lost)
            await take(returns, report(key, hub.addresses[lost]))
            await until(partial(_failed, hub, alert, 1))
            reached = await hub.ledger.read(lambda conn: corrections.reached(conn, KEYS, alert))
            assert reached == {"mail": 3}
            correction = await hub.send(
                msg_type=MsgType.UPDATE,
                targeting=Targeting(audience=Reached(identifier=alert), channels=("mail",)),
                references=(alert,),
            )
            await hub.done(correction)
            assert set(await hub.outcomes(correction)) == set(others)
            late = report(key, hub.addresses[others[0]])
            assert await take(returns, late)
            await until(partial(_failed, hub, alert, 2))
        assert set(await hub.outcomes(correction)) == set(others), "they were written to"
        rows = await hub.ledger.read(lambda conn: conn.execute(select(tables.late_receipts)).all())
        assert rows == [], "a failure adds nobody to a correction"


async def test_what_arrived_after_all_ends_the_counting(tmp_path: Path, smarthost: SmtpGateway) -> None:
    async with mailing_hub(tmp_path, smarthost) as (hub, returns):
        who, *_ = await hub.register(neighbours(2))
        async with hub.running():
            for _ in range(2):
                await hub.done(alert := await hub.send(targeting=BY_MAIL))
                key = await key_of(hub, alert, who)
                await take(returns, report(key, hub.addresses[who]))
            arrived = report(key, hub.addresses[who], said="250 Ok", status="2.1.5")
            assert await take(returns, arrived.replace(b"Action: failed", b"Action: delivered"))
            await until(partial(_forgotten, hub))
        assert await settled(hub) == 0


async def _forgotten(hub: Engine) -> bool:
    return await hub.ledger.read(lambda conn: conn.execute(select(tables.bounces)).all()) == []


async def test_refusals_that_are_about_us_wake_somebody_up(tmp_path: Path, smarthost: SmtpGateway) -> None:
    async with mailing_hub(tmp_path, smarthost) as (hub, returns):
        people = await hub.register(neighbours(20))
        async with hub.running():
            await hub.done(alert := await hub.send(targeting=BY_MAIL))
            for number, who in enumerate(people[:5]):
                assert hub.pages == [], number
                await take(
                    returns,
                    report(
                        await key_of(hub, alert, who), hub.addresses[who],
                        said="550 5.7.26 does not pass DMARC", status="5.7.26",
                    ),
                )  # fmt: skip
        ((topic, text),) = hub.pages
        assert topic == "refused by policy mail"
        assert "5" in text
        assert not any(address in text for address in hub.addresses.values())
        assert await settled(hub) == 0


async def test_a_carrier_that_knows_nobody_any_more_wakes_somebody_up_and_blames_nobody(
    tmp_path: Path, smarthost: SmtpGateway
) -> None:
    async with mailing_hub(tmp_path, smarthost) as (hub, returns):
        people = await hub.register(neighbours(60))
        async with hub.running():
            for _ in range(2):
                await hub.done(alert := await hub.send(targeting=BY_MAIL))
                key = await key_of(hub, alert, people[0])
                assert await take(returns, report(key, *(hub.addresses[who] for who in people[:49])))
            assert await settled(hub) == 49
            await hub.settling().look()
            assert hub.pages == []
            assert await take(returns, report(key, hub.addresses[people[49]]))
            await hub.settling().look()
        assert [topic for topic, _ in hub.pages] == ["returned mail"], "they are let go again"
        assert await hub.ledger.read(lambda conn: held_back.listed(conn, ["mail"])) == []


async def test_a_report_of_somebody_elses_mail_or_recipient_changes_nothing(
    tmp_path: Path, smarthost: SmtpGateway
) -> None:
    async with mailing_hub(tmp_path, smarthost) as (hub, returns):
        who, *_ = await hub.register(neighbours(2))
        async with hub.running():
            await hub.done(alert := await hub.send(targeting=BY_MAIL))
            key = await key_of(hub, alert, who)
            assert not await take(returns, report(UUID(int=7), hub.addresses[who]))
            assert not await take(returns, report(key, "nobody@elsewhere.example"))
            assert not await take(returns, QUESTION)
        assert (await hub.tally(alert))["mail"].accepted == 2
        assert await hub.ledger.read(lambda conn: conn.execute(select(tables.bounces)).all()) == []


async def test_a_bounce_that_comes_before_the_record_of_its_send_is_folded_after_it(
    tmp_path: Path, smarthost: SmtpGateway
) -> None:
    async with mailing_hub(tmp_path, smarthost) as (hub, _):
        who, *_ = await hub.register(neighbours(3))
        async with hub.running("fanout", "receipts"):
            alert = await hub.send(targeting=BY_MAIL)
            await hub.planned(alert)
            ref = envelopes.ref(await key_of(hub, alert, who), who)
            early = Receipt(ref=ref, outcome=Outcome.PERMANENT, at=hub.clock(), reason="userunknown 5.1.1")
            await hub.postbox.post("mail", [early])
            await until(partial(_parked, hub, 1))
        async with hub.running():
            await until(partial(_failed, hub, alert, 1))
            assert (await hub.done(alert))["mail"].accepted == 2
        assert await _parked(hub, 0)


async def _parked(hub: Engine, number: int) -> bool:
    rows = await hub.ledger.read(lambda conn: conn.execute(select(tables.parked_receipts)).all())
    return len(rows) == number


# --- LMTP ---


@contextmanager
def lmtp(port: int) -> Iterator[smtplib.LMTP]:
    with smtplib.LMTP("127.0.0.1", port) as session:
        yield session


@asynccontextmanager
async def lmtp_listener(others: Path, take: Take) -> AsyncIterator[int]:
    listener = Listener("127.0.0.1", 0, others=others)
    ready = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(listener.run(take, ready=ready.set))
        await ready.wait()
        yield listener.port
        task.cancel()


async def test_by_lmtp_a_report_is_durable_before_it_is_said_to_be(
    tmp_path: Path, smarthost: SmtpGateway
) -> None:
    async with mailing_hub(tmp_path, smarthost) as (hub, returns):
        who, *_ = await hub.register(neighbours(2))
        async with hub.running():
            await hub.done(alert := await hub.send(targeting=BY_MAIL))
            said = report(await key_of(hub, alert, who), hub.addresses[who])
        async with lmtp_listener(tmp_path / "others", partial(take, returns)) as port:
            refused = await asyncio.to_thread(_hand_over, port, said, ["a@city.example", "b@city.example"])
            assert refused == {}
        async with hub.running("receipts"):
            await until(partial(_failed, hub, alert, 1))
        assert list((tmp_path / "others" / "new").iterdir()) == []


async def test_by_lmtp_what_is_no_report_is_kept_as_it_came(tmp_path: Path) -> None:
    async with lmtp_listener(tmp_path / "others", _nothing_of_ours) as port:
        assert await asyncio.to_thread(_hand_over, port, QUESTION, ["a@city.example"]) == {}
    (kept,) = (tmp_path / "others" / "new").iterdir()
    assert kept.read_bytes() == QUESTION


async def test_by_lmtp_nothing_is_taken_while_the_database_is_away(
    tmp_path: Path, smarthost: SmtpGateway
) -> None:
    async with mailing_hub(tmp_path, smarthost) as (hub, returns):
        who, *_ = await hub.register(neighbours(2))
        async with hub.running():
            await hub.done(alert := await hub.send(targeting=BY_MAIL))
            said = report(await key_of(hub, alert, who), hub.addresses[who])
        async with lmtp_listener(tmp_path / "others", partial(take, returns)) as port:
            async with away(hub.ledger, tmp_path):
                refused = await asyncio.to_thread(
                    _hand_over, port, said, ["a@city.example", "b@city.example"]
                )
            assert refused == dict.fromkeys(
                ("a@city.example", "b@city.example"), (451, b"4.3.0 not durable yet, try again")
            )
            assert await asyncio.to_thread(_hand_over, port, said, ["a@city.example"]) == {}


async def test_an_lmtp_session_keeps_to_its_order_and_survives_nonsense(tmp_path: Path) -> None:
    async with lmtp_listener(tmp_path / "others", _nothing_of_ours) as port:
        codes = await asyncio.to_thread(_talk, port)
        assert codes == [503, 503, 250, 250, 503, 250, 250, 500, 252, 250, 503, 221]
        assert await asyncio.to_thread(_hand_over, port, QUESTION, ["a@city.example"]) == {}
    assert len(list((tmp_path / "others" / "new").iterdir())) == 1


def _hand_over(port: int, mail: bytes, to: list[str]) -> Any:
    """The recipients that were refused after the final dot, with the reply to each (RFC 2033 §4.2)."""
    with lmtp(port) as session:
        assert session.ehlo()[0] == 250  # LHLO, in this class
        session.mail("")
        for address in to:
            assert session.rcpt(address)[0] == 250
        assert session.docmd("DATA")[0] == 354
        session.send(smtplib._quote_periods(mail) + b".\r\n")  # type: ignore[attr-defined]
        replies = {address: session.getreply() for address in to}
    return {address: reply for address, reply in replies.items() if reply[0] != 250}


def _talk(port: int) -> list[int]:
    with lmtp(port) as session:
        commands = [
            "MAIL FROM_", "DATA", "LHLO here", "MAIL FROM:<>", "MAIL FROM:<>", "RCPT TO:<a@b.example>",
            "NOOP", "\x00\xff*", "VRFY a", "RSET", "RCPT TO:<a@b.example>", "QUIT",
        ]  # fmt: skip
        codes = []
        for command in commands:
            session.send(command.encode("latin-1") + b"\r\n")
            codes.append(session.getreply()[0])
        session.close()
        return codes


async def _nothing_of_ours(mail: bytes) -> bool:
    return False


async def _ours(mail: bytes) -> bool:
    return b"Re:" not in mail


# --- a maildir ---


async def test_a_maildir_is_emptied_of_reports_and_everything_else_is_kept_beside_them(
    tmp_path: Path,
) -> None:
    box = tmp_path / "box"
    source = Maildir(box, every_s=0.05)
    maildirs.keep(box, report(UUID(int=1), "a@b.example"))
    maildirs.keep(box, QUESTION)
    async with listening(source, _ours):

        async def emptied() -> bool:
            return not list((box / "new").iterdir())

        await until(emptied)
    (seen,) = (box / "cur").iterdir()
    (other,) = (box / ".others" / "new").iterdir()
    assert seen.name.endswith(":2,S")
    assert other.read_bytes() == QUESTION


async def test_a_mail_that_cannot_be_made_durable_stays_in_the_maildir(tmp_path: Path) -> None:
    box = tmp_path / "box"
    source = Maildir(box, every_s=0.02)
    maildirs.keep(box, QUESTION)
    tries = 0

    async def fails_twice(mail: bytes) -> bool:
        nonlocal tries
        tries += 1
        if tries < 3:
            assert len(list((box / "new").iterdir())) == 1
            raise OSError("away")
        return True

    async with listening(source, fails_twice):

        async def seen() -> bool:
            return bool(list((box / "cur").iterdir()))

        await until(seen)
    assert tries == 3


# --- IMAP ---


@pytest.fixture
async def imap() -> AsyncIterator[mailbox.Mailbox]:
    if DOVECOT.find() is None:
        absent("Dovecot is not installed (apt-get install dovecot-imapd)")
    with TemporaryDirectory(prefix="yobikake-imap-") as folder:
        server = mailbox.Mailbox(Path(folder))
        await server.start()
        try:
            yield server
        finally:
            await server.stop()


def _mailbox(imap: mailbox.Mailbox, folder: Path, pages: list[str], password: str = PASSWORD) -> Mailbox:
    file = folder / "password"
    file.write_text(password)
    settings = From(imap=imap.url, username=USER, password_file=file, every_s=0.1)
    return Mailbox(settings, outbound=OUTBOUND, page=lambda topic, _: pages.append(topic))


async def test_by_imap_reports_are_seen_once_they_are_durable_and_other_mail_stays_unread(
    tmp_path: Path, imap: mailbox.Mailbox
) -> None:
    await asyncio.to_thread(_append, imap, [report(UUID(int=1), "a@b.example"), QUESTION])
    taken: list[bytes] = []

    async def take_at_the_second_time(mail: bytes) -> bool:
        taken.append(mail)
        if len(taken) == 1:
            raise OSError("away")
        return await _ours(mail)

    async with listening(_mailbox(imap, tmp_path, []), take_at_the_second_time):

        async def marked() -> bool:
            return await asyncio.to_thread(_flags, imap) == [{"\\Seen"}, {"\\Flagged"}]

        await until(marked)
        await asyncio.to_thread(_append, imap, [report(UUID(int=2), "c@d.example")])

        async def the_new_one_too() -> bool:
            return await asyncio.to_thread(_flags, imap) == [{"\\Seen"}, {"\\Flagged"}, {"\\Seen"}]

        await until(the_new_one_too)
    assert len(taken) == 4, "the first came twice, and nothing else did"
    assert QUESTION in taken


async def test_by_imap_a_wrong_password_wakes_somebody_up(tmp_path: Path, imap: mailbox.Mailbox) -> None:
    pages: list[str] = []
    async with listening(_mailbox(imap, tmp_path, pages, "another"), _ours):

        async def paged() -> bool:
            return bool(pages)

        await until(paged)
    assert set(pages) == {"mailbox [channels.mail.bounces_from]"}


def _append(imap: mailbox.Mailbox, mails: list[bytes]) -> None:
    import imaplib

    with imaplib.IMAP4("127.0.0.1", imap.port) as session:
        session.login(USER, PASSWORD)
        for mail in mails:
            assert session.append("INBOX", "", None, mail)[0] == "OK"  # type: ignore[arg-type]


def _flags(imap: mailbox.Mailbox) -> list[set[str]]:
    import imaplib

    with imaplib.IMAP4("127.0.0.1", imap.port) as session:
        session.login(USER, PASSWORD)
        session.select("INBOX", readonly=True)
        found = session.fetch("1:*", "(FLAGS)")[1]
        return [
            {flag.decode() for flag in imaplib.ParseFlags(each)} - {"\\Recent"}
            for each in found
            if isinstance(each, bytes)
        ]
