"""`yobikake export-site` as whoever runs the web server runs it."""

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

import pytest

from hub import keys as key_files
from hub import settings as settings_files
from hub.clock import utc_now
from hub.ledger import Ledger
from tests.integration.command_line import hub, run, run_apart, started
from tests.unit.residents.portal_setup import Shelters, Town, flood_order


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    return hub(tmp_path / "a")


def test_the_site_is_there_and_what_was_written_is_named(settings: Path, tmp_path: Path) -> None:
    said = run("export-site", "-s", settings, "--to", tmp_path / "site", "--json")
    assert (said.code, said.err) == (0, "")
    found = json.loads(said.out)
    assert {"index.html", "ja/index.html", "ne/index.html", "api/alerts.json"} <= set(found["written"])
    assert (found["removed"], found["unchanged"]) == ([], 0)
    for path in found["written"]:
        assert (tmp_path / "site" / path).is_file()
        assert (tmp_path / "site" / f"{path}.gz").is_file()
    assert "訓練用の町" in (tmp_path / "site" / "index.html").read_text()
    again = json.loads(run("export-site", "-s", settings, "--to", tmp_path / "site", "--json").out)
    assert "sw.js" not in again["written"]
    assert again["unchanged"] > 0
    assert "written / 書き込み" in run("export-site", "-s", settings, "--to", tmp_path / "site").out


def test_a_folder_that_cannot_be_used_is_refused_in_words(settings: Path, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "theirs.html").write_text("x")
    for folder in (
        tmp_path / "full",
        tmp_path / "full" / "theirs.html",
        tmp_path / "full" / "theirs.html" / "x",
    ):
        said = run("export-site", "-s", settings, "--to", folder)
        assert said.plain, said
        assert str(folder) in said.err
    assert [each.name for each in (tmp_path / "full").iterdir()] == ["theirs.html"]
    assert run("export-site", "-s", settings).code == 2


async def test_it_follows_what_changes_until_it_is_told_to_end(settings: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    async with started("export-site", "-s", settings, "--to", site, "--watch", "--json") as process:
        assert process.stdout is not None
        first = json.loads(await process.stdout.readline())
        assert "index.html" in first["written"]
        assert (await run_apart("export-site", "-s", settings, "--to", site)).code == 2
        await publish(settings)
        seen = await until(process.stdout, "ja/a/2026-0147.html")
        assert seen.index("ja/a/2026-0147.html") < seen.index("ja/index.html"), "before what links to it"
        assert "避難指示" in (site / "ja" / "index.html").read_text()
        process.send_signal(signal.SIGTERM)
        _, err = await process.communicate()
    assert process.returncode == 0
    assert "停止しました" in err.decode()
    assert "Traceback" not in err.decode()
    assert "避難指示" in (site / "ja" / "index.html").read_text()


async def until(lines: asyncio.StreamReader, path: str) -> list[str]:
    while line := await lines.readline():
        found: dict[str, Any] = json.loads(line)
        if path in found["written"]:
            return list(found["written"])
    raise AssertionError("it ended")


async def publish(path: Path) -> None:
    found = settings_files.load(path)
    ledger = Ledger(found.ledger_url)
    await ledger.open()
    try:
        town = Town(ledger=ledger, keys=key_files.load(found.keys), shelters=Shelters())
        await town.publish(flood_order(sent=utc_now()), "2026-0147")
    finally:
        await ledger.close()
