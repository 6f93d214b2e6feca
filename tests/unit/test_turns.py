"""A test that is marked `alone` overlaps with no other, in whatever process that runs."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import turns

TESTS = """
import os, time
import pytest

@pytest.mark.parametrize("number", range(6))
def test_something(number):
    note(number)

{mark}
def test_alone():
    note("alone")

def note(who):
    for what in ("in", "out"):
        with open({log!r}, "a") as log:
            log.write(f"{{who}} {{what}}\\n")
        time.sleep(0.2)
"""

CONFTEST = """
from pathlib import Path
from tests.servers import turns
from tests.conftest import pytest_runtest_protocol

turns.ROOM = Path({room!r})
turns.DOOR = turns.ROOM / "door"
"""
"""This test is in another room itself."""


@pytest.mark.parametrize("alone", [True, False])
def test_nobody_is_there_while_somebody_is_alone(tmp_path: Path, alone: bool) -> None:
    """Without the mark they do overlap: so this can fail."""
    log = tmp_path / "log"
    mark = "@pytest.mark.alone" if alone else ""
    for name in ("a", "b", "c"):
        (tmp_path / f"test_{name}.py").write_text(TESTS.format(mark=mark, log=str(log)))
    (tmp_path / "conftest.py").write_text(CONFTEST.format(room=str(tmp_path)))
    (tmp_path / "door").mkdir()
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = alone\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "3", "--dist", "loadfile", "--rootdir", tmp_path, tmp_path],
        cwd=turns.ROOM.parent, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert (_overlaps(log.read_text().splitlines()) == 0) is alone


def _overlaps(lines: list[str]) -> int:
    """How often somebody was in while "alone" was."""
    inside: list[str] = []
    found = 0
    for line in lines:
        who, what = line.split()
        if what == "in":
            inside.append(who)
        else:
            inside.remove(who)
        found += "alone" in inside and len(inside) > 1
    return found
