from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.unit.residents.portal_setup import Town, a_town


@pytest_asyncio.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with a_town(tmp_path) as made:
        yield made
