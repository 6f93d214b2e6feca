"""Written once a change, whoever asks and however many; what cannot be written anew says how old it is, and ends."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from hub.background import Background
from operator_ui.residents.answer import answer
from operator_ui.residents.document import Edition, Written
from operator_ui.residents.shelf import KEPT_FOR, Shelf
from tests.unit.residents.portal_setup import NOW

MINUTE = timedelta(minutes=1)


class Desk:
    """A shelf with a clock, and how often something was written for it."""

    def __init__(self) -> None:
        self.background = Background()
        self.now = NOW
        self.shelf = Shelf(self.background, lambda: self.now)
        self.written = 0
        self.fails = False
        self.until = NOW + timedelta(hours=3)
        self.gate = asyncio.Event()
        self.gate.set()

    async def get(self, version: str = "one", at: datetime = NOW, text: str = "") -> bytes:
        async def write() -> Callable[[], Written]:
            await self.gate.wait()
            return lambda: self._write(text or version)

        found = await self.shelf.get(Edition(version, at.replace(second=0)), at, "page", write)
        return found.written.body

    def _write(self, text: str) -> Written:
        self.written += 1
        if self.fails:
            raise ValueError("no such filter")
        return Written(
            body=f"<!--stuck-->{text}".encode(), content_type="text/html", until=self.until, stuck=b"OLD "
        )


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    made = Desk()
    yield made
    made.gate.set()
    await made.background.finish(1)
    made.shelf.close()


async def test_five_thousand_at_once_have_it_written_once(desk: Desk) -> None:
    found = await asyncio.gather(*(desk.get() for _ in range(5_000)))
    assert set(found) == {b"<!--stuck-->one"}
    assert desk.written == 1


async def test_another_version_is_waited_for_and_another_minute_is_not(desk: Desk) -> None:
    await desk.get("one", text="first")
    desk.gate.clear()
    asked = asyncio.create_task(desk.get("one", NOW + MINUTE, text="a minute later"))
    assert await asked == b"<!--stuck-->first"
    later = asyncio.create_task(desk.get("two", NOW + MINUTE, text="second"))
    await asyncio.sleep(0)
    assert not later.done()
    desk.gate.set()
    assert await later == b"<!--stuck-->second"


async def test_counts_that_change_while_it_is_written_do_not_queue_up(desk: Desk) -> None:
    await desk.get("alert-1")
    desk.gate.clear()
    asked = [asyncio.create_task(desk.get(f"alert-{number}")) for number in range(2, 60)]
    await asyncio.sleep(0)
    desk.gate.set()
    assert {*await asyncio.gather(*asked)} == {b"<!--stuck-->alert-2"}
    assert desk.written == 2
    assert await desk.get("alert-60") == b"<!--stuck-->alert-60", "nothing is written: then the newest is"
    assert await desk.get("lifted-60") == b"<!--stuck-->lifted-60"


async def test_what_was_written_late_never_replaces_what_is_newer(desk: Desk) -> None:
    desk.gate.clear()
    early = asyncio.create_task(desk.get("one", NOW))
    await asyncio.sleep(0)
    late = asyncio.create_task(desk.get("two", NOW + timedelta(seconds=2)))
    await asyncio.sleep(0)
    desk.gate.set()
    assert await late == b"<!--stuck-->two"
    assert await early in (b"<!--stuck-->one", b"<!--stuck-->two")
    assert await desk.get("two", NOW + timedelta(seconds=2)) == b"<!--stuck-->two"
    assert desk.written == 2


async def test_what_cannot_be_written_anew_stays_for_a_while_and_says_so(desk: Desk) -> None:
    await desk.get("one")
    desk.fails = True
    desk.now += MINUTE
    assert await desk.get("two", desk.now) == b"OLD one"
    assert await desk.get("two", desk.now) == b"OLD one"
    assert desk.written == 2, "a failure is not repeated by every reader"
    desk.now = NOW + KEPT_FOR + timedelta(seconds=1)
    with pytest.raises(web.HTTPInternalServerError):
        await desk.get("two", desk.now)


async def test_nothing_is_kept_past_the_end_of_what_it_says(desk: Desk) -> None:
    desk.until = NOW + MINUTE
    await desk.get("one")
    desk.fails = True
    desk.now += MINUTE
    with pytest.raises(web.HTTPInternalServerError):
        await desk.get("two", desk.now)


async def test_each_encoding_has_a_strong_tag_of_its_own(desk: Desk) -> None:
    async def write() -> Callable[[], Written]:
        return lambda: Written(body=b"text", content_type="text/html", until=desk.until)

    built = await desk.shelf.get(Edition("one", NOW), NOW, "tagged", write)

    def ask(**headers: str) -> web.Response:
        return answer(
            make_mocked_request("GET", "/", {k.replace("_", "-"): v for k, v in headers.items()}), built
        )

    plain, zipped = ask(), ask(Accept_Encoding="gzip")
    assert plain.body == b"text"
    assert gzip.decompress(bytes(zipped.body)) == b"text"  # type: ignore[arg-type]
    tags = plain.headers["ETag"], zipped.headers["ETag"]
    assert len(set(tags)) == 2
    assert not any(tag.startswith("W/") for tag in tags)
    assert ask(If_None_Match=tags[0]).status == 304
    assert ask(If_None_Match=tags[1]).status == 200
    assert ask(If_None_Match=f"W/{tags[1]}", Accept_Encoding="gzip").status == 304
    assert ask(If_None_Match=tags[0]).headers["Vary"] == "Accept-Encoding"


async def test_there_may_be_no_such_document(desk: Desk) -> None:
    async def nothing() -> None:
        return None

    with pytest.raises(web.HTTPNotFound):
        await desk.shelf.get(Edition("one", NOW), NOW, "none", nothing)
