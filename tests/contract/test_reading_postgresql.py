import pytest

from hub.testing.reading_suite import ReadingSuite

pytestmark = pytest.mark.postgresql


class TestPostgresqlReading(ReadingSuite):
    @pytest.fixture
    def url(self, migrated_url: str) -> str:
        return migrated_url
