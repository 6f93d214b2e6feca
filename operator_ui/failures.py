"""Errors as pages: what went wrong and what to do, in the reader's language; as JSON for a script."""

from typing import Protocol
from uuid import uuid4

import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from hub.errors import BadInput, Conflict, DatabaseAway, DiskFull, Forbidden, HubError, Refused
from hub.ledger import trouble

log = structlog.get_logger(__name__)

STATUS: dict[type[HubError], int] = {
    BadInput: 400,
    Forbidden: 403,
    Conflict: 409,
    DiskFull: 507,
    Refused: 409,
    DatabaseAway: 503,
}


class Render(Protocol):
    def __call__(
        self, request: web.Request, template: str, *, status: int = 200, **values: object
    ) -> web.Response: ...


def failures(render: Render) -> Middleware:
    """Turns what a handler raises into `error.html`. Redirects pass.

    Where a page is only looked at, the address is the input: a wrong one is a page that is not there.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            with trouble.told():
                return await handler(request)
        except web.HTTPException as e:
            if e.status < 400:
                raise
            return _answer(render, request, status=e.status)
        except HubError as e:
            missing = isinstance(e, BadInput) and request.method in ("GET", "HEAD")
            return _answer(render, request, status=404 if missing else status_of(e), error=e)
        except Exception:
            reference = uuid4().hex[:8]
            log.exception("a page failed", path=request.path, reference=reference)
            return _answer(render, request, status=500, reference=reference)

    return middleware


def status_of(error: HubError) -> int:
    return next((status for kind, status in STATUS.items() if isinstance(error, kind)), 500)


def wants_json(request: web.Request) -> bool:
    """Whether a script asks, not a person."""
    return "application/json" in request.headers.get(hdrs.ACCEPT, "")


def _answer(
    render: Render,
    request: web.Request,
    *,
    status: int,
    error: HubError | None = None,
    reference: str = "",
) -> web.Response:
    if wants_json(request):
        return web.json_response(
            {"error": error.message if error else "", "reference": reference}, status=status
        )
    return render(request, "error.html", status=status, code=status, error=error, reference=reference)
