"""The console of a test: prepared once, copied for each."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.unit.operator_ui.desk import Desk, a_desk, prepare


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("console") / "prepared"
    asyncio.run(prepare(place))
    return place


@pytest_asyncio.fixture
async def desk(tmp_path: Path, prepared: Path) -> AsyncIterator[Desk]:
    place = shutil.copytree(prepared, tmp_path / "hub")
    async with a_desk(place) as made:
        yield made
