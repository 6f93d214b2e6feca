"""Apache Kafka's jars, got with Maven once and kept."""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from yobikake.rehearsal.servers.process import NotStarted
from yobikake.rehearsal.servers.program import MAVEN
from yobikake.rehearsal.servers.say import say

POM = Path(__file__).with_name("pom.xml")


def fetched() -> Path | None:
    """The folder that holds them; None: they were never fetched."""
    jars = _jars()
    return jars if jars.is_dir() else None


def fetch() -> Path:
    """The folder that holds them; several processes at the same time wait for the first.

    Raises:
        NotStarted: Maven could not get them.
    """
    if jars := fetched():
        return jars
    with _lock():
        return fetched() or _download(_jars())


def _download(jars: Path) -> Path:
    say("downloading Apache Kafka with Maven (once, about 45 MB) …")
    new = jars.with_suffix(".new")
    shutil.rmtree(new, ignore_errors=True)
    goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={new}"]
    argv = [str(MAVEN.path), "-q", "-B", "-f", str(POM), *goal]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        raise NotStarted(f"kafka: Maven could not download it\n{done.stdout[-2000:]}")
    new.rename(jars)
    say("downloaded Apache Kafka")
    return jars


def _jars() -> Path:
    """Named after what is wanted: another version lies beside it, and what runs keeps its own."""
    return _folder() / f"kafka-{sha256(POM.read_bytes()).hexdigest()[:12]}"


def _folder() -> Path:
    """Beside the project where this runs from a checkout, else in the user's cache."""
    project = POM.parents[3]
    if (project / "pyproject.toml").is_file():
        return project / ".servers"
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "yobikake" / "servers"


@contextmanager
def _lock() -> Iterator[None]:
    _folder().mkdir(parents=True, exist_ok=True)
    with (_folder() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
