"""One reader of the residents' page, in a process of its own: `python -m yobikake.bench.page_watcher URL`.

It holds the event stream open; whatever it hears of, it fetches the part of the page that changes, and notes how many
people stand there at each site, and when. Says `ready` once it has the page, and at the end of its input everything
it saw (`Seen`). Times are of the clock that all processes of a machine share.
"""

import asyncio
import re
import sys
from contextlib import suppress
from time import monotonic

import aiohttp
import msgspec

READY = "ready"
PART = "/ja/?part"

_SITE = re.compile(r'<li class="site .*?</li>', re.DOTALL)
_PLACE = re.compile(r'data-at="([^"]+)"')
_PEOPLE = re.compile(r"(?:\d+人中|いま)(\d+)人")


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """`people`: by the site's place, as the page has it."""

    at: float
    people: dict[str, int]


async def watch(url: str) -> list[Seen]:
    seen: list[Seen] = []
    heard = asyncio.Event()
    async with aiohttp.ClientSession(url, timeout=aiohttp.ClientTimeout(total=None)) as session:
        tasks = [
            asyncio.create_task(_listen(session, heard)),
            asyncio.create_task(_read(session, heard, seen)),
        ]
        await asyncio.to_thread(sys.stdin.read)
        for task in tasks:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks)
    return seen


async def _listen(session: aiohttp.ClientSession, heard: asyncio.Event) -> None:
    async with session.get("/events", headers={"Accept": "text/event-stream"}) as stream:
        async for line in stream.content:
            if line.startswith(b"data: "):
                heard.set()


async def _read(session: aiohttp.ClientSession, heard: asyncio.Event, seen: list[Seen]) -> None:
    while True:
        await heard.wait()
        heard.clear()
        async with session.get(PART) as answer:
            page = await answer.text()
        seen.append(Seen(at=monotonic(), people=_people(page)))
        if len(seen) == 1:
            print(READY, flush=True)


def _people(page: str) -> dict[str, int]:
    found = {}
    for site in _SITE.findall(page):
        place, people = _PLACE.search(site), _PEOPLE.search(site)
        if place and people:
            found[place[1]] = int(people[1])
    return found


def main() -> None:
    print(msgspec.json.encode(asyncio.run(watch(sys.argv[1]))).decode(), flush=True)


if __name__ == "__main__":
    main()
