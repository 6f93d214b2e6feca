"""Fax against a mail-to-fax gateway that speaks real SMTP, through the channel suite and beyond it."""

import base64
import email
import email.policy
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from email.message import EmailMessage
from pathlib import Path

import msgspec
import pytest
from msgspec import structs

import config
from channels.fax import Fax, Settings
from channels.fax.settings import mailbox
from hub import city as cities
from hub.channel import Channel, Mapped, Span
from hub.delivery import Outcome
from hub.errors import DeliveryFailure
from hub.language import Language
from hub.outbound import Outbound
from hub.recipient import Recipient, RecipientId
from hub.testing.channel_harness import Where, send
from hub.testing.channel_suite import REHEARSAL, ChannelSuite, opened
from hub.testing.parcels import NOW, content, parcel
from shelters.site import load_sites
from tests.contract.gateways import OfSmtp
from tests.unit.channels.pdf import embedded, lines, pages
from tests.unit.channels.test_poster import FONTS_HERE
from yobikake.rehearsal.faults import Faults
from yobikake.rehearsal.fax import DOMAIN, FaxGateway
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.smtp_dialogue import Terms

CITY = cities.load(config.folder("akishima"))
SITES = {site.name.ja: site.position for site in load_sites(config.folder("akishima")).values()}
USER, PASSWORD = "hub", "correct-horse-battery"


@dataclass(slots=True, kw_only=True)
class ByNumber(Faults):
    """Decided by the number, however it is written."""

    def hits(self, ratio: float, kind: str, address: str) -> bool:
        return Faults.hits(self, ratio, kind, address.partition("@")[0].removeprefix("+"))


class FaxHarness(OfSmtp):
    kind = "fax"

    def __init__(self, gateway: FaxGateway, folder: Path) -> None:
        self.gateway = gateway
        self.password_file = folder / "password"
        self.password_file.write_text(PASSWORD)
        self.address = f"{{number}}@{DOMAIN}"

    @classmethod
    def in_folder(cls, folder: Path) -> "FaxHarness":
        terms = Terms(login=(USER, PASSWORD))
        return cls(FaxGateway(Inbox(), faults=ByNumber(), terms=terms, clock=lambda: NOW), folder)

    @property
    def faults(self) -> Faults:
        return self.gateway.faults

    @property
    def secrets(self) -> Sequence[str]:
        return [PASSWORD, base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode()]

    def channel(self, outbound: Outbound, where: Where = Where.GATEWAY) -> Channel:
        return self.fax(outbound, where)

    def fax(self, outbound: Outbound = REHEARSAL, where: Where = Where.GATEWAY) -> Fax:
        host, port = {
            Where.GATEWAY: ("127.0.0.1", self.gateway.port),
            Where.NOWHERE: ("127.0.0.1", 1),
            Where.REMOTE: ("smarthost.example", 587),
        }[where]
        settings = msgspec.convert(
            {
                "host": host, "port": port, "security": "tls" if self.secured else "starttls" if where is Where.REMOTE else "none",
                "username": USER, "password_file": self.password_file,
                "sender": "fax@yobikake.example", "address": self.address, "connections": 1,
            },
            Settings,
        )  # fmt: skip
        made = Fax(settings, outbound=outbound, clock=lambda: NOW)
        assert isinstance(made, Mapped)
        made.know(CITY, SITES)
        return made

    def recipients(self, number: int) -> Sequence[Recipient]:
        return [Recipient(id=RecipientId(n), address=f"+8142{n:07}") for n in range(1, number + 1)]

    def sends(self) -> int:
        return self.gateway.transactions

    def bodies(self) -> Sequence[bytes]:
        return self.gateway.messages

    def arrivals(self) -> Sequence[str]:
        inbox = self.gateway.inbox
        assert inbox is not None
        return [arrival.address for number in inbox.addresses("fax") for arrival in inbox.of("fax", number)]


@pytest.fixture
async def harness(tmp_path: Path) -> AsyncIterator[FaxHarness]:
    async with FaxHarness.running(tmp_path) as harness:
        yield harness


class TestFax(ChannelSuite, of=FaxHarness):
    @pytest.fixture
    def harness(self, harness: FaxHarness) -> FaxHarness:
        return harness


async def test_a_page_comes_out_of_the_machine(harness: FaxHarness) -> None:
    to, zone = harness.recipients(1), next(iter(CITY.zones))
    site = next(iter(SITES))
    alert = content()
    named = structs.replace(alert, body=(alert.body[0], Span(f"・{site}：空いています", "shelters")))
    async with opened(harness) as fax:
        said = await send(fax, replace(parcel(to), content=named, zone=zone))
    assert said.outcomes == {to[0].id: Outcome.ACCEPTED}
    (pdf,) = harness.gateway.pages
    assert pages(pdf) == 1
    page = "".join(lines(pdf))
    assert site in page
    assert f"{CITY.zones[zone].name.ja}の中心" in page
    assert f"{max(0.1, CITY.zones[zone].centre.distance_m(SITES[site]) / 1000):.1f} km" in page


