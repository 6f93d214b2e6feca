"""The programs behind the servers: where they lie, and how Debian's packages bring them."""

import os
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.servers.say import say


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """`folders` are glob patterns searched after PATH, the highest version first."""

    name: str
    package: str
    folders: tuple[str, ...] = ()
    file: str | None = None
    """A file whose presence is enough, for what is no program (fonts)."""

    def find(self) -> Path | None:
        if self.file is not None:
            return next(iter(_glob(self.file)), None)
        if on_path := shutil.which(self.name):
            return Path(on_path)
        return next(iter(_glob(*(f"{folder}/{self.name}" for folder in self.folders))), None)

    @property
    def path(self) -> Path:
        """Raises `FileNotFoundError` when it is not installed."""
        if found := self.find():
            return found
        raise FileNotFoundError(f"{self.name} is not installed (apt-get install {self.package})")


SBIN = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin", "/opt/homebrew/sbin")
POSTGRES_BIN = ("/usr/lib/postgresql/*/bin", "/opt/homebrew/opt/postgresql@*/bin")

JAVA = Program(name="java", package="default-jre-headless")
MAVEN = Program(name="mvn", package="maven")
INITDB = Program(name="initdb", package="postgresql", folders=POSTGRES_BIN)
POSTGRES = Program(name="postgres", package="postgresql", folders=POSTGRES_BIN)
REDIS = Program(name="redis-server", package="redis-server", folders=SBIN)
MOSQUITTO = Program(name="mosquitto", package="mosquitto", folders=SBIN)
CHROMIUM = Program(name="chromium", package="chromium")
CJK_FONTS = Program(
    name="Noto CJK", package="fonts-noto-cjk", file="/usr/share/fonts/*/noto*/NotoSansCJK-*.ttc"
)


def missing(programs: Iterable[Program]) -> list[Program]:
    return [program for program in programs if program.find() is None]


def install(programs: Iterable[Program]) -> None:
    """Install what is missing with apt-get, where this is root's machine; elsewhere do nothing.

    What could not be installed is still missing afterwards: nothing is raised.
    """
    packages = sorted({program.package for program in missing(programs)})
    if not packages or os.geteuid() != 0 or shutil.which("apt-get") is None:
        return
    say(f"apt-get install {' '.join(packages)} …")
    if _apt_get("update"):
        _apt_get("install", "--yes", "--no-install-recommends", *packages)


def _apt_get(*arguments: str) -> bool:
    done = subprocess.run(
        ["apt-get", "-qq", *arguments],
        env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        say(f"apt-get {arguments[0]} failed: {' '.join(done.stderr.split())[-300:]}")
    return done.returncode == 0


def _glob(*patterns: str) -> list[Path]:
    found = [path for pattern in patterns for path in Path("/").glob(pattern.lstrip("/"))]
    return sorted(found, key=_version, reverse=True)


def _version(path: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in path.parts if part.isdigit())
