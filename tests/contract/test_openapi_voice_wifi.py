"""Voice, SMS, Wi-Fi and their simulated gateways against the providers' own API descriptions."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
from openapi_core.exceptions import OpenAPIError

from channels.wifi.reconciler import Reconciler, Wanted
from hub.language import Language
from hub.testing.channel_harness import send
from hub.testing.channel_suite import opened
from hub.testing.parcels import NOW, parcel
from tests.contract.described import PROVIDERS, THEIRS, Provider, described, description, needs_theirs, repeat
from tests.contract.test_channel_sms import SmsHarness
from tests.contract.test_channel_voice import ACCOUNT, TOKEN, VoiceHarness
from tests.contract.wifi_vendors import REFS, MerakiHarness, UnifiHarness, WifiHarness
from yobikake.rehearsal.http import Request
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.twilio import TwilioGateway
from yobikake.rehearsal.twilio_messages import TwilioMessages

TWILIO = replace(PROVIDERS["twilio"], beyond=(f"/2010-04-01/Accounts/{ACCOUNT}.json",))
MERAKI, UNIFI = PROVIDERS["meraki"], PROVIDERS["unifi"]
CALLS = f"/2010-04-01/Accounts/{ACCOUNT}/Calls.json"
MESSAGES = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"

pytestmark = needs_theirs


@pytest.fixture
async def voice(tmp_path: Path) -> AsyncIterator[VoiceHarness]:
    async with TwilioGateway(Inbox(), account_sid=ACCOUNT, auth_token=TOKEN, clock=lambda: NOW) as gateway:
        yield VoiceHarness(gateway, tmp_path)


@pytest.fixture
async def sms(tmp_path: Path) -> AsyncIterator[SmsHarness]:
    async with TwilioMessages(Inbox(), account_sid=ACCOUNT, auth_token=TOKEN, clock=lambda: NOW) as gateway:
        yield SmsHarness(gateway, tmp_path)


@pytest.fixture
async def wifi(tmp_path: Path) -> AsyncIterator[WifiHarness]:
    harness = MerakiHarness(tmp_path)
    async with harness.gateway:
        yield harness


@pytest.fixture
async def unifi(tmp_path: Path) -> AsyncIterator[UnifiHarness]:
    harness = UnifiHarness(tmp_path)
    async with harness.gateway:
        yield harness


async def test_every_request_to_twilio_is_one_that_twilio_describes(voice: VoiceHarness) -> None:
    requests = await _used_by_voice(voice)
    assert {(request.method, urlsplit(request.target).path) for request in requests} == {
        ("POST", CALLS),
        ("GET", CALLS),
        ("GET", f"/2010-04-01/Accounts/{ACCOUNT}/Balance.json"),
    }
    for request in requests:
        description(TWILIO).validate_request(described(request, TWILIO))


async def test_every_field_of_a_call_is_twilios(voice: VoiceHarness) -> None:
    known = _schema(TWILIO, "/2010-04-01/Accounts/{AccountSid}/Calls.json", "post")["properties"]
    for request in await _used_by_voice(voice):
        assert parse_qs(request.body.decode()).keys() <= known.keys()
        assert parse_qs(urlsplit(request.target).query).keys() <= {"To", "From", "PageSize"}


async def test_the_simulated_twilio_answers_as_twilio_describes(voice: VoiceHarness) -> None:
    requests = await _used_by_voice(voice)
    assert await _answers_are_described(voice.gateway.url, requests, TWILIO) == {200, 201}


@pytest.mark.parametrize("missing", ["To", "From"])
async def test_what_twilio_must_have_the_simulated_twilio_asks_for_too(
    voice: VoiceHarness, missing: str
) -> None:
    (made, *_) = [request for request in await _used_by_voice(voice) if request.method == "POST"]
    fields = [(name, value) for name, value in parse_qsl(made.body.decode()) if name != missing]
    request = replace(made, body=urlencode(fields).encode())
    with pytest.raises(OpenAPIError):
        description(TWILIO).validate_request(described(request, TWILIO))
    answer = await repeat(voice.gateway.url, request)
    assert answer.status == 400
    assert json.loads(answer.body).keys() == {"code", "message", "more_info", "status"}


async def test_every_request_for_a_message_is_one_that_twilio_describes(sms: SmsHarness) -> None:
    known = _schema(TWILIO, "/2010-04-01/Accounts/{AccountSid}/Messages.json", "post")["properties"]
    requests = await _used_by_sms(sms)
    assert {(request.method, urlsplit(request.target).path) for request in requests} == {
        ("POST", MESSAGES),
        ("GET", MESSAGES),
        ("GET", f"/2010-04-01/Accounts/{ACCOUNT}/Balance.json"),
    }
    for request in requests:
        description(TWILIO).validate_request(described(request, TWILIO))
        assert parse_qs(request.body.decode()).keys() <= known.keys()
        assert parse_qs(urlsplit(request.target).query).keys() <= {"To", "PageSize"}


async def test_the_simulated_messages_are_answered_as_twilio_describes(sms: SmsHarness) -> None:
    requests = await _used_by_sms(sms)
    assert await _answers_are_described(sms.gateway.url, requests, TWILIO) == {200, 201}


@pytest.mark.parametrize("missing", ["To", "From", "Body"])
async def test_what_a_message_must_have_the_simulated_twilio_asks_for_too(
    sms: SmsHarness, missing: str
) -> None:
    (made, *_) = [request for request in await _used_by_sms(sms) if request.method == "POST"]
    fields = [(name, value) for name, value in parse_qsl(made.body.decode()) if name != missing]
    answer = await repeat(sms.gateway.url, replace(made, body=urlencode(fields).encode()))
    assert answer.status == 400
    assert json.loads(answer.body).keys() == {"code", "message", "more_info", "status"}


@pytest.mark.parametrize(("fault", "status"), [("credentials", 401), ("throttle", 429), ("down", 503)])
async def test_twilios_refusals_have_its_status_and_its_form(
    sms: SmsHarness, fault: str, status: int
) -> None:
    (made, *_) = [request for request in await _used_by_sms(sms) if request.method == "POST"]
    setattr(sms.faults, fault, True)
    answer = await repeat(sms.gateway.url, made)
    assert (answer.status, json.loads(answer.body)["status"]) == (status, status)


async def test_every_request_to_meraki_is_one_that_meraki_describes(wifi: WifiHarness) -> None:
    requests = await _used_by_wifi(wifi)
    assert {request.method for request in requests} == {"GET", "PUT"}
    for request in requests:
        description(MERAKI).validate_request(described(request, MERAKI))


async def test_every_field_of_an_ssid_is_merakis(wifi: WifiHarness) -> None:
    known = _schema(MERAKI, "/networks/{networkId}/wireless/ssids/{number}", "put")["properties"]
    bodies = [json.loads(request.body) for request in await _used_by_wifi(wifi) if request.method == "PUT"]
    assert any("psk" in body for body in bodies)
    for body in bodies:
        assert body.keys() <= known.keys()


async def test_the_simulated_meraki_answers_as_meraki_describes(wifi: WifiHarness) -> None:
    requests = await _used_by_wifi(wifi)
    organisations = Request(
        at=NOW, method="GET", target="/api/v1/organizations", headers=requests[0].headers, body=b""
    )
    assert await _answers_are_described(wifi.gateway.url, [*requests, organisations], MERAKI) == {200}


async def test_every_request_to_unifi_is_one_that_unifi_describes(unifi: UnifiHarness) -> None:
    requests = await _used_by_wifi(unifi)
    assert {request.method for request in requests} == {"GET", "PUT"}
    for request in requests:
        description(UNIFI).validate_request(described(request, UNIFI))


async def test_every_field_of_a_broadcast_is_unifis(unifi: UnifiHarness) -> None:
    description = json.loads((THEIRS / UNIFI.description).read_bytes())
    schemas = description["components"]["schemas"]
    common = schemas["Wifi_broadcast_create_or_update"]
    own = schemas["IntegrationStandardWifiBroadcastCreateUpdateDto"]
    known = common["properties"].keys() | own["allOf"][1]["properties"].keys()
    bodies = [json.loads(request.body) for request in await _used_by_wifi(unifi) if request.method == "PUT"]
    assert any("passphrase" in body["securityConfiguration"] for body in bodies)
    for body in bodies:
        assert {*common["required"], *own["required"]} <= body.keys() <= known


async def test_the_simulated_unifi_answers_as_unifi_describes(unifi: UnifiHarness) -> None:
    requests = await _used_by_wifi(unifi)
    assert await _answers_are_described(unifi.gateway.url, requests, UNIFI) == {200}


async def test_what_unifi_must_have_the_simulated_unifi_asks_for_too(unifi: UnifiHarness) -> None:
    (put, *_) = [request for request in await _used_by_wifi(unifi) if request.method == "PUT"]
    body = json.loads(put.body)
    del body["hideName"]
    request = replace(put, body=json.dumps(body).encode())
    with pytest.raises(OpenAPIError):
        description(UNIFI).validate_request(described(request, UNIFI))
    assert (await repeat(unifi.gateway.url, request)).status == 400


async def _used_by_voice(voice: VoiceHarness) -> list[Request]:
    """Everything the connector asks of Twilio, in two languages, a look for an earlier call included."""
    async with opened(voice) as channel:
        for language in (Language.JA, Language.EN):
            await send(channel, parcel(voice.recipients(2), language=language))
        await send(channel, parcel(voice.recipients(3), attempt=2, resend=True))
        await channel.probe()
    return [request for request in voice.gateway.requests if request.target not in TWILIO.beyond]


async def _used_by_sms(sms: SmsHarness) -> list[Request]:
    """Everything the connector asks of Twilio, a look for an earlier message included."""
    async with opened(sms) as channel:
        await send(channel, parcel(sms.recipients(2)))
        await send(channel, parcel(sms.recipients(3), attempt=2, resend=True))
        await channel.probe()
    return [request for request in sms.gateway.requests if request.target not in TWILIO.beyond]


async def _used_by_wifi(wifi: WifiHarness) -> list[Request]:
    """Everything the connector asks of a vendor: opening, putting back, an SSID with a key, a probe."""
    wifi.facilities = (wifi.facility(REFS[0], psk_file=wifi.psk_file), wifi.facility(REFS[1]))
    wifi.lock(REFS[0])
    connector = wifi.wifi()
    await connector.open()
    await send(connector, parcel(wifi.recipients(2)))
    await Reconciler(connector, _nothing, clock=lambda: NOW).run_once()
    await connector.probe()
    await connector.close()
    return wifi.gateway.requests


async def _nothing() -> Wanted:
    return Wanted()


async def _answers_are_described(url: str, requests: Sequence[Request], provider: Provider) -> set[int]:
    """Ask the gateway once more for all of it, and compare each answer; the statuses that came."""
    statuses = set()
    for request in list(requests):
        answer = await repeat(url, request)
        description(provider).validate_response(described(request, provider), answer.response)
        statuses.add(answer.status)
    return statuses


@cache
def _schema(provider: Provider, path: str, method: str) -> Any:
    """Of a request's body, whatever its media type."""
    description = json.loads((THEIRS / provider.description).read_bytes())
    (content,) = description["paths"][path][method]["requestBody"]["content"].values()
    return content["schema"]
