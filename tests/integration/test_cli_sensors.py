"""What `yobikake sensors` answers, for people and for programs."""

import json
import shutil
from pathlib import Path

import config
from tests.integration.command_line import run

GOOD = {"vendor": "milesight", "model": "vs350", "fport": 85, "payload_hex": "04CC12001600"}
BAD = GOOD | {"payload_hex": "04CC1200"}


def test_a_file_is_decoded_in_its_order_and_a_bad_one_spoils_no_other(tmp_path: Path) -> None:
    file = tmp_path / "uplinks.json"
    file.write_text(json.dumps([GOOD, BAD, GOOD | {"source": "somewhere"}]), encoding="utf-8")
    said = run("sensors", "decode", "--file", file, "--json")
    good, bad, again = json.loads(said.out)
    assert good == again == {
        "model": "vs350", "payload_hex": "04CC12001600", "decoded": {"total_in": 18, "total_out": 22},
    }  # fmt: skip
    assert bad["decoded"] is None
    assert bad["error"].startswith("byte 4: total_out has 2 bytes")
    assert said.code == 1


def test_an_entry_of_the_wrong_shape_is_named_and_spoils_no_other(tmp_path: Path) -> None:
    file = tmp_path / "uplinks.json"
    wrong: list[object] = [
        {"vendor": 1, "model": "vs350"},
        7,
        GOOD | {"fport": 300},
        GOOD | {"payload_hex": None},
    ]
    file.write_text(json.dumps([GOOD, *wrong, GOOD]), encoding="utf-8")
    said = run("sensors", "decode", "--file", file, "--json")
    rows = json.loads(said.out)
    assert said.code == 1
    assert [row["decoded"] is not None for row in rows] == [True, False, False, False, False, True]
    for row, place in zip(rows[1:5], ("$[1].vendor", "$[2]", "$[3].fport", "$[4].payload_hex"), strict=True):
        assert row["error"].startswith(f"{place}: ")
    assert rows[1]["model"] == "vs350"


def test_a_vs133_has_two_makers_names(tmp_path: Path) -> None:
    line = {"vendor": "milesight", "model": "vs133", "fport": 85, "payload_hex": "03D24800000004D2C8000000"}
    flat, nested = (
        {"line_1_total_in": 72, "line_1_total_out": 200},
        {"line_1": {"total_in": 72, "total_out": 200}},
    )
    file = tmp_path / "uplinks.json"
    readme = line | {"source": "Milesight-IoT/SensorDecoders vs-series/vs133/README.md"}
    file.write_text(json.dumps([line, readme]), encoding="utf-8")

    def names(*more: str) -> list[object]:
        found = json.loads(run("sensors", "decode", "--file", file, "--json", *more).out)
        return [row["decoded"] for row in found]

    assert names() == [nested, flat]
    assert names("--names", "flat") == [flat, flat]
    assert names("--names", "nested") == [nested, nested]


def test_one_uplink_is_typed() -> None:
    said = run("sensors", "decode", "--model", "vs340", "017564030001", "--json")
    assert json.loads(said.out)[0]["decoded"] == {"battery": 100, "occupancy": "occupied"}
    shown = run("sensors", "decode", "--model", "vs340", "017564030001")
    assert ["occupancy", "occupied"] in [line.split() for line in shown.out.splitlines()]


def test_what_is_wrong_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "uplinks.json").write_text('{"vendor": 1}', encoding="utf-8")
    deep = "[" * 100_000 + "]" * 100_000
    (tmp_path / "deep.json").write_text(f'[{{"vendor": "milesight", "x": {deep}}}]', encoding="utf-8")
    wrong = [
        ["--file", tmp_path / "deep.json"],
        ["--model", "vs340", "0175"],
        ["--model", "vs340", "xyz"],
        ["--model", "vs999", "01"],
        [],
        ["--file", tmp_path / "none.json"],
        ["--file", __file__],
        ["--file", tmp_path / "uplinks.json"],
    ]
    for arguments in wrong:
        said = run("sensors", "decode", *arguments)
        assert said.plain, (arguments, said)


def test_a_hub_says_how_its_devices_are(tmp_path: Path) -> None:
    made = run("init", tmp_path / "city", "--without-account")
    assert made.code == 0, made
    settings = tmp_path / "city" / "yobikake.toml"
    key = json.loads(run("sensors", "key", "lorawan", "--json").out)
    assert key["token"] not in key["sha256"]
    site = "E1320700025"
    folder = shutil.copytree(Path(str(config.folder("akishima"))), tmp_path / "city" / "akishima")
    (folder / "devices.toml").write_text(
        f'[[keys]]\nname = "lorawan"\nsha256 = "{key["sha256"]}"\n'
        f'[[doors]]\nsite = "{site}"\nnames = ["front", "back"]\n'
        f'[[devices]]\nid = "north"\nsite = "{site}"\ncounts = "door_totals"\nkey = "lorawan"\n'
        'interval_s = 600\ndoor = "front"\n',
        encoding="utf-8",
    )
    told = json.loads(run("sensors", "list", "-s", settings, "--json").out)
    assert [(row["device"], row["silent"], row["heard_at"]) for row in told["devices"]] == [
        ("north", True, None)
    ]
    assert told["doors_without_counter"] == {site: ["back"]}
    assert told["not_registered"] == {}
    assert json.loads(run("sensors", "quarantine", "-s", settings, "--json").out) == []
    shown = run("sensors", "list", "-s", settings)
    assert "north" in shown.out
    assert "back" in shown.out
    assert "Nothing was refused" in run("sensors", "quarantine", "-s", settings).out
    written = tmp_path / "written.toml"
    assert run("sensors", "export", written, "-s", settings).code == 0
    text = written.read_text(encoding="utf-8")
    assert key["token"] not in text
    written.write_text(text.replace('id = "north"', 'id = "south"'), encoding="utf-8")
    tried = json.loads(run("sensors", "import", written, "-s", settings, "--dry-run", "--json").out)
    assert (tried["devices"], tried["retired"], tried["dry_run"]) == (1, ["north"], True)
    assert "north" in run("sensors", "list", "-s", settings).out
    assert run("sensors", "import", written, "-s", settings).code == 0
    told = json.loads(run("sensors", "list", "-s", settings, "--json").out)
    assert [row["device"] for row in told["devices"]] == ["south"]
    refused = run("sensors", "import", folder / "devices.toml", "-s", settings)
    assert "devices.toml north id" in refused.err
    assert (
        run("sensors", "export", "-s", settings).out == run("sensors", "export", "-s", settings).out != text
    )
