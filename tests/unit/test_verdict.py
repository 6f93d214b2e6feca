"""The end of a log says which test failed, and where."""

import subprocess
import sys
from pathlib import Path

ONE_OF_EACH = """\
import pytest

@pytest.fixture
def broken():
    raise OSError("no such server")

def test_first(): print("noise\\n" * 200); assert 1 + 1 == 3

def test_second(broken): pass

def test_third(): pass
"""


def test_the_last_lines_hold_each_failed_test_with_its_place_and_reason(tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text(ONE_OF_EACH)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.verdict", "-p", "no:cacheprovider", "--tb=short",
         "--rootdir", str(tmp_path), str(tmp_path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    last = done.stdout.rpartition(" 2 failed ")[2]
    assert "test_some.py::test_first" in last
    assert "test_some.py:7: in test_first" in last
    assert "assert (1 + 1) == 3" in last
    assert "test_some.py::test_second" in last
    assert "OSError: no such server" in last
    assert "test_third" not in last
    assert len(last.splitlines()) < 40
