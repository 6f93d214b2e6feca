"""Memory stays the same however many people an alert goes to: audiences are streamed."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from tests.integration.audience_of_any_size import prepare

PEOPLE = 200_000
EACH_BYTES = 30
"""For everyone more. A `set` of their ids takes 70, the bitmap an eighth of one."""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
async def test_ten_times_the_people_take_hardly_more_memory(tmp_path: Path) -> None:
    bound = EACH_BYTES * (PEOPLE - PEOPLE // 10)
    await prepare(tmp_path, PEOPLE)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.integration.audience_of_any_size", str(tmp_path), str(PEOPLE), str(bound),
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"MALLOC_ARENA_MAX": "1"},  # mallopt(3): threads share one, whatever runs when
    )  # fmt: skip
    try:
        said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
    assert process.returncode == 0
    assert int(said) < bound
