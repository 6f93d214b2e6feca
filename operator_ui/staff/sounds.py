"""What loudspeakers will say, to be listened to before it is sent."""

from aiohttp import web

from hub.authorise import Action, authorise
from operator_ui.staff.console import ACTOR, CONSOLE

PATH = r"/sounds/{name:[0-9a-f]{64}}.wav"


def routes() -> list[web.RouteDef]:
    return [web.get(PATH, listen)]


async def listen(request: web.Request) -> web.Response:
    """Named after what is in it, so a browser may keep it."""
    authorise(request[ACTOR], Action.VIEW)
    file = request.app[CONSOLE].sound(request.match_info["name"])
    if file is None:
        raise web.HTTPNotFound
    return web.Response(
        body=file, content_type="audio/wav", headers={"Cache-Control": "private, max-age=3600, immutable"}
    )
