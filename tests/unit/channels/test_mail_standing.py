"""How a city's mail stands, by a name server of our own: what is there, what is missing, what to publish."""

import base64
from collections.abc import AsyncIterator

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from channels.mail import Mail, Settings
from channels.mail.standing import records as asking
from channels.mail.standing.overall import standing
from channels.mail.standing.records import Records
from channels.mail.standing.settings import Dns
from hub.channel import LookedUp, Remark
from hub.clock import utc_now
from hub.errors import BadSettings
from hub.outbound import Deployment, Outbound
from tests.unit.channels.name_server import NameServer, name_server

CITY = "city.example"
SELECTOR = "hub2026"
OUT = "8.8.4.4"
"""Where the smarthost sends from: an address that is global, and asked nothing."""


def public_key(bits: int) -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits).public_key()
    return base64.b64encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


KEY, SHORT_KEY = public_key(2048), public_key(1024)


@pytest.fixture
async def server() -> AsyncIterator[NameServer]:
    """Of a city with everything in order."""
    async with name_server() as made:
        made.text(CITY, "google-site-verification=x", f"v=spf1 ip4:{OUT} -all")
        made.text(f"{SELECTOR}._domainkey.{CITY}", f"v=DKIM1; k=rsa; p={KEY}")
        made.text(f"_dmarc.{CITY}", f"v=DMARC1; p=quarantine; rua=mailto:dmarc@{CITY}")
        yield made


async def look(
    server: NameServer,
    *,
    domain: str = CITY,
    envelope: str = "",
    selector: str | None = SELECTOR,
    host: str = "smtp.city.example",
    sends_from: tuple[str, ...] = (OUT,),
) -> dict[str, Remark]:
    dns = Dns(dkim_selector=selector, sends_from=sends_from)
    said = await standing(dns, Records(server.address), host=host, domain=domain, envelope=envelope or domain)
    assert [each.what for each in said] == ["SPF", "DKIM", "DMARC"]
    assert all(" / " in each.detail for each in said)
    return {each.what: each for each in said}


async def test_a_city_in_order_has_nothing_to_do(server: NameServer) -> None:
    found = await look(server)
    assert [(each.ok, each.advice) for each in found.values()] == [(True, "")] * 3
    assert f"0 of 10 look-ups; covers {OUT}" in found["SPF"].detail
    assert "rsa, 2048 bits" in found["DKIM"].detail
    assert "p=quarantine" in found["DMARC"].detail


async def test_a_city_with_nothing_is_told_each_record_to_publish(server: NameServer) -> None:
    server.zone = {(CITY, "A"): ["192.0.2.1"]}
    found = await look(server)
    assert [each.ok for each in found.values()] == [False] * 3
    assert f'TXT {CITY} "v=spf1 ip4:{OUT} ~all"' in found["SPF"].detail
    assert f'TXT {SELECTOR}._domainkey.{CITY} "v=DKIM1; k=rsa; p=…"' in found["DKIM"].detail
    record = f'TXT _dmarc.{CITY} "v=DMARC1; p=none; rua=mailto:postmaster@{CITY}"'
    assert record in found["DMARC"].detail


@pytest.mark.parametrize("trouble", ["silent", "failing"])
async def test_without_an_answer_nothing_is_called_missing(
    server: NameServer, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    monkeypatch.setattr(asking, "ANSWER_WITHIN_S", 0.1)
    setattr(server, trouble, True)
    found = await look(server)
    assert server.asked
    for each in found.values():
        assert not each.ok
        assert "DNS does not answer" in each.detail
        assert "not known" in each.detail
        assert "publish" not in each.detail


# --- SPF ---------------------------------------------------------------------------------------


async def spf(server: NameServer, record: str, **changes: object) -> Remark:
    server.text(CITY, record)
    return (await look(server, **changes))["SPF"]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "record",
    [
        "v=spf1 ip4:8.8.0.0/16 -all",
        "v=spf1 a:out.example -all",
        "v=spf1 a:near.example/24 -all",
        "v=spf1 mx:mx.example ~all",
        "v=spf1 include:provider.example -all",
        "v=spf1 redirect=provider.example",
        "V=SPF1 IP4:8.8.4.4 -ALL exp=why.example",
    ],
)
async def test_every_way_to_name_an_address_covers_it(server: NameServer, record: str) -> None:
    server.zone["out.example", "A"] = [OUT]
    server.zone["near.example", "A"] = ["8.8.4.200"]
    server.zone["mx.example", "MX"] = ["10 out.example."]
    server.text("provider.example", f"v=spf1 ip4:{OUT} -all")
    found = await spf(server, record)
    assert found.ok, found.detail
    assert f"covers {OUT}" in found.detail


async def test_an_address_of_the_newer_kind_is_covered_too(server: NameServer) -> None:
    server.zone["out.example", "AAAA"] = ["2001:4860:4860::8844"]
    own = {"sends_from": ("2001:4860:4860::8844",)}
    assert (await spf(server, "v=spf1 a:out.example//64 -all", **own)).ok
    assert (await spf(server, "v=spf1 ip6:2001:4860::/32 -all", **own)).ok
    assert not (await spf(server, "v=spf1 ip6:2001:db8::/32 -all", **own)).ok


