"""A port is given to one process only, long before anything listens there."""

import random
import subprocess
import sys

import pytest

from yobikake.rehearsal.servers.port import free_port

SEED = 147
ASK = f"import random; random.seed({SEED}); from yobikake.rehearsal.servers.port import free_port; print(free_port())"


@pytest.mark.skipif(sys.platform != "linux", reason="the names that claim a port are Linux's")
def test_two_processes_that_guess_alike_get_different_ports() -> None:
    before = random.getstate()
    random.seed(SEED)
    ours = free_port()
    random.setstate(before)
    theirs, again = (int(subprocess.check_output([sys.executable, "-c", ASK])) for _ in range(2))
    assert theirs != ours
    assert again == theirs, "what a process held is free again once it has ended"
