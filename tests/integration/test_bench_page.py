"""`yobikake bench page`, small: that it measures what it says, and counts to the end."""

import asyncio
import json
import resource
import sys

from tests.integration.command_line import run_apart
from yobikake.rehearsal.servers.nginx import Nginx
from yobikake.rehearsal.servers.program import missing


async def test_it_compares_the_ways_and_tells_every_open_page() -> None:
    said = await run_apart("bench", "page", "--rounds", "1", "--seconds", "0.5", "--streams", "60", "--json")
    assert said.code == 0, said.err
    found = json.loads(said.out)
    ways = {"kept", "rendered_each_time"} | (set() if missing(Nginx.needs()) else {"nginx"})
    assert found["rates"].keys() == ways
    for rate in found["rates"].values():
        assert rate["failed"] == 0
        assert 0 < rate["per_s"]["min"] <= rate["per_s"]["median"] <= rate["per_s"]["max"]
        assert rate["readers_busy"] > 0
    assert found["ratios"].keys() == {f"kept/{way}" for way in ways - {"kept"}}
    assert bool(found["nginx"]) == ("nginx" not in ways)
    sse = found["sse"]
    assert (sse["connected"], sse["heard"]) == (60, 60)
    assert 0 <= sse["to_all_s"] <= sse["after_commit_s"]
    assert found["page_bytes"] < 20_500
    assert found["machine"]["cores"] > 0


async def test_too_few_open_files_are_refused_in_words() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "yobikake", "bench", "page", "--json",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (1_000, 1_000)),
    )  # fmt: skip
    out, err = await process.communicate()
    assert (process.returncode, out) == (2, b"")
    assert "LimitNOFILE=5512" in err.decode()
    assert "LimitNOFILE=5512 にするか" in err.decode()
