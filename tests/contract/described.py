"""API descriptions, and what a rehearsal gateway was asked and answered, put before them.

The providers' own are third-party data and not a part of this project: `YOBIKAKE_SHARED` names the folder they are in.
Ours, in `descriptions/`, say the rest.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import pytest
from openapi_core import Config, OpenAPI
from openapi_core.testing import MockRequest, MockResponse

from tests.contract.descriptions.errors import ERRORS
from yobikake.rehearsal.http import Request

SHARED = Path(os.environ.get("YOBIKAKE_SHARED") or Path(__file__).resolve().parents[3] / "shared")
THEIRS = SHARED / "data" / "openapi"
OURS = Path(__file__).parent / "descriptions"
CONFIG = Config(extra_media_type_deserializers={"application/problem+json": json.loads})

needs_theirs = pytest.mark.skipif(
    not THEIRS.is_dir(),
    reason="the providers' API descriptions are not here; YOBIKAKE_SHARED names the folder that has them",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """`beyond`: paths we use that this excerpt of the description leaves out. `behind`: what stands before its paths at
    our gateway, and not in the description."""

    description: str
    host: str = "https://gateway.example"
    beyond: tuple[str, ...] = ()
    behind: str = ""
    ours: bool = False
    """The provider has none of its own: it is in `descriptions/`, and no third-party data is needed."""


class Answered(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def response(self) -> MockResponse:
        kind = self.headers.get("Content-Type", "").partition(";")[0]
        return MockResponse(self.body, self.status, dict(self.headers), kind)


PROVIDERS: Mapping[str, Provider] = {
    "line": Provider(description="messaging-api.yml", host="https://api.line.me"),
    "x": Provider(description="x_api_v2.trim.json", host="https://api.x.com"),
    "twilio": Provider(description="twilio_api_v2010.trim.json", host="https://api.twilio.com"),
    "meraki": Provider(description="meraki_v1_ssid_splash.facts.json", host="https://api.meraki.com"),
    "unifi": Provider(
        description="unifi_network_10.5.66.facts.json", host="https://unifi.example", behind="/proxy/network"
    ),
    "openwrt": Provider(description="openwrt.yml", ours=True),
    "wordpress": Provider(description="wordpress.yml", ours=True),
    "webpush": Provider(description="webpush.yml", ours=True),
    "webhook": Provider(description="webhook.yml", ours=True),
}


@cache
def description(provider: Provider) -> OpenAPI:
    path = (OURS if provider.ours else THEIRS) / provider.description
    if path.suffix == ".yml":
        return OpenAPI.from_file_path(str(path), config=CONFIG)
    description = json.loads(path.read_bytes())
    for server in description["servers"]:
        # openapi-core takes a variable for one segment of a path; Meraki's `api/v1` is two
        for name, variable in server.pop("variables", {}).items():
            server["url"] = server["url"].replace(f"{{{name}}}", variable["default"])
    return OpenAPI.from_dict(description, config=CONFIG)


def described(request: Request, provider: Provider) -> MockRequest:
    """The request as it would have gone to the provider."""
    target = urlsplit(request.target.removeprefix(provider.behind))
    return MockRequest(
        provider.host,
        request.method,
        target.path,
        args=dict(parse_qsl(target.query)),
        headers=dict(request.headers),
        data=request.body,
        content_type=request.headers.get("Content-Type", ""),
    )


def error_text(provider: str, request: Request, status: int) -> OpenAPI:
    """Of this request's path, with its answers of this status, as they are written down for the provider."""
    wording = ERRORS[provider]
    answer = {
        "description": wording.source,
        "content": {wording.content: {"schema": wording.schema}},
        "headers": {
            name: {"required": True, "schema": {"type": "string"}}
            for name in wording.headers.get(str(status), ())
        },
    }
    path = {request.method.lower(): {"responses": {str(status): answer}}}
    description = {
        "openapi": "3.0.3",
        "info": {"title": provider, "version": wording.source},
        "paths": {urlsplit(request.target).path: path},
    }
    return OpenAPI.from_dict(description, config=CONFIG)


async def repeat(url: str, request: Request, **headers: str) -> Answered:
    """Send a recorded request again, with some of its headers changed."""
    kept = {
        name: value for name, value in request.headers.items() if name not in ("Host", "Content-Length")
    } | headers
    async with (
        aiohttp.ClientSession() as session,
        session.request(
            request.method, url + request.target, headers=kept, data=BytesIO(request.body)
        ) as answer,
    ):
        return Answered(answer.status, dict(answer.headers), await answer.read())
