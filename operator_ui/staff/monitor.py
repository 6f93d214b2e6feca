"""What a monitor outside the hub asks every minute, without signing in: whether each channel is well.

States and times alone: no address, no detail, nothing of any alert. If nothing answers at all, the hub itself is down.
"""

from datetime import datetime

import msgspec
from aiohttp import web

from hub.clock import cap_time
from operator_ui.staff.channel_life import Line, State
from operator_ui.staff.channels_page import lines
from operator_ui.staff.console import CONSOLE

PATH = "/health"
WRONG = frozenset({State.SILENT, State.DEAD, State.MISSED})


class _Channel(msgspec.Struct, frozen=True):
    """`probed`: when it was last asked; `proven`: when something last got through. CAP time, or null: never."""

    state: str
    probed: str | None
    proven: str | None


class _Health(msgspec.Struct, frozen=True):
    at: str
    ok: bool
    channels: dict[str, _Channel]


def routes() -> list[web.RouteDef]:
    return [web.get(PATH, tell)]


async def tell(request: web.Request) -> web.Response:
    """200, or 503 where a channel is silent, dead, or loses its test messages."""
    console = request.app[CONSOLE]
    found = await lines(console)
    ok = all(line.state not in WRONG for line in found)
    said = _Health(cap_time(console.clock()), ok, {line.kind: _channel(line) for line in found})
    return web.Response(
        body=msgspec.json.encode(said),
        status=200 if ok else 503,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


def _channel(line: Line) -> _Channel:
    probed_at = None if line.health is None else line.health.checked_at
    return _Channel(line.state.value, _time(probed_at), _time(line.proven_at))


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else cap_time(moment)
