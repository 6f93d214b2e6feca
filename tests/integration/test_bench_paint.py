"""`yobikake bench paint`, small: that the line it measures on is as slow as it says."""

import json

from tests.integration.command_line import run_apart
from tests.servers.absence import absent
from yobikake.rehearsal.servers.program import CHROMIUM, advice, missing


async def test_a_page_takes_the_time_that_its_bytes_take() -> None:
    if lacking := missing([CHROMIUM]):
        absent(advice(lacking))
    said = await run_apart("bench", "paint", "--rounds", "1", "--language", "ne", "--json")
    assert said.code == 0, said.err
    found = json.loads(said.out)
    slow, fast = found["lines"]["ne"]
    assert (slow["kbit_s"], fast["kbit_s"]) == (100, 400)
    for line in (slow, fast):
        least_s = found["size_bytes"]["ne"] * 8 / 1000 / line["kbit_s"]
        assert line["loaded_s"]["median"] >= 0.9 * least_s
        assert line["painted_s"]["median"] > 0
    assert 0 < found["size_bytes"]["ne"] <= 20 * 1024
