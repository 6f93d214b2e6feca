"""Voice, SMS, Wi-Fi and their simulated gateways against the providers' own API descriptions."""

import json
import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import aiohttp
import pytest
from openapi_core import OpenAPI
from openapi_core.exceptions import OpenAPIError
from openapi_core.testing import MockRequest, MockResponse

from channels.wifi.reconciler import Reconciler, Wanted
from hub.language import Language
from hub.testing.channel_harness import send
from hub.testing.channel_suite import opened
from hub.testing.parcels import NOW, parcel
from tests.contract.test_channel_sms import SmsHarness
from tests.contract.test_channel_voice import ACCOUNT, TOKEN, VoiceHarness
from tests.contract.wifi_vendors import REFS, MerakiHarness, UnifiHarness, WifiHarness
from yobikake.rehearsal.http import Request
from yobikake.rehearsal.inbox import Inbox
from yobikake.rehearsal.twilio import TwilioGateway
from yobikake.rehearsal.twilio_messages import TwilioMessages

SHARED = Path(os.environ.get("YOBIKAKE_SHARED") or Path(__file__).resolve().parents[3] / "shared")
DESCRIPTIONS = SHARED / "data" / "openapi"


class Provider(NamedTuple):
    """`beyond`: paths we use that this excerpt of the description leaves out."""

    description: str
    host: str
    beyond: tuple[str, ...] = ()


TWILIO = Provider(
    "twilio_api_v2010.trim.json", "https://api.twilio.com", (f"/2010-04-01/Accounts/{ACCOUNT}.json",)
)
MERAKI = Provider("meraki_v1_ssid_splash.facts.json", "https://api.meraki.com")
UNIFI = Provider("unifi_network_10.5.66.facts.json", "https://unifi.example")
CALLS = f"/2010-04-01/Accounts/{ACCOUNT}/Calls.json"
MESSAGES = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"

pytestmark = pytest.mark.skipif(
    not DESCRIPTIONS.is_dir(),
    reason="the providers' API descriptions are not here; YOBIKAKE_SHARED names the folder that has them",
)


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
        _description(TWILIO).validate_request(_described(request, TWILIO))


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
        _description(TWILIO).validate_request(_described(request, TWILIO))
    status, _, answer = await _repeat(voice.gateway.url, request)
    assert status == 400
    assert json.loads(answer).keys() == {"code", "message", "more_info", "status"}


async def test_every_request_for_a_message_is_one_that_twilio_describes(sms: SmsHarness) -> None:
    known = _schema(TWILIO, "/2010-04-01/Accounts/{AccountSid}/Messages.json", "post")["properties"]
    requests = await _used_by_sms(sms)
    assert {(request.method, urlsplit(request.target).path) for request in requests} == {
        ("POST", MESSAGES),
        ("GET", MESSAGES),
        ("GET", f"/2010-04-01/Accounts/{ACCOUNT}/Balance.json"),
    }
    for request in requests:
        _description(TWILIO).validate_request(_described(request, TWILIO))
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
    status, _, answer = await _repeat(sms.gateway.url, replace(made, body=urlencode(fields).encode()))
    assert status == 400
    assert json.loads(answer).keys() == {"code", "message", "more_info", "status"}


@pytest.mark.parametrize(("fault", "status"), [("credentials", 401), ("throttle", 429), ("down", 503)])
async def test_twilios_refusals_have_its_status_and_its_form(
    sms: SmsHarness, fault: str, status: int
) -> None:
    (made, *_) = [request for request in await _used_by_sms(sms) if request.method == "POST"]
    setattr(sms.faults, fault, True)
    answered, _, answer = await _repeat(sms.gateway.url, made)
    assert (answered, json.loads(answer)["status"]) == (status, status)


async def test_every_request_to_meraki_is_one_that_meraki_describes(wifi: WifiHarness) -> None:
    requests = await _used_by_wifi(wifi)
    assert {request.method for request in requests} == {"GET", "PUT"}
    for request in requests:
        _description(MERAKI).validate_request(_described(request, MERAKI))


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
        _description(UNIFI).validate_request(_described(_behind_proxy(request), UNIFI))


async def test_every_field_of_a_broadcast_is_unifis(unifi: UnifiHarness) -> None:
    description = json.loads((DESCRIPTIONS / UNIFI.description).read_bytes())
    schemas = description["components"]["schemas"]
    common = schemas["Wifi_broadcast_create_or_update"]
    own = schemas["IntegrationStandardWifiBroadcastCreateUpdateDto"]
    known = common["properties"].keys() | own["allOf"][1]["properties"].keys()
    bodies = [json.loads(request.body) for request in await _used_by_wifi(unifi) if request.method == "PUT"]
    assert any("passphrase" in body["securityConfiguration"] for body in bodies)
    for body in bodies:
        assert {*common["required"], *own["required"]} <= body.keys() <= known


async def test_the_simulated_unifi_answers_as_unifi_describes(unifi: UnifiHarness) -> None:
    requests = [_behind_proxy(request) for request in await _used_by_wifi(unifi)]
    url = unifi.gateway.url + "/proxy/network"
    assert await _answers_are_described(url, requests, UNIFI) == {200}


async def test_what_unifi_must_have_the_simulated_unifi_asks_for_too(unifi: UnifiHarness) -> None:
    (put, *_) = [request for request in await _used_by_wifi(unifi) if request.method == "PUT"]
    body = json.loads(put.body)
    del body["hideName"]
    request = replace(put, body=json.dumps(body).encode())
    with pytest.raises(OpenAPIError):
        _description(UNIFI).validate_request(_described(_behind_proxy(request), UNIFI))
    status, _, _ = await _repeat(unifi.gateway.url, request)
    assert status == 400


def _behind_proxy(request: Request) -> Request:
    """UniFi's description begins behind the console's proxy."""
    return replace(request, target=request.target.removeprefix("/proxy/network"))


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
        status, headers, body = await _repeat(url, request)
        response = MockResponse(body, status, headers, headers["Content-Type"].partition(";")[0])
        _description(provider).validate_response(_described(request, provider), response)
        statuses.add(status)
    return statuses


async def _repeat(url: str, request: Request) -> tuple[int, dict[str, str], bytes]:
    headers = {
        name: value for name, value in request.headers.items() if name not in ("Host", "Content-Length")
    }
    async with (
        aiohttp.ClientSession() as session,
        session.request(request.method, url + request.target, headers=headers, data=request.body) as answer,
    ):
        return answer.status, dict(answer.headers), await answer.read()


def _described(request: Request, provider: Provider) -> Any:
    """The request as it would have gone to the provider."""
    target = urlsplit(request.target)
    return MockRequest(
        provider.host,
        request.method,
        target.path,
        args=dict(parse_qsl(target.query)),
        headers=dict(request.headers),
        data=request.body,
        content_type=request.headers.get("Content-Type", ""),
    )


@cache
def _description(provider: Provider) -> OpenAPI:
    description = json.loads((DESCRIPTIONS / provider.description).read_bytes())
    for server in description["servers"]:
        # openapi-core takes a variable for one segment of a path; Meraki's `api/v1` is two
        for name, variable in server.pop("variables", {}).items():
            server["url"] = server["url"].replace(f"{{{name}}}", variable["default"])
    return OpenAPI.from_dict(description)


@cache
def _schema(provider: Provider, path: str, method: str) -> Any:
    """Of a request's body, whatever its media type."""
    description = json.loads((DESCRIPTIONS / provider.description).read_bytes())
    (content,) = description["paths"][path][method]["requestBody"]["content"].values()
    return content["schema"]
