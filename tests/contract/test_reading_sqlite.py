from pathlib import Path

import pytest

from hub.testing.databases import with_schema
from hub.testing.reading_suite import ReadingSuite


class TestSqliteReading(ReadingSuite):
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return with_schema(tmp_path / "ledger.db")
