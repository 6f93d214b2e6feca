"""How a run of the tests ends: whatever failed stands in its last lines, by name and with the place."""

from collections.abc import Generator

import pytest

LINES = 25
"""Of each traceback, from its end."""

MANY = 20
"""Of more than these only the names stand there, in the summary before."""


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, object, object]:
    """After all that pytest itself says, so that the tail of a log is enough."""
    ended = yield
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        _say(reporter)
    return ended


def _say(reporter: pytest.TerminalReporter) -> None:
    failures = [*reporter.stats.get("error", []), *reporter.stats.get("failed", [])]
    if not failures:
        return
    reporter.write_sep("=", f"{len(failures)} failed", red=True, bold=True)
    for report in failures[:MANY]:
        reporter.write_line(report.nodeid)
        for line in report.longreprtext.splitlines()[-LINES:]:
            reporter.write_line(f"    {line}")
    if len(failures) > MANY:
        reporter.write_line(f"… and {len(failures) - MANY} more, named above")
