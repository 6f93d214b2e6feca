"""What a facility's box does every minute, by a real shell and a real curl, against a city that comes and goes."""

import asyncio
import fcntl
import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web

from config import folder
from hub.language import Language

HANG_S = 60
BOOT = Path("/proc/sys/kernel/random/boot_id")

_LACKING = [each for each in ("curl", "flock") if shutil.which(each) is None or not BOOT.exists()]
pytestmark = pytest.mark.skipif(
    bool(_LACKING), reason="a box has Linux, curl and flock, this machine has not"
)


@dataclass(slots=True)
class City:
    """What the residents' pages answer."""

    text: str = "<p>level 4</p></html>"
    status: int = 200
    url: str = ""
    asked: list[str] = field(default_factory=list)
    unchanged: int = 0

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        tag = f'"{hash((request.path, self.text))}"'
        if self.status == 200 and request.headers.get("If-None-Match") == tag:
            self.unchanged += 1
            return web.Response(status=304, headers={"ETag": tag})
        return web.Response(
            status=self.status, text=request.path + self.text, content_type="text/html", headers={"ETag": tag}
        )


@pytest_asyncio.fixture
async def city() -> AsyncIterator[City]:
    city = City()
    app = web.Application()
    app.router.add_get("/portal/{name:.*}", city.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    city.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield city
    await runner.cleanup()


async def pull(city: City, box: Path) -> int:
    """One minute of cron's."""
    script = folder("captive") / "pull.sh"
    process = await asyncio.create_subprocess_exec(
        "/bin/sh",
        str(script),
        city.url,
        str(box),
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "LC_ALL": "C"},
    )
    async with asyncio.timeout(HANG_S):
        _, said = await process.communicate()
    assert said == b""
    assert process.returncode is not None
    return process.returncode


def asked(box: Path, *, minutes_ago: int, boot: str = "") -> None:
    """As if the box had last reached the city so many minutes ago."""
    uptime_s = float(Path("/proc/uptime").read_text().split()[0])
    (box / ".kept" / "asked").write_text(
        f"{boot or BOOT.read_text().strip()} {int(uptime_s) - 60 * minutes_ago}"
    )


def shown(box: Path, name: str = "ja") -> str:
    return (box / f"{name}.html").read_text()


async def test_a_box_keeps_the_last_good_copy_and_says_when_it_is_old(city: City, tmp_path: Path) -> None:
    assert await pull(city, tmp_path) == 0
    for language in Language:
        assert shown(tmp_path, language) == f"/portal/{language}.html<p>level 4</p></html>"
    assert shown(tmp_path, "index") == shown(tmp_path)
    assert len(city.asked) == 2 * len(Language)

    assert await pull(city, tmp_path) == 0
    assert city.unchanged == 2 * len(Language), "what is the same is not sent again"

    city.text = "<p>cut o"
    assert await pull(city, tmp_path) != 0
    assert "level 4" in shown(tmp_path), "half a page is no page"

    city.text, city.status = "<p>lifted</p></html>", 503
    assert await pull(city, tmp_path) != 0
    assert "level 4" in shown(tmp_path)

    asked(tmp_path, minutes_ago=29)
    assert await pull(city, tmp_path) != 0
    assert shown(tmp_path) == "/portal/ja.html<p>level 4</p></html>"
    asked(tmp_path, minutes_ago=31)
    assert await pull(city, tmp_path) != 0
    assert shown(tmp_path) == "/portal/old/ja.html<p>level 4</p></html>"
    assert shown(tmp_path, "index") == shown(tmp_path)

    city.status = 200
    assert await pull(city, tmp_path) == 0
    assert shown(tmp_path) == "/portal/ja.html<p>lifted</p></html>"
    assert not list(tmp_path.glob(".*.new"))


async def test_a_page_that_is_too_large_is_not_taken(city: City, tmp_path: Path) -> None:
    city.text = "<p>" + "x" * 20_480 + "</p></html>"
    assert await pull(city, tmp_path) != 0
    assert not (tmp_path / "ja.html").exists()


async def test_a_box_that_was_off_does_not_know_how_old_its_page_is(city: City, tmp_path: Path) -> None:
    assert await pull(city, tmp_path) == 0
    asked(tmp_path, minutes_ago=1, boot="of the day before")
    city.status = 503
    assert await pull(city, tmp_path) != 0
    assert shown(tmp_path) == "/portal/old/ja.html<p>level 4</p></html>"


async def test_a_box_whose_last_word_was_cut_off_serves_its_page_as_old(city: City, tmp_path: Path) -> None:
    assert await pull(city, tmp_path) == 0
    (tmp_path / ".kept" / "asked").write_text("")
    city.status = 503
    assert await pull(city, tmp_path) != 0
    assert shown(tmp_path) == "/portal/old/ja.html<p>level 4</p></html>"


async def test_a_pull_that_hangs_is_not_joined_by_the_next(city: City, tmp_path: Path) -> None:
    assert await pull(city, tmp_path) == 0
    asked_before = len(city.asked)
    with (tmp_path / ".kept" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert await pull(city, tmp_path) == 0
        assert len(city.asked) == asked_before
    assert await pull(city, tmp_path) == 0
    assert len(city.asked) > asked_before, "the lock goes with its holder, also when that was killed"
