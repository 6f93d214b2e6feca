"""The addresses of the real servers. A test that asks for one skips, or fails, where there is none."""

import pytest

from tests.servers.absence import address

pytest.register_assert_rewrite("hub.testing")


@pytest.fixture(scope="session")
def kafka_bootstrap() -> str:
    return address("KAFKA_BOOTSTRAP")


@pytest.fixture(scope="session")
def postgresql_url() -> str:
    """For SQLAlchemy with psycopg."""
    return address("POSTGRESQL_URL")


@pytest.fixture(scope="session")
def redis_url() -> str:
    return address("REDIS_URL")


@pytest.fixture(scope="session")
def mqtt_url() -> str:
    return address("MQTT_URL")
