from collections.abc import Iterator
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, make_url, text

from hub.testing.reading_suite import ReadingSuite

pytestmark = pytest.mark.postgresql


class TestPostgresqlReading(ReadingSuite):
    @pytest.fixture
    def url(self, postgresql_url: str) -> Iterator[str]:
        """A database of its own on the server, dropped afterwards."""
        name = f"reading_{uuid4().hex[:12]}"
        engine = create_engine(postgresql_url, isolation_level="AUTOCOMMIT")
        with engine.connect() as conn:
            conn.execute(text(f'CREATE DATABASE "{name}"'))
        yield make_url(postgresql_url).set(database=name).render_as_string(hide_password=False)
        with engine.connect() as conn:
            conn.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
        engine.dispose()