async def test_the_mail_names_one_number_and_has_no_words_for_a_cover_page(harness: FaxHarness) -> None:
    to = harness.recipients(2)
    async with opened(harness) as fax:
        await send(fax, parcel(to))
    for message, recipient in zip(harness.gateway.messages, to, strict=True):
        read = email.message_from_bytes(message, policy=email.policy.default)
        assert isinstance(read, EmailMessage)
        assert read["To"] == f"{recipient.address[1:]}@{DOMAIN}"
        assert read["Subject"] == "FAX 2026-0147"
        body = read.get_body(("plain",))
        assert isinstance(body, EmailMessage)
        assert body.get_content().strip() == ""
    assert harness.gateway.pages[0] == harness.gateway.pages[1]
    one, other = (message.split(b"\r\n") for message in harness.gateway.messages)
    differ = [line for line, beside in zip(one, other, strict=True) if line != beside]
    assert differ == [b"To: " + f"{to[0].address[1:]}@{DOMAIN}".encode()], "the rest was written once"


@pytest.mark.parametrize(
    ("template", "number", "expected"),
    [
        ("{number}@fax.example", "+81425550100", "81425550100@fax.example"),
        ("+{number}@fax.example", "+12025550100", "+12025550100@fax.example"),
        ("{national}@fax.example", "+81425550100", "0425550100@fax.example"),
        ("fax={national}@fax.example", "+12025550100", None),
    ],
)
def test_a_number_as_the_gateway_wants_it(template: str, number: str, expected: str | None) -> None:
    assert mailbox(template, number) == expected


async def test_a_number_abroad_where_the_gateway_dials_at_home_is_permanent(harness: FaxHarness) -> None:
    harness.address = f"{{national}}@{DOMAIN}"
    abroad = Recipient(id=RecipientId(1), address="+12025550100")
    async with opened(harness) as fax:
        said = await send(fax, parcel([abroad]))
    assert said.outcomes == {abroad.id: Outcome.PERMANENT}
    assert harness.sends() == 0


@pytest.mark.parametrize(
    "address",
    ["fax.example", "number@fax.example", "{number}{national}@fax.example", "{number}@f x", "{x}@f"],
)
def test_an_address_without_a_place_for_the_number_is_refused(address: str) -> None:
    with pytest.raises(msgspec.ValidationError, match="address"):
        msgspec.convert({"host": "h", "sender": "a@b.example", "address": address}, Settings)


@pytest.mark.parametrize("language", [Language.KO, Language.JA])
async def test_what_fits_on_no_page_is_unsupported_and_makes_no_request(
    harness: FaxHarness, language: Language
) -> None:
    handed_over = parcel(harness.recipients(2), language=language)
    endless = structs.replace(handed_over.content, body=(Span("避難してください。" * 600),))
    limit, measured = harness.fax().capabilities.body_limit, harness.fax().length
    assert limit is not None
    assert measured(handed_over.content) < limit < measured(endless)
    async with opened(harness) as fax:
        said = await send(fax, replace(handed_over, content=endless))
    assert set(said.outcomes.values()) == {Outcome.UNSUPPORTED}
    assert harness.sends() == 0


async def test_without_fonts_two_languages_go_out_in_english_and_the_probe_says_so(
    harness: FaxHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("channels._poster.faces.of", lambda _: ())
    async with opened(harness) as fax:
        assert fax.capabilities.languages == frozenset(Language) - {Language.VI, Language.NE}
        health = await fax.probe()
    assert health.ok
    assert "fonts-noto-core" in health.detail
    assert "fonts-noto-cjk" in health.detail


@FONTS_HERE
async def test_a_gateway_needs_no_fonts(harness: FaxHarness) -> None:
    for language in Language:
        async with opened(harness) as fax:
            await send(fax, parcel(harness.recipients(1), language=language))
        pdf = harness.gateway.pages[-1]
        assert embedded(pdf)
        assert len(re.findall(rb"/Type /Font\b", pdf)) == 2 * len(embedded(pdf)), "each has its file"


async def test_the_pace_is_the_contracts_and_a_batch_is_one_fax(harness: FaxHarness) -> None:
    assert harness.fax().capabilities.requests_per_s == 0.5
    assert harness.fax().capabilities.batch_size == 1
    assert harness.fax().capabilities.max_attempts == 3


async def test_a_number_can_be_tried_when_it_is_registered(harness: FaxHarness) -> None:
    fax = harness.fax()
    await fax.open()
    await fax.try_out("+81425550100", content())
    assert harness.arrivals() == ["+81425550100"]
    harness.faults.permanent = 1.0
    with pytest.raises(DeliveryFailure):
        await fax.try_out("+81425550101", content())
    await fax.close()


async def test_errors_name_the_stanza_of_fax(harness: FaxHarness) -> None:
    harness.faults.credentials = True
    async with opened(harness) as fax:
        health = await fax.probe()
    assert "[channels.fax]" in health.detail
    assert "[channels.mail]" not in health.detail
