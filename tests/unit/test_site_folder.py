"""A folder that is a web site: whole, ours alone, and no more than what is true."""

import fcntl
import gzip
from pathlib import Path

import pytest

from config import folder as shipped
from hub import city as cities
from hub.errors import BadSettings, Refused
from hub.outbound import Deployment
from yobikake.site_folder import INDEX, LOCK, WRITING, SiteFolder

CITY = cities.load(shipped("akishima"))
FILES = {"ja/a/2026-0147.html": b"one", "ja/index.html": b"home", "index.html": b"home"}


def a_folder(path: Path, deployment: Deployment = Deployment.PRODUCTION) -> SiteFolder:
    return SiteFolder(path, deployment=deployment, city=CITY)


def there(path: Path) -> set[str]:
    return {str(each.relative_to(path)) for each in path.rglob("*") if each.is_file()} - {INDEX, LOCK}


def test_it_holds_what_was_put_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "new" / "site"
    with a_folder(path).opened() as into:
        changed = into.put(FILES)
        assert (changed.written, changed.removed) == (tuple(FILES), ())
        assert there(path) == {*FILES, *(f"{name}.gz" for name in FILES)}
        changed = into.put({"index.html": b"home", "ja/index.html": b"new"})
        assert changed.written == ("ja/index.html",)
        assert changed.removed == ("ja/a/2026-0147.html",)
        assert changed.unchanged == 1
    assert there(path) == {"index.html", "index.html.gz", "ja/index.html", "ja/index.html.gz"}
    assert not (path / "ja" / "a").exists()
    assert gzip.decompress((path / "ja" / "index.html.gz").read_bytes()) == b"new"
    assert not list((path / WRITING).iterdir())


def test_a_later_start_writes_only_what_differs_and_mends_what_was_damaged(tmp_path: Path) -> None:
    with a_folder(tmp_path).opened() as into:
        into.put(FILES)
    (tmp_path / "index.html").write_bytes(b"ho")  # a power cut
    (tmp_path / "ja" / "index.html.gz").unlink()
    with a_folder(tmp_path).opened() as into:
        assert set(into.put(FILES).written) == {"index.html", "ja/index.html"}
    assert (tmp_path / "index.html").read_bytes() == b"home"


def test_a_file_that_changes_within_a_second_and_keeps_its_length_has_another_time(tmp_path: Path) -> None:
    with a_folder(tmp_path).opened() as into:
        times = []
        for body in (b"86", b"87", b"88"):
            into.put({"index.html": body})
            file, zipped = tmp_path / "index.html", tmp_path / "index.html.gz"
            times.append(file.stat().st_mtime)
            assert zipped.stat().st_mtime == times[-1]
    assert times == sorted(set(times))
    assert all(time == int(time) for time in times)


@pytest.mark.parametrize("name", ["index.php", "index.html"])
def test_a_folder_with_something_in_it_is_refused_and_left_alone(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("somebody's")
    with pytest.raises(Refused, match="not ours"), a_folder(tmp_path).opened():
        pass
    assert there(tmp_path) == {name}


def test_somebody_elses_file_among_ours_is_neither_overwritten_nor_removed(tmp_path: Path) -> None:
    with a_folder(tmp_path).opened() as into:
        into.put(FILES)
        (tmp_path / "robots.txt").write_text("somebody's")
        into.put({"index.html": b"home"})
        with pytest.raises(Refused, match=r"robots\.txt"):
            into.put({"index.html": b"newer", "robots.txt": b"ours"})
    assert (tmp_path / "robots.txt").read_text() == "somebody's"
    assert (tmp_path / "index.html").read_bytes() == b"home"


def test_what_was_begun_and_not_finished_is_known_to_be_ours(tmp_path: Path) -> None:
    with a_folder(tmp_path).opened() as into:
        into.put({"index.html": b"home"})
        (tmp_path / "ja").write_text("a file where a folder must be")
        with pytest.raises(BadSettings, match="cannot be written"):
            into.put({"a.html": b"a", **FILES})
    assert (tmp_path / "a.html").read_bytes() == b"a"
    (tmp_path / "ja").unlink()
    with a_folder(tmp_path).opened() as into:
        into.put(FILES)
    assert "a.html" not in there(tmp_path)


def test_another_hubs_folder_is_refused(tmp_path: Path) -> None:
    with a_folder(tmp_path).opened() as into:
        into.put(FILES)
    with (
        pytest.raises(Refused, match="production hub of city"),
        a_folder(tmp_path, Deployment.REHEARSAL).opened(),
    ):
        pass


def test_two_do_not_write_into_one_folder(tmp_path: Path) -> None:
    with (
        a_folder(tmp_path).opened(),
        pytest.raises(Refused, match="another process"),
        a_folder(tmp_path).opened(),
    ):
        pass
    with (tmp_path / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_place_where_nothing_can_be_written_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(BadSettings, match="書き込めません"), a_folder(file / "site").opened():
        pass
    with pytest.raises(BadSettings, match="書き込めません"), a_folder(file).opened():
        pass
