"""The addresses of the real servers. A test that asks for one skips, or fails, where there is none."""

import gc
import sys
from collections.abc import Generator, Iterator
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, make_url, text

from tests.servers.absence import address
from tests.servers.turns import turn
from tests.verdict import pytest_sessionfinish  # noqa: F401 - a hook

pytest.register_assert_rewrite("hub.testing")


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
    name = f"test_{uuid4().hex[:12]}"
    engine = create_engine(postgresql_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as conn:
        conn.execute(text(f'CREATE DATABASE "{name}"'))
    yield make_url(postgresql_url).set(database=name).render_as_string(hide_password=False)
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
