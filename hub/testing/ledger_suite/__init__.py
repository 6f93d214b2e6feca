"""What every ledger guarantees. SQLite and PostgreSQL both pass it.

A subclass gives `url`, of a database that is its own: with the schema, and nothing in it.
"""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from hub.ledger import Ledger, deployment
from hub.outbound import Deployment
from hub.testing.ledger_suite.accepting import AlertSuite
from hub.testing.ledger_suite.accounts import AccountSuite
from hub.testing.ledger_suite.canaries import CanarySuite
from hub.testing.ledger_suite.claims import ClaimSuite
from hub.testing.ledger_suite.desk import DeskSuite
from hub.testing.ledger_suite.enrolling import EnrollingSuite
from hub.testing.ledger_suite.living import LifeSuite
from hub.testing.ledger_suite.mustering import MusterSuite
from hub.testing.ledger_suite.people import PeopleSuite
from hub.testing.ledger_suite.reporting import ReceiptSuite
from hub.testing.ledger_suite.returning import BounceSuite
from hub.testing.ledger_suite.rows import NOW
from hub.testing.ledger_suite.stopping import StopSuite
from hub.testing.ledger_suite.trail import TrailSuite
from hub.testing.ledger_suite.trying import TrySuite
from hub.testing.ledger_suite.writing import WritingSuite


class LedgerSuite(
    WritingSuite,
    AccountSuite,
    TrailSuite,
    PeopleSuite,
    EnrollingSuite,
    ClaimSuite,
    LifeSuite,
    AlertSuite,
    StopSuite,
    ReceiptSuite,
    BounceSuite,
    DeskSuite,
    MusterSuite,
    CanarySuite,
    TrySuite,
):
    @pytest.fixture
    def url(self) -> str:
        raise NotImplementedError

    @pytest_asyncio.fixture
    async def ledger(self, url: str) -> AsyncIterator[Ledger]:
        ledger = Ledger(url)
        await ledger.open()
        await ledger.write(lambda conn: deployment.establish(conn, Deployment.REHEARSAL, "132071", at=NOW))
        yield ledger
        await ledger.close()
