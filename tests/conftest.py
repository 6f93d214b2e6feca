"""The addresses of the real servers. A test that asks for one skips, or fails, where there is none."""

import gc
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from uuid import uuid4

import hypothesis
import pytest
import structlog
from sqlalchemy import create_engine, make_url, text

from hub.ledger import migrations
from tests.servers.absence import address
from tests.servers.turns import turn
from tests.verdict import pytest_sessionfinish  # noqa: F401 - a hook

pytest.register_assert_rewrite("hub.testing")

hypothesis.settings.register_profile(
    "untimed",
    parent=hypothesis.settings(),  # as hypothesis chooses: in CI the same examples each time
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("untimed")
"""No example is too slow: a busy machine is no finding."""

structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.dev.set_exc_info,
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)
"""As by default, but that errors are logged without boxes and local variables, which take a third of a second each."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write tests/golden/texts anew; read the difference"
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    with turn(alone=item.get_closest_marker("alone") is not None):
        return (yield)


@pytest.fixture(scope="session")
def kafka_bootstrap() -> str:
    return address("KAFKA_BOOTSTRAP")


@pytest.fixture(scope="session")
def postgresql_url() -> str:
    """For SQLAlchemy with psycopg."""
    return address("POSTGRESQL_URL")


@pytest.fixture
def database_url(postgresql_url: str) -> Iterator[str]:
    """Of an empty database of this test's own, dropped afterwards."""
    with _database(postgresql_url) as url:
        yield url


@pytest.fixture
def migrated_url(postgresql_url: str, postgresql_template: str) -> Iterator[str]:
    """The same with the newest schema."""
    with _database(postgresql_url, like=postgresql_template) as url:
        yield url


@pytest.fixture(scope="session")
def postgresql_template(postgresql_url: str) -> Iterator[str]:
    """The name of a database with the schema and nothing in it, to be copied: migrating takes its time."""
    with _database(postgresql_url) as url:
        migrations.upgrade(url)
        yield make_url(url).database or ""


@contextmanager
def _database(server: str, *, like: str = "template1") -> Iterator[str]:
    name = f"test_{uuid4().hex[:12]}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as conn:
        conn.execute(text(f'CREATE DATABASE "{name}" TEMPLATE "{like}"'))
    yield make_url(server).set(database=name).render_as_string(hide_password=False)
    with engine.connect() as conn:
        conn.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    engine.dispose()


@pytest.fixture(scope="session")
def redis_url() -> str:
    return address("REDIS_URL")


@pytest.fixture(scope="session")
def mqtt_url() -> str:
    return address("MQTT_URL")


@pytest.fixture(autouse=True)
def interpreter_as_it_was() -> Iterator[None]:
    """A hub that runs in the test's process tunes the collector and the switching of threads for itself."""
    thresholds, interval_s = gc.get_threshold(), sys.getswitchinterval()
    yield
    if gc.get_threshold() != thresholds:
        gc.unfreeze()
        gc.set_threshold(*thresholds)
        sys.setswitchinterval(interval_s)
