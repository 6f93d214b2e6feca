"""How each provider words an error, where its own API description is silent or leaves a status out."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Wording(NamedTuple):
    """`source`: where it is written. `headers`: by status, those that come with it."""

    source: str
    schema: Mapping[str, Any]
    content: str = "application/json"
    headers: Mapping[str, tuple[str, ...]] = {}


TEXT = {"type": "string", "minLength": 1}
NUMBER = {"type": "integer"}


def an_object(**fields: Any) -> Mapping[str, Any]:
    """All of these are there."""
    return {"type": "object", "required": list(fields), "properties": fields}


ERRORS: Mapping[str, Wording] = {
    "line": Wording(
        source="https://developers.line.biz/en/reference/messaging-api/#error-responses",
        schema={
            **an_object(message=TEXT),
            "properties": {
                "message": TEXT,
                "details": {"type": "array", "minItems": 1, "items": {"type": "object"}},
            },
        },
        # https://developers.line.biz/en/docs/messaging-api/retrying-api-request/
        headers={"409": ("x-line-accepted-request-id",)},
    ),
    "x": Wording(
        source="https://docs.x.com/x-api/fundamentals/response-codes-and-errors",
        content="application/problem+json",
        schema=an_object(type=TEXT, title=TEXT, detail=TEXT, status=NUMBER),
        # https://docs.x.com/x-api/fundamentals/rate-limits
        headers={"429": ("x-rate-limit-limit", "x-rate-limit-remaining", "x-rate-limit-reset")},
    ),
    "twilio": Wording(
        source="https://www.twilio.com/docs/usage/twilios-response",
        schema=an_object(
            code={"type": "integer", "minimum": 10_000},
            message=TEXT,
            more_info={"type": "string", "pattern": r"^https://www\.twilio\.com/docs/errors/[0-9]+$"},
            status=NUMBER,
        ),
    ),
    "meraki": Wording(
        source="https://developer.cisco.com/meraki/api-v1/errors/",
        schema=an_object(errors={"type": "array", "minItems": 1, "items": TEXT}),
        # https://developer.cisco.com/meraki/api-v1/rate-limit/
        headers={"429": ("Retry-After",)},
    ),
    "unifi": Wording(
        source="the console's own reference: UniFi Network, Integrations, Error Handling",
        schema=an_object(
            statusCode=NUMBER,
            statusName={"type": "string", "pattern": "^[A-Z_]+$"},
            message=TEXT,
            timestamp={"type": "string", "format": "date-time"},
            requestPath={"type": "string", "pattern": "^/"},
            requestId={"type": "string", "format": "uuid"},
        ),
    ),
    "openwrt": Wording(
        source="a page of uhttpd's, or of a proxy in front of the device: "
        "https://openwrt.org/docs/guide-user/services/webserver/uhttpd",
        content="text/plain",
        schema=TEXT,
    ),
    "wordpress": Wording(
        source="https://developer.wordpress.org/reference/functions/rest_convert_error_to_response/",
        schema=an_object(code=TEXT, message=TEXT, data=an_object(status=NUMBER)),
    ),
    "webpush": Wording(
        source="https://mozilla-services.github.io/autopush-rs/errors.html",
        schema=an_object(code=NUMBER, errno=NUMBER, error=TEXT, message={"type": "string"}, more_info=TEXT),
        headers={"429": ("Retry-After",)},  # RFC 8030 §8.4
    ),
    "webhook": Wording(
        source="a body of any kind: "
        "https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md",
        content="text/plain",
        schema={"type": "string"},
    ),
}
