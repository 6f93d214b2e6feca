"""How a simulated LINE answers: JSON, its own sentences, and an id for every request.

https://developers.line.biz/en/reference/messaging-api/#error-responses
"""

from collections.abc import Mapping
from uuid import uuid4

import msgspec
from aiohttp import web

from yobikake.rehearsal.line_messages import Fault


def authorised(request: web.Request) -> bool:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return scheme == "Bearer" and bool(token)


def unauthorised() -> web.Response:
    return error(
        401,
        "Authentication failed due to the following reason: invalid token. "
        "Confirm that the access token in the authorization header is valid.",
    )


def invalid(*faults: Fault) -> web.Response:
    return json_answer(
        {"message": f"The request body has {len(faults)} error(s)", "details": faults},
        status=400,
    )


def error(status: int, message: str) -> web.Response:
    return json_answer({"message": message}, status=status)


def json_answer(body: Mapping[str, object], *, status: int = 200) -> web.Response:
    """As LINE answers: JSON, and an id of its own for every request, repeated or not."""
    return web.Response(
        status=status,
        body=msgspec.json.encode(body),
        content_type="application/json",
        headers={"x-line-request-id": str(uuid4())},
    )