@pytest.mark.parametrize(
    ("record", "instead"),
    [
        ("v=spf1 ip4:192.0.2.1 -all", f"v=spf1 ip4:{OUT} ip4:192.0.2.1 -all"),
        ("v=spf1", f"v=spf1 ip4:{OUT}"),
        ("v=spf1 ~all", f"v=spf1 ip4:{OUT} ~all"),
        (f"v=spf1 -ip4:{OUT} +ip4:8.8.0.0/16 -all", f"v=spf1 ip4:{OUT} -ip4:{OUT} +ip4:8.8.0.0/16 -all"),
        ("v=spf1 include:none.example -all", f"v=spf1 ip4:{OUT} include:none.example -all"),
    ],
)
async def test_a_smarthost_it_does_not_cover_is_told_with_the_record_that_would(
    server: NameServer, record: str, instead: str
) -> None:
    server.text("none.example", "v=spf1 +ip4:192.0.2.9 ?all")
    found = await spf(server, record)
    assert not found.ok
    assert f"does not cover {OUT}" in found.detail
    assert f'TXT {CITY} "{instead}"' in found.detail
    assert (await spf(server, instead)).ok


@pytest.mark.parametrize(("lookups", "ok"), [(10, True), (11, False), (40, False)])
async def test_the_eleventh_lookup_breaks_it_wherever_it_stands(
    server: NameServer, lookups: int, ok: bool
) -> None:
    """Two of them here, the others behind them: what an include includes counts too."""
    server.zone["host.example", "A"] = ["192.0.2.7"]
    server.text("deep.example", "v=spf1" + " a:host.example" * (lookups - 2) + " -all")
    found = await spf(server, f"v=spf1 ip4:{OUT} a:host.example include:deep.example -all")
    assert found.ok == ok
    assert ("10 of 10 look-ups" if ok else "look-ups") in found.detail


@pytest.mark.parametrize(
    ("record", "word"),
    [
        (f"v=spf1 ip4:{OUT} a:a.nowhere a:b.nowhere a:c.nowhere -all", "3 of its names"),
        (f"v=spf1 ip4:{OUT} include:nowhere.example -all", "nowhere.example is included"),
        (f"v=spf1 ip4:{OUT} include:{CITY} -all", "includes itself"),
        ("v=spf1 ip4:8.8.4.444 -all", "'8.8.4.444' is no address"),
        (f"v=spf1 ip4:{OUT} ipv4:192.0.2.1 -all", "'ipv4:192.0.2.1' is no SPF term"),
        (f"v=spf1 ip4:{OUT} alll", "'alll' is no SPF term"),
        (f"v=spf1 ip4:{OUT} +all", "everybody"),
        (f"v=spf1 ip4:{OUT} all", "everybody"),
    ],
)
async def test_what_receivers_cannot_use_is_named(server: NameServer, record: str, word: str) -> None:
    found = await spf(server, record)
    assert not found.ok
    assert word in found.detail


async def test_two_records_are_one_too_many(server: NameServer) -> None:
    server.text(CITY, "v=spf1 -all", "v=spf1 +mx -all", "v=spf10 no record")
    found = (await look(server))["SPF"]
    assert not found.ok
    assert "2 SPF records" in found.detail


async def test_what_depends_on_each_mail_is_not_guessed(server: NameServer) -> None:
    found = await spf(server, "v=spf1 exists:%{i}.spf.example -all")
    assert found.ok
    assert "macros" in found.detail
    assert found.advice


@pytest.mark.parametrize(
    ("host", "address", "known"),
    [("smtp.city.example", OUT, True), ("smtp.city.example", "10.0.0.25", False), ("127.0.0.1", "", False)],
)
async def test_where_the_smarthost_sends_from_is_asked_or_said_to_be_unknown(
    server: NameServer, host: str, address: str, known: bool
) -> None:
    if address:
        server.zone[host, "A"] = [address]
    found = (await look(server, host=host, sends_from=()))["SPF"]
    assert found.ok
    assert (f"covers {OUT}" in found.detail) == known
    assert ("sends_from" in found.advice) == (not known)


async def test_spf_is_asked_of_where_bounces_come_to(server: NameServer) -> None:
    server.text("bounce.example", "v=spf1 -all")
    found = await look(server, envelope="bounce.example")
    assert not found["SPF"].ok
    assert "bounce.example does not cover" in found["SPF"].detail
    assert "only DKIM" in found["DMARC"].advice


# --- DKIM --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "ok", "words"),
    [
        (f"p={KEY}", True, "2048 bits"),
        (f"v=DKIM1; p={KEY[:60]} {KEY[60:]};", True, "2048 bits"),
        (f"v=DKIM1; p={SHORT_KEY}", True, "1024 bits"),
        (f"v=DKIM1; t=y:s; p={KEY}", True, "2048 bits"),
        ("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", True, "ed25519"),
        ("v=DKIM1; p=", False, "revoked"),
        (f"v=DKIM2; p={KEY}", False, "v= or k="),
        ("v=DKIM1; p=MIIB", False, "no public key"),
        ("v=DKIM1; p=***", False, "no public key"),
        ("v=DKIM1; k=rsa", False, "has no key"),
        ("something else", False, "has no key"),
    ],
)
async def test_what_a_key_is_worth(server: NameServer, record: str, ok: bool, words: str) -> None:
    server.text(f"{SELECTOR}._domainkey.{CITY}", record)
    found = (await look(server))["DKIM"]
    assert (found.ok, words in found.detail) == (ok, True), found.detail
    weak = any(word in record for word in ("t=y", SHORT_KEY, "ed25519"))
    assert bool(found.advice) == weak


