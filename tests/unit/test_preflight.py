"""Our generic package names are ours, in this environment and in the wheel."""

import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from yobikake.preflight import PACKAGES, refuse_foreign_packages

ROOT = Path(__file__).parents[2]


def test_this_environment_is_ours() -> None:
    refuse_foreign_packages()


@pytest.mark.parametrize("package", PACKAGES)
def test_somebody_elses_package_is_refused_by_name(package: str) -> None:
    with pytest.raises(SystemExit, match=f"`{package}` also belongs to daphne-channels"):
        refuse_foreign_packages({package: ["yobikake", "daphne-channels"]})


def test_the_wheel_holds_every_package_and_nothing_else(tmp_path: Path) -> None:
    source = tmp_path / "source"  # building leaves a folder behind
    source.mkdir()
    for name in (*PACKAGES, "pyproject.toml", "README.md"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, source / name)
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-w", tmp_path, source],
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.partition("/")[0] for name in names}
    assert tops == {*PACKAGES, "yobikake-0.1.0.dist-info"}

    packed = {name for name in names if not name.startswith("yobikake-")}
    assert packed == {name for top in PACKAGES for name in _sources(top)}


def _sources(top: str) -> set[str]:
    """What lies in the folder: code, and the data that code reads at run time."""
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["*"]
    return {
        str(path.relative_to(ROOT))
        for path in (ROOT / top).rglob("*")
        if path.is_file()
        and "__pycache__" not in path.parts
        and (path.suffix == ".py" or any(path.match(pattern) for pattern in patterns))
    }
