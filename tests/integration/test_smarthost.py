"""The hub, a real Postfix as `config/postfix` sets it up, and the carriers behind it."""

import asyncio
import email
import email.policy
import os
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from email.message import EmailMessage
from pathlib import Path
from uuid import UUID, uuid4

import aiosmtplib
import pytest

from channels.mail import Mail, Security, Settings
from hub.delivery import Outcome
from hub.outbound import Deployment, Outbound
from hub.recipient import Recipient, RecipientId
from hub.testing.parcels import NOW, parcel
from tests.integration.smarthost import PASSWORD, SHIPPED, USER, Smarthost, smarthost
from tests.servers.absence import absent
from tests.servers.postfix import PROGRAMS
from yobikake.rehearsal.faults import Faults
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.servers.folder import temporary
from yobikake.rehearsal.servers.program import POSTCONF, advice, missing
from yobikake.rehearsal.smtp import SmtpGateway

pytestmark = pytest.mark.postfix

CARRIERS = {
    "docomo.ne.jp.example": "docomo",
    "ezweb.ne.jp.example": "au",
    "i.softbank.jp.example": "softbank",
    "ymobile.ne.jp.example": "ymobile",
    "rakumail.jp.example": "rakuten",
}
SENDER, BOUNCES = "bousai@city.example", "bounces@bounce.city.example"


@dataclass(frozen=True, slots=True)
class Scene:
    carriers: SmtpGateway
    smarthost: Smarthost
    password_file: Path

    def mail(self, port: int, *, password_file: Path | None = None, trusting: bool = True) -> Mail:
        settings = Settings(
            host="127.0.0.1",
            port=port,
            security=Security.STARTTLS,
            username=USER,
            password_file=password_file or self.password_file,
            sender=SENDER,
            bounces=BOUNCES,
        )
        ca_file = self.smarthost.ca_file if trusting else None
        outbound = Outbound(deployment=Deployment.REHEARSAL, ca_file=ca_file)
        return Mail(settings, outbound=outbound, clock=lambda: NOW)

    @property
    def arrived(self) -> Counter[str]:
        inbox = self.carriers.inbox
        assert inbox is not None
        return Counter({address: len(inbox.of("mail", address)) for address in inbox.addresses("mail")})

    async def until_sent(self, addresses: set[str]) -> None:
        """The smarthost has passed on to all of these, and knows it."""
        async with asyncio.timeout(120):
            while not addresses <= self.smarthost.sent().keys():
                await asyncio.sleep(0.05)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    if lacking := missing(PROGRAMS):
        absent(advice(lacking))
    if os.geteuid() != 0:
        absent("only root starts Postfix")
    password_file = tmp_path / "password"
    password_file.write_text(PASSWORD)
    with temporary("test-postfix-") as folder:
        async with SmtpGateway(Inbox()) as carriers, smarthost(folder, carriers.port) as made:
            yield Scene(carriers, made, password_file)


async def handed_over(mail: Mail, addresses: list[str]) -> dict[UUID, list[str]]:
    """In parcels of 100, each under a key of its own. Everyone was accepted."""
    parcels: dict[UUID, list[str]] = {}
    for first in range(0, len(addresses), 100):
        part, key = addresses[first : first + 100], uuid4()
        to = [Recipient(id=RecipientId(n), address=address) for n, address in enumerate(part)]
        results = [result async for result in mail.send(replace(parcel(to), idempotency_key=key))]
        assert [result.outcome for result in results] == [Outcome.ACCEPTED] * len(part)
        parcels[key] = part
    return parcels


async def test_everyone_is_passed_on_once_by_carrier_and_a_refusal_comes_back_under_our_id(
    scene: Scene,
) -> None:
    domains = [*CARRIERS, "city.example"]
    addresses = [f"resident{n}@{domains[n % len(domains)]}" for n in range(250)]
    faults = scene.carriers.faults = Faults(permanent=0.01, seed=1)
    refused = {address for address in addresses if faults.hits(faults.permanent, "permanent", address)}
    assert 0 < len(refused) < 10
    mail = scene.mail(scene.smarthost.urgent)
    await mail.open()
    parcels = await handed_over(mail, addresses)
    await mail.close()

    await scene.until_sent(set(addresses) - refused)
    assert scene.arrived == {address: 1 for address in addresses if address not in refused}
    assert scene.smarthost.sent() == {
        address: [CARRIERS.get(address.partition("@")[2], "smtp")] for address in scene.arrived
    }

    reports = await bounces(scene.smarthost, refused)
    for key, part in parcels.items():
        theirs = {
            address for report in reports for address in failed(report) if envelope_id(report) == key.hex
        }
        assert theirs == refused & set(part)
    assert all(report["To"] == BOUNCES for report in reports)
    assert scene.smarthost.warnings() == []
    assert not any("避難してください" in str(report) for report in reports)  # RET=HDRS


