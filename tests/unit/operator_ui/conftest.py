"""The console of a test, fresh for each."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.unit.operator_ui.desk import Desk, a_desk


@pytest_asyncio.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with a_desk(tmp_path) as made:
        yield made
