"""`yobikake bench lanes` and `isolation`, small: that they measure, and what must hold at any size."""

import asyncio
import json
import sys
from typing import Any

import pytest

from hub.window import OUTSTANDING_S


async def bench(*arguments: str) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "yobikake", "bench", *arguments, "--json",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return dict(json.loads(out))


@pytest.mark.parametrize("smarthost", ["queues", "waits"])
async def test_routine_never_stands_in_the_smarthost_for_more_than_two_seconds(smarthost: str) -> None:
    found = await bench("lanes", "--recipients", "300", "--drain", "60", "--smarthost", smarthost)
    assert found["smarthost"] == smarthost
    assert 0 < found["routine_held_s"] <= OUTSTANDING_S
    for times in (found["alone"], found["behind"]):
        assert 0 < times["first_byte_s"] < times["mail_drained_s"]
        assert times["line_taken_s"] > 0
    assert found["ratio"] == found["behind"]["mail_drained_s"] / found["alone"]["mail_drained_s"]


async def test_the_other_channels_are_timed_with_and_without_a_black_hole() -> None:
    found = await bench("isolation", "--recipients", "200", "--rounds", "1", "--blackholed", "mail")
    assert found["blackholed"] == "mail"
    assert found["without"].keys() == found["with_it"].keys() == found["ratios"].keys() == {"line", "voice"}
    assert found["ratio"] == max(found["ratios"].values()) > 0
