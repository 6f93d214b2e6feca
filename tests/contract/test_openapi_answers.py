"""Every answer of every simulated gateway, before the provider's own API description and before ours.

What a connector makes of the same answers is in the channel suite (`test_every_answer_means_what_is_written`).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from openapi_core.exceptions import OpenAPIError
from openapi_core.templating.responses.exceptions import ResponseNotFound

from hub.testing.answers import HTTP
from hub.testing.channel_harness import opened, send
from hub.testing.parcels import parcel
from tests.contract.described import PROVIDERS, described, description, error_text, needs_theirs, repeat
from tests.contract.every_connector import OVER_HTTP
from tests.contract.gateways import OfHttp
from yobikake.rehearsal.http import Request

STATUSES = sorted(int(answer) for answer in HTTP if answer.isdecimal())
DESCRIBED = {
    "line": {400, 403, 409, 429},
    "sms": set(),
    "voice": set(),
    "meraki": set(),
    "unifi": set(),
    "x": set(STATUSES),
}
"""The errors that the providers' own descriptions have, of what a connector asks for."""
OURS = [name for name, harness in OVER_HTTP.items() if PROVIDERS[harness.provider].ours]

pytestmark = pytest.mark.filterwarnings("ignore:Unsupported scheme type:UserWarning")


@asynccontextmanager
async def asked(name: str, folder: Path) -> AsyncIterator[tuple[OfHttp, Request]]:
    """A gateway that was asked for what its connector asks for, and that request."""
    harness = OVER_HTTP[name].in_folder(folder)
    async with harness.gateway:
        async with opened(harness) as channel:
            await send(channel, parcel(harness.recipients(1)))
        requests = harness.gateway.requests
        yield harness, next(each for each in requests if harness.gateway.asks(each.method, each.body))


@pytest.mark.parametrize("name", OVER_HTTP)
async def test_every_error_is_worded_as_the_provider_words_it(name: str, tmp_path: Path) -> None:
    async with asked(name, tmp_path) as (harness, request):
        for status in STATUSES:
            harness.answer_with(str(status))
            answer = await repeat(harness.gateway.url, request)
            assert answer.status == status
            text = error_text(harness.provider, request, status)
            asking = replace_host(described(request, PROVIDERS[harness.provider]), request)
            text.validate_response(asking, answer.response)
            with pytest.raises(OpenAPIError):
                text.validate_response(asking, answer._replace(headers={}, body=b"").response)


@needs_theirs
@pytest.mark.parametrize("name", DESCRIBED)
async def test_every_error_that_the_provider_describes_is_as_described(name: str, tmp_path: Path) -> None:
    found = set()
    async with asked(name, tmp_path) as (harness, request):
        provider = PROVIDERS[harness.provider]
        for status in STATUSES:
            harness.answer_with(str(status))
            answer = await repeat(harness.gateway.url, request)
            errors = list(
                description(provider).iter_response_errors(described(request, provider), answer.response)
            )
            if not any(isinstance(error, ResponseNotFound) for error in errors):
                found.add(status)
                assert not errors
    assert found == DESCRIBED[name]


@pytest.mark.parametrize("name", OURS)
async def test_what_is_asked_and_done_is_as_we_describe_it(name: str, tmp_path: Path) -> None:
    harness = OVER_HTTP[name].in_folder(tmp_path)
    provider = PROVIDERS[harness.provider]
    async with harness.gateway:
        async with opened(harness) as channel:
            for resend in (False, True):
                await send(channel, parcel(harness.recipients(1), attempt=1 + resend, resend=resend))
            await channel.probe()
        asked = list(harness.gateway.requests)
        for request in asked:
            description(provider).validate_request(described(request, provider))
            answer = await repeat(harness.gateway.url, request)
            description(provider).validate_response(described(request, provider), answer.response)
    assert len(asked) >= 3


def replace_host(asking: object, request: Request) -> object:
    """At our own text, paths are as they were asked for."""
    asking.path = request.target.partition("?")[0]
    return asking
