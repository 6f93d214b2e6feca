"""Where Kafka's jars are kept: in the project of a checkout, elsewhere in the user's cache."""

import shutil
from pathlib import Path

import pytest

from yobikake.rehearsal.servers import jars

ROOT = Path(__file__).parents[3]


def test_in_a_checkout_they_lie_beside_the_project() -> None:
    assert jars._jars().parent == ROOT / ".servers"


def test_an_installed_program_keeps_them_in_the_user_s_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / "site-packages" / "yobikake" / "rehearsal" / "servers"
    installed.mkdir(parents=True)
    monkeypatch.setattr(jars, "POM", Path(shutil.copy(jars.POM, installed)))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert jars._jars().parent == tmp_path / "cache" / "yobikake" / "servers"
    assert jars.fetched() is None


def test_another_version_lies_beside_what_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    newer = tmp_path / "pom.xml"
    newer.write_text(jars.POM.read_text().replace("4.1.1", "4.1.2"))
    current = jars._jars()
    monkeypatch.setattr(jars, "POM", newer)
    assert jars._jars().name != current.name