async def test_without_a_selector_nobody_knows_the_key(server: NameServer) -> None:
    found = (await look(server, selector=None))["DKIM"]
    assert found.ok
    assert "not looked up" in found.detail
    assert "dkim_selector" in found.advice
    assert not any("_domainkey" in name for name, _ in server.asked)


# --- DMARC -------------------------------------------------------------------------------------


async def test_a_policy_of_none_is_thought_of(server: NameServer) -> None:
    server.text(f"_dmarc.{CITY}", "v=DMARC1; p=none")
    found = (await look(server))["DMARC"]
    assert found.ok
    assert "p=quarantine" in found.advice


async def test_a_part_of_the_city_has_the_citys_record(server: NameServer) -> None:
    server.text(f"bosai.{CITY}", f"v=spf1 ip4:{OUT} -all")
    server.text(f"_dmarc.{CITY}", "v=DMARC1; p=none; sp=reject")
    found = (await look(server, domain=f"bosai.{CITY}"))["DMARC"]
    assert found.ok
    assert found.detail.startswith(f"_dmarc.{CITY}: p=reject")
    assert ("_dmarc.example", "TXT") not in server.asked


@pytest.mark.parametrize("record", ["v=DMARC1", "v=DMARC1; p=perhaps", "v=DMARC1 p=none"])
async def test_a_policy_that_is_none_is_a_fault(server: NameServer, record: str) -> None:
    server.text(f"_dmarc.{CITY}", record)
    assert not (await look(server))["DMARC"].ok


async def test_two_policies_are_none(server: NameServer) -> None:
    server.text(f"_dmarc.{CITY}", "v=DMARC1; p=none", "v=DMARC1; p=reject")
    found = (await look(server))["DMARC"]
    assert not found.ok
    assert "2 records" in found.detail


@pytest.mark.parametrize(
    ("envelope", "alignment", "aligned"),
    [
        (CITY, "s", True),
        (f"bounces.{CITY}", "r", True),
        (f"bounces.{CITY}", "s", False),
        ("provider.example", "r", False),
        (f"evil{CITY}", "r", False),
    ],
)
async def test_whether_spf_counts_for_the_name_that_residents_see(
    server: NameServer, envelope: str, alignment: str, aligned: bool
) -> None:
    server.text(envelope, f"v=spf1 ip4:{OUT} -all")
    server.text(f"_dmarc.{CITY}", f"v=DMARC1; p=reject; aspf={alignment}")
    found = (await look(server, envelope=envelope))["DMARC"]
    assert ("SPF does not count" in found.advice) == (not aligned)


# --- the connector -----------------------------------------------------------------------------


def mail(deployment: Deployment, name_server: str | None) -> Mail:
    settings = Settings(
        host="127.0.0.1", security="none", sender=f"bosai@{CITY}",  # type: ignore[arg-type]
        dns=Dns(name_server=name_server, dkim_selector=SELECTOR, sends_from=(OUT,)),
    )  # fmt: skip
    return Mail(settings, outbound=Outbound(deployment=deployment), clock=utc_now)


@pytest.mark.parametrize("deployment", Deployment)
async def test_the_connector_asks_the_name_server_that_is_written(
    server: NameServer, deployment: Deployment
) -> None:
    channel = mail(deployment, server.address)
    assert isinstance(channel, LookedUp)
    assert [each.ok for each in await channel.standing()] == [True] * 3


@pytest.mark.parametrize("elsewhere", [None, "192.0.2.53"])
async def test_a_rehearsal_asks_nobody_outside_and_says_so(elsewhere: str | None) -> None:
    (said,) = await mail(Deployment.REHEARSAL, elsewhere).standing()
    assert (said.what, said.ok) == ("DNS", True)
    assert "not asked" in said.detail


@pytest.mark.parametrize("wrong", ["dns.example", "127.0.0.1:x", "[::1"])
async def test_a_name_server_that_is_none_is_named(wrong: str) -> None:
    with pytest.raises(BadSettings, match="name_server"):
        await mail(Deployment.PRODUCTION, wrong).standing()


async def test_addresses_of_name_servers_are_read_with_and_without_ports() -> None:
    read = {
        "192.0.2.53": ("192.0.2.53", 53),
        "192.0.2.53:5353": ("192.0.2.53", 5353),
        "2001:db8::53": ("2001:db8::53", 53),
        "[2001:db8::53]:5353": ("2001:db8::53", 5353),
        "[2001:db8::53]": ("2001:db8::53", 53),
    }
    assert {each: asking._parted(each) for each in read} == read
