"""A folder that is a web site: whole files only, each with its `.gz` beside it, and nothing that is not ours.

`.yobikake-site.json` in it says whose it is and names every file: what is not named there is never touched.
"""

import fcntl
import gzip
import hashlib
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec

from hub import typed
from hub.city import City
from hub.errors import BadSettings, Refused
from hub.outbound import Deployment
from operator_ui.residents.document import packed

INDEX = ".yobikake-site.json"
LOCK = ".yobikake-site.lock"
WRITING = ".yobikake-writing"
"""Where files are made before they are put in their place, which a rename does at once."""


class Index(msgspec.Struct, frozen=True, kw_only=True):
    """`files`: SHA-256 by path."""

    deployment: Deployment
    city: str
    files: dict[str, str]


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    written: tuple[str, ...]
    removed: tuple[str, ...]
    unchanged: int


class SiteFolder:
    """Open it with `opened`."""

    def __init__(self, path: Path, *, deployment: Deployment, city: City) -> None:
        self._path = path
        self._deployment, self._city = deployment, city.code
        self._known: dict[str, str] = {}

    @contextmanager
    def opened(self) -> Iterator["SiteFolder"]:
        """Nobody else writes into it meanwhile.

        Raises:
            BadSettings: it cannot be written.
            Refused: it holds something that is not ours, or is another hub's, or another process writes into it.
        """
        with _writing(self._path):
            self._recognise()
            self._path.mkdir(parents=True, exist_ok=True)
            lock = (self._path / LOCK).open("w")
        with lock:
            self._take(lock)
            with _writing(self._path):
                shutil.rmtree(self._path / WRITING, ignore_errors=True)
                self._remember()
            yield self

    def put(self, files: Mapping[str, bytes]) -> Changed:
        """Make the folder hold these files and no other. What did not change is not written.

        Raises:
            BadSettings: it cannot be written. What was written is whole; the next time the rest follows.
            Refused: somebody else's file stands in the way. Nothing was written.
        """
        digests = {path: hashlib.sha256(body).hexdigest() for path, body in files.items()}
        with _writing(self._path):
            self._refuse_foreign(digests)
            return self._follow(files, digests)

    def _follow(self, files: Mapping[str, bytes], digests: Mapping[str, str]) -> Changed:
        wanted = [path for path, digest in digests.items() if self._known.get(path) != digest]
        gone = [path for path in self._known if path not in digests]
        if any(path not in self._known for path in wanted):  # named before they are there: they are ours
            self._known = {**dict.fromkeys(wanted, ""), **self._known}
            self._remember()
        for path in wanted:
            self._known[path] = ""
            self._write(path, files[path])
            self._known[path] = digests[path]
        for path in gone:
            self._remove(path)
            del self._known[path]
        if wanted or gone:
            self._remember()
        return Changed(written=tuple(wanted), removed=tuple(gone), unchanged=len(digests) - len(wanted))

    def _recognise(self) -> None:
        """Learn what is there already. A file that is not as we left it counts as not there."""
        try:
            index = typed.from_json((self._path / INDEX).read_bytes(), Index)
        except FileNotFoundError:
            self._refuse_full()
            return
        except msgspec.DecodeError as e:
            raise Refused(
                f"--to {self._path}: {INDEX} in it is damaged; give an empty folder / "
                "索引ファイルが壊れています。空のフォルダーを指定してください"
            ) from e
        if (index.deployment, index.city) != (self._deployment, self._city):
            raise Refused(
                f"--to {self._path}: it holds the pages of a {index.deployment} hub of city {index.city}. "
                "Nothing was written / 別のハブのページが入っています。何も書いていません"
            )
        self._known = {path: self._digest(path) for path in index.files}

    def _refuse_full(self) -> None:
        if self._path.is_dir() and any(each.name != LOCK for each in self._path.iterdir()):
            raise Refused(
                f"--to {self._path}: it holds something that is not ours; give an empty folder, or a new one. "
                "Nothing was written / ほかのファイルが入っています。空のフォルダーを指定してください"
            )

    def _take(self, lock: IO[str]) -> None:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as e:
            raise Refused(
                f"--to {self._path}: another process is writing into it / 別のプロセスが書き込み中です"
            ) from e

    def _refuse_foreign(self, wanted: Mapping[str, str]) -> None:
        foreign = [path for path in wanted if path not in self._known and (self._path / path).exists()]
        if foreign:
            raise Refused(
                f"--to {self._path}: {foreign[0]} in it is not ours; move it away. Nothing was written / "
                "ほかのファイルがあります。移してください。何も書いていません"
            )

    def _digest(self, path: str) -> str:
        """Empty where the file or its `.gz` is not there, or the two differ."""
        try:
            body = (self._path / path).read_bytes()
            zipped = gzip.decompress(_zipped(self._path / path).read_bytes())
        except (OSError, EOFError):
            return ""
        return hashlib.sha256(body).hexdigest() if body == zipped else ""

    def _write(self, path: str, body: bytes) -> None:
        """The packed form first: a server that finds it takes it, and never without the other being there."""
        target = self._path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        at = _later_than(target)
        for place, content in ((_zipped(target), packed(body)), (target, body)):
            self._replace(place, content, at=at)

    def _replace(self, target: Path, content: bytes, *, at: int) -> None:
        made = self._path / WRITING / "file"
        made.parent.mkdir(exist_ok=True)
        with made.open("wb") as file:
            file.write(content)
            os.fchmod(file.fileno(), 0o644)
        os.utime(made, (at, at))
        made.replace(target)

    def _remove(self, path: str) -> None:
        target = self._path / path
        target.unlink(missing_ok=True)
        _zipped(target).unlink(missing_ok=True)
        for folder in target.parents:
            if folder == self._path or any(folder.iterdir()):
                return
            folder.rmdir()

    def _remember(self) -> None:
        index = Index(deployment=self._deployment, city=self._city, files=self._known)
        self._replace(self._path / INDEX, msgspec.json.encode(index), at=int(time.time()))


def _zipped(path: Path) -> Path:
    return path.with_name(f"{path.name}.gz")


def _later_than(path: Path) -> int:
    """In whole seconds, later than the file that is replaced: web servers tell files apart by that and their length."""
    try:
        before = int(path.stat().st_mtime)
    except FileNotFoundError:
        before = 0
    return max(int(time.time()), before + 1)


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as e:
        raise BadSettings(f"--to {path}", f"cannot be written: {e.strerror} / 書き込めません") from e
