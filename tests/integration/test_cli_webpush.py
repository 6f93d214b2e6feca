"""`yobikake webpush keys`."""

import stat
from pathlib import Path

from hub.subscription import decoded
from tests.integration.command_line import run


def test_the_key_is_made_once_and_its_public_half_is_shown(tmp_path: Path) -> None:
    file = tmp_path / "webpush-key"
    said = run("webpush", "keys", file)
    assert said.code == 0
    public = said.out.split()[-1]
    assert (len(decoded(public)), decoded(public)[0]) == (65, 4)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    secret = file.read_text()
    assert secret.strip() not in said.out + said.err
    again = run("webpush", "keys", file)
    assert again.code == 2
    assert "すでにあります" in again.err
    assert file.read_text() == secret


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    said = run("webpush", "keys", tmp_path / "none" / "key")
    assert said.code == 2
    assert "書き込めません" in said.err
