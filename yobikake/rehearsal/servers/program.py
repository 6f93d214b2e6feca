"""The programs behind the servers: where they lie, and how Debian's packages bring them."""

import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path


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
CHROMIUM = Program(
    name=os.environ.get("CHROMIUM") or "chromium-headless-shell", package="chromium-headless-shell"
)
"""Without the windows that nobody sees: a quarter less work."""
NGINX = Program(name="nginx", package="nginx", folders=SBIN)
MOSQUITTO = Program(name="mosquitto", package="mosquitto", folders=SBIN)
BARESIP = Program(name="baresip", package="baresip-core")
SIPP = Program(name="sipp", package="sip-tester")
POSTFIX = Program(name="postfix", package="postfix", folders=SBIN)
POSTCONF = Program(name="postconf", package="postfix", folders=SBIN)
SMTP_SINK = Program(name="smtp-sink", package="postfix", folders=SBIN)
SMTP_SOURCE = Program(name="smtp-source", package="postfix", folders=SBIN)


def missing(programs: Iterable[Program]) -> list[Program]:
    return [program for program in programs if program.find() is None]


def advice(absent: Sequence[Program]) -> str:
    """How to get them."""
    packages = " ".join(sorted({program.package for program in absent}))
    return f"not installed; as root: apt-get install {packages}"


def _glob(*patterns: str) -> list[Path]:
    found = [path for pattern in patterns for path in Path("/").glob(pattern.lstrip("/"))]
    return sorted(found, key=_version, reverse=True)


def _version(path: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in path.parts if part.isdigit())
