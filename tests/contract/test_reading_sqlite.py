from pathlib import Path

import pytest

from hub.ledger import sqlite_url
from hub.testing.reading_suite import ReadingSuite


class TestSqliteReading(ReadingSuite):
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return sqlite_url(tmp_path / "ledger.db")
