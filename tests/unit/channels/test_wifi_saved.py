"""What was there before a disaster, on disk."""

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from channels.wifi.controller import Slot
from channels.wifi.saved import JsonFiles, Saved
from hub.errors import BadInput

SLOT = Slot("meraki", "N_24329156/3")
SAVED = Saved(
    ref="shiyakusho",
    name="市役所",
    slot=SLOT,
    saved_at=datetime(2026, 9, 8, 12, 47, tzinfo=UTC),
    given=("00000JAPAN", "kunren-wifi"),
    ssid={"name": "City-Free-Wi-Fi", "enabled": True, "psk": "kagi"},
)


def test_another_process_finds_what_was_kept(tmp_path: Path) -> None:
    JsonFiles(tmp_path / "saved").keep(SAVED)
    later = JsonFiles(tmp_path / "saved")
    assert later.get(SLOT) == SAVED
    assert list(later.all()) == [SAVED]


def test_what_is_forgotten_is_gone_and_may_be_forgotten_twice(tmp_path: Path) -> None:
    files = JsonFiles(tmp_path)
    files.keep(SAVED)
    files.forget(SLOT)
    files.forget(SLOT)
    assert files.get(SLOT) is None
    assert not files.all()


def test_nothing_is_kept_where_there_is_no_folder_yet(tmp_path: Path) -> None:
    files = JsonFiles(tmp_path / "never")
    assert files.get(SLOT) is None
    assert not files.all()


def test_only_the_hubs_user_reads_it(tmp_path: Path) -> None:
    JsonFiles(tmp_path).keep(SAVED)
    (path,) = tmp_path.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_damaged_file_is_named_and_hides_no_other(tmp_path: Path) -> None:
    files = JsonFiles(tmp_path)
    files.keep(SAVED)
    (tmp_path / "meraki.N_1%2F0.json").write_text("{")
    with pytest.raises(BadInput, match=r"N_1%2F0\.json"):
        files.get(Slot("meraki", "N_1/0"))
    assert list(files.all()) == [SAVED]