async def test_routine_mail_has_a_transport_of_its_own(scene: Scene) -> None:
    urgent, routine = "a@docomo.ne.jp.example", "b@docomo.ne.jp.example"
    for port, address in ((scene.smarthost.urgent, urgent), (scene.smarthost.routine, routine)):
        mail = scene.mail(port)
        await handed_over(mail, [address])
        await mail.close()
    await scene.until_sent({urgent, routine})
    assert scene.smarthost.sent() == {urgent: ["docomo"], routine: ["routine"]}


async def test_addresses_beyond_ascii_and_of_old_carriers_are_taken(scene: Scene) -> None:
    addresses = ["避難@docomo.ne.jp.example", "a..b.@docomo.ne.jp.example"]
    mail = scene.mail(scene.smarthost.urgent)
    await handed_over(mail, addresses)
    await mail.close()
    async with asyncio.timeout(120):
        while len(scene.arrived) < 2:
            await asyncio.sleep(0.05)
    assert addresses[0] in scene.arrived


async def test_neither_a_stranger_nor_a_false_smarthost_gets_anything(scene: Scene, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("wrong")
    for mail in (
        scene.mail(scene.smarthost.urgent, password_file=wrong),
        scene.mail(scene.smarthost.urgent, trusting=False),
    ):
        health = await mail.probe()
        assert not health.ok
        await mail.close()
    assert not scene.arrived


async def test_it_relays_for_the_hub_only_and_takes_bounces_from_anyone(scene: Scene) -> None:
    made = scene.smarthost
    assert await told_stranger(made.inbound, None) == [250, 554]
    for port in (made.urgent, made.routine):
        assert await told_stranger(port, None) == [530, 530]  # RFC 3207 §4: encrypt first
        assert await told_stranger(port, made.ca_file) == [250, 554]
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=made.inbound, start_tls=False) as smtp:
        await smtp.sendmail("carrier@elsewhere.example", BOUNCES, b"Subject: x\r\n\r\nx\r\n")
    async with asyncio.timeout(120):
        while not made.bounces():
            await asyncio.sleep(0.05)
    assert not scene.arrived


async def told_stranger(port: int, ca_file: Path | None) -> list[int]:
    """The replies to MAIL, and to RCPT for a resident, without a password; over TLS where `ca_file` is given."""
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False) as smtp:
        if ca_file is not None:
            await smtp.starttls(tls_context=ssl.create_default_context(cafile=ca_file))
        await smtp.ehlo()
        commands = (b"MAIL FROM:<bousai@city.example>", b"RCPT TO:<resident@docomo.ne.jp.example>")
        return [(await smtp.execute_command(command)).code for command in commands]


async def test_postfix_knows_every_setting_that_is_shipped() -> None:
    if lacking := missing(PROGRAMS):
        absent(advice(lacking))
    said = await asyncio.create_subprocess_exec(
        POSTCONF.path,
        "-n",
        "-c",
        str(SHIPPED),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await said.communicate()
    assert b"myhostname = smarthost.city.example" in out
    assert err == b""


async def bounces(made: Smarthost, addresses: set[str]) -> list[EmailMessage]:
    """Until all of these have come back."""
    async with asyncio.timeout(120):
        while True:
            reports = [read(message) for message in made.bounces()]
            if addresses <= {address for report in reports for address in failed(report)}:
                return reports
            await asyncio.sleep(0.05)


def read(message: bytes) -> EmailMessage:
    parsed = email.message_from_bytes(message, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def envelope_id(report: EmailMessage) -> str:
    return str(_status(report)[0]["Original-Envelope-Id"])


def failed(report: EmailMessage) -> set[str]:
    return {
        str(each["Final-Recipient"]).partition(";")[2].strip()
        for each in _status(report)[1:]
        if each["Action"] == "failed"
    }


def _status(report: EmailMessage) -> list[EmailMessage]:
    """RFC 3464: a group of fields for the message, and one for each recipient."""
    (part,) = [part for part in report.walk() if part.get_content_type() == "message/delivery-status"]
    return [group for group in part.get_payload() if isinstance(group, EmailMessage)]
