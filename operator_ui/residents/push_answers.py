"""What a page's script or a service worker is answered that sends something: 204, or what is wrong in one word."""

from collections.abc import Awaitable, Callable

import structlog
from aiohttp import hdrs, web
from sqlalchemy.exc import SQLAlchemyError

from hub.errors import Forbidden, HubError
from hub.ledger import trouble
from operator_ui.allowance import Allowance
from operator_ui.residents.portal import Residents
from operator_ui.residents.push_form import LIMIT_BYTES, Unusable

log = structlog.get_logger(__name__)

PER_S, AT_ONCE = 0.5, 60
"""From one address: a class of pupils may stand behind it."""


class PushAnswers:
    def __init__(self, portal: Residents) -> None:
        self._portal = portal
        self._allowance = Allowance(clock=portal.clock, per_s=PER_S, at_once=AT_ONCE)

    async def answered(self, request: web.Request, work: Callable[[bytes], Awaitable[None]]) -> web.Response:
        """`work` gets what was sent: JSON, which no page of another site may send unasked."""
        if request.content_type != "application/json" or (request.content_length or 0) > LIMIT_BYTES:
            raise web.HTTPBadRequest
        if wait_s := self._allowance.wait_s(self._portal.senders.one(request)):
            return _problem(429, "often", wait_s)
        body = await request.content.read(LIMIT_BYTES + 1)
        try:
            await work(body)
        except Unusable as e:
            return _problem(400, e.problem)
        except Forbidden:
            return _problem(403, "old")
        except HubError as e:
            log.warning("a browser could not be registered", reason=type(e).__name__)
            return _problem(503, "away", 60)
        except SQLAlchemyError as e:
            if not trouble.is_away(e):
                raise
            log.warning("a browser could not be registered: the database is away")
            return _problem(503, "away", 60)
        return web.Response(status=204)


def _problem(status: int, problem: str, wait_s: int | None = None) -> web.Response:
    headers = {hdrs.RETRY_AFTER: str(wait_s)} if wait_s else {}
    return web.json_response({"problem": problem}, status=status, headers=headers)
