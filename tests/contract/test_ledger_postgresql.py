import pytest
from sqlalchemy import Connection, create_engine, text

from hub import ledger
from hub.ledger import AWAY, Ledger
from hub.testing.ledger_suite import LedgerSuite

pytestmark = pytest.mark.postgresql


class TestPostgresqlLedger(LedgerSuite):
    @pytest.fixture
    def url(self, migrated_url: str) -> str:
        return migrated_url

    async def test_connections_that_died_while_nobody_used_them_are_replaced_unnoticed(
        self, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(ledger, "_PAUSE_S", -1.0)  # any pause is long enough
        opened = await connected(url)
        try:
            kill_connections(url)
            assert await opened.read(one) == 1
            assert await opened.write(one) == 1
        finally:
            await opened.close()

    async def test_one_that_died_in_the_midst_of_work_is_an_error_once(
        self, url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(ledger, "_PAUSE_S", 3_600.0)  # nobody asks
        opened = await connected(url)
        try:
            kill_connections(url)
            with pytest.raises(AWAY):
                await opened.read(one)
            assert await opened.read(one) == 1
        finally:
            await opened.close()


async def connected(url: str) -> Ledger:
    opened = Ledger(url)
    await opened.open()
    assert await opened.read(one) == 1
    return opened


def one(conn: Connection) -> int:
    return int(conn.execute(text("SELECT 1")).scalar_one())


def kill_connections(url: str) -> None:
    engine = create_engine(url)
    with engine.connect() as conn:
        conn.execute(
            text(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    engine.dispose()
