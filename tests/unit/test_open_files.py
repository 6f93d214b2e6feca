"""The system's limit on open files is used up to its end, and named where it is too low."""

import resource
import subprocess
import sys

import structlog

from yobikake import open_files

RAISE = "from yobikake import open_files; print(open_files.raise_limit({streams}))"


def limited(soft: int, hard: int, streams: int) -> subprocess.CompletedProcess[str]:
    """In a process of its own: a hard limit never rises again."""
    return subprocess.run(
        [sys.executable, "-c", RAISE.format(streams=streams)],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard)),
        capture_output=True,
        text=True,
        check=True,
    )


def test_the_soft_limit_is_raised_to_the_hard_one() -> None:
    done = limited(256, 1_024, 100)
    assert done.stdout.strip() == "1024"
    assert "LimitNOFILE" not in done.stderr


def test_a_limit_that_is_too_low_is_named_with_what_to_do() -> None:
    done = limited(256, 1_024, 5_000)
    assert "LimitNOFILE=5512" in done.stdout + done.stderr
    assert "streams = 5000" in done.stdout + done.stderr


def test_enough_is_not_worth_a_word() -> None:
    with structlog.testing.capture_logs() as logs:
        open_files.raise_limit(1)
    assert logs == []
