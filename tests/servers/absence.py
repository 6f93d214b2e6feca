"""What a test does when something it needs is not there: skip and say so, or fail where nothing may skip."""

import os
from typing import NoReturn

import pytest

REQUIRE = "YOBIKAKE_REQUIRE_SERVERS"


def address(variable: str) -> str:
    """The address in an environment variable; without it the test ends here."""
    found = os.environ.get(variable)
    if not found:
        reason = os.environ.get(f"{variable}_MISSING", "use `make test`, which starts the servers")
        absent(f"{variable} is not set: {reason}")
    return _own(found) if variable == "REDIS_URL" else found


def _own(redis: str) -> str:
    """Each of the processes that run tests side by side has a database of its own there: hubs of the same
    city would stand back for each other's urgent work."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    return f"{redis.removesuffix('/0')}/{worker}" if redis.endswith("/0") else redis


def absent(reason: str) -> NoReturn:
    if required():
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def required() -> bool:
    """Whether a missing server is an error: `--require`, or a continuous integration run."""
    return os.environ.get(REQUIRE) == "1" or os.environ.get("CI") == "true"
