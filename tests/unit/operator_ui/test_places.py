"""How many streams may be open at once."""

from contextlib import ExitStack

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from hub.background import Background
from operator_ui import changes
from operator_ui.changes import Changes
from operator_ui.places import Full, Places


def test_one_address_has_its_share_and_all_have_the_total() -> None:
    places = Places(total=3, of_one=2)
    with ExitStack() as taken:
        for _ in range(2):
            taken.enter_context(places.take("a"))
        with pytest.raises(Full), places.take("a"):
            pass
        taken.enter_context(places.take("b"))
        with pytest.raises(Full), places.take("c"):
            pass
    with places.take("a"), places.take("a"):
        pass


def test_an_address_that_stands_for_many_counts_in_the_total_only() -> None:
    places = Places(total=3, of_one=1)
    with places.take(None), places.take(None), places.take(None), pytest.raises(Full), places.take(None):
        pass


async def test_a_stream_too_many_is_asked_to_come_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(changes, "MOST_STREAMS", 2)

    async def look(_subject: str) -> bytes:
        return b"always the same"

    background = Background()
    watched = Changes(look, background)

    async def handler(request: web.Request) -> web.StreamResponse:
        return await watched.stream(request, "anything")

    app = web.Application()
    app.router.add_get("/", handler)
    app.on_shutdown.append(watched.close)
    async with (
        TestServer(app) as server,
        ClientSession(server.make_url("/")) as session,
        session.get("/") as one,
        session.get("/") as two,
        session.get("/") as three,
    ):
        assert [each.status for each in (one, two, three)] == [200, 200, 503]
        assert int(three.headers["Retry-After"]) == changes.RETRY_AFTER_S
    await background.finish(1)
