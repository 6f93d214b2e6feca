"""Who had to wait for a processor is told from who had not."""

import os
import subprocess
import sys
import time

import pytest

from yobikake.chaos.starvation import SPAN_S, WAITED_S, Waits, waited


@pytest.mark.parametrize(("waited_s", "starved"), [(WAITED_S / 2, False), (WAITED_S, True)])
def test_a_process_is_starved_that_waited_long(waited_s: float, starved: bool) -> None:
    waits = Waits()
    assert not waits.starved(7.0, at=0.0)
    assert waits.starved(7.0 + waited_s, at=SPAN_S) is starved


def test_what_it_waited_for_long_ago_does_not_count() -> None:
    waits = Waits()
    assert not waits.starved(0.0, at=0.0)
    assert waits.starved(5.0, at=1.0)
    assert not waits.starved(5.0, at=1.5 + SPAN_S)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel says so on Linux only")
def test_the_kernel_tells_how_long_somebody_waited() -> None:
    """Two that want the same processor all the time: each waits while the other runs."""
    one = {min(os.sched_getaffinity(0))}
    spin = "while True: pass"
    rivals = [subprocess.Popen([sys.executable, "-c", spin]) for _ in range(2)]
    try:
        for rival in rivals:
            os.sched_setaffinity(rival.pid, one)
        deadline = time.monotonic() + 120
        while min(waited(rival.pid) or 0.0 for rival in rivals) < WAITED_S:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        for rival in rivals:
            rival.kill()
            rival.wait()


def test_of_a_process_that_is_gone_nobody_tells() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert waited(child.pid) is None
