"""Settings, keys, city or database that cannot work: every command says what is wrong and where, and stops."""

from pathlib import Path

import pytest

from tests.integration.command_line import account, add, change, hub, run
from tests.integration.test_cli_init import connected, own_city

LINE = "[channels.line]\naccess_token_file = 'token'"


@pytest.mark.parametrize(
    "command",
    [
        ("alerts",),
        ("alerts", "2026-0001"),
        ("shelters",),
        ("check",),
        ("serve",),
        ("approve", "x", "--as", "sato", "--level", "4"),
        ("send", "--as", "sato", "--template", "flood-4", "--whole-city", "--grounds", "x"),
        ("account", "add", "--login", "sato", "--name", "x", "--password", "x" * 12, "--role", "admin"),
    ],
    ids=lambda command: command[0],
)
def test_settings_that_are_not_there_are_named(tmp_path: Path, command: tuple[str, ...]) -> None:
    said = run(*command, "--settings", tmp_path / "none.toml")
    assert said.plain
    assert "none.toml" in said.err
    assert "yobikake init" in said.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", [("alerts",), ("shelters",), ("serve",)], ids=lambda command: command[0])
def test_a_hub_that_was_never_initialised_is_not_made_by_looking(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    settings = tmp_path / "yobikake.toml"
    settings.write_text('data = "data"\ncity = "akishima"')
    (tmp_path / "data").mkdir()
    said = run(*command, "-s", settings)
    assert said.plain
    assert "yobikake init" in said.err
    assert list((tmp_path / "data").iterdir()) == []


def test_the_place_of_an_unknown_key_is_printed_whole(tmp_path: Path) -> None:
    """A place in brackets looks like a colour to the library that prints it."""
    settings = hub(tmp_path / "a")
    add(settings, "[channels.mail]\nhost = 'localhost'\nsender = 'a@city.example'\nprot = 25")
    said = run("serve", "-s", settings)
    assert said.plain
    assert "[channels.mail] $: " in said.err
    assert "`prot`" in said.err


@pytest.mark.parametrize(
    ("stanza", "words"),
    [
        ("[channels.telex]\nnumber = 1", ["[channels.telex]", "mail, line, x"]),
        ("[channels.line]", ["[channels.line]", "access_token_file"]),
        (LINE, ["[channels.line] access_token_file", "token"]),
        ("[channels.voice]\naccount_sid = 3", ["[channels.voice]"]),
        ("[channels.wifi]\nfacilities = [3]\nsaved_dir='w'\ncontrollers = {}", ["[channels.wifi]", "[0]"]),
        ("[channels.website]\ndirectory = 'w'\ntitle = 't'", ["[channels.website]", "link"]),
        ("[channels.manual]\nsheets = [{ref = 'a', name = 'a', limit = 1}]", ["sheets[0].limit"]),
        (
            "[channels.mail]\nhost = 'smtp.example.lg.jp'\nsender = 'a@city.example'",
            ["[channels.mail] host", "--production"],
        ),
    ],
    ids=lambda value: value.partition("]")[0] if isinstance(value, str) else "",
)
def test_a_channel_that_cannot_work_keeps_the_hub_from_starting(
    tmp_path: Path, stanza: str, words: list[str]
) -> None:
    settings = hub(tmp_path / "a")
    add(settings, stanza)
    said = run("serve", "-s", settings)
    assert said.plain
    assert all(word in said.err for word in words), said.err


@pytest.mark.parametrize("secret", ["", "\n", "a\nb"])
def test_a_secret_that_is_none_is_named_and_not_shown(tmp_path: Path, secret: str) -> None:
    settings = hub(tmp_path / "a")
    (settings.parent / "token").write_text(secret)
    add(settings, LINE)
    said = run("serve", "-s", settings)
    assert said.plain
    assert str(settings.parent / "token") in said.err


@pytest.mark.parametrize(
    ("key", "content", "mode", "word"),
    [
        ("index.key", None, 0o600, "No such file"),
        ("record.key", "not base64!", 0o600, "base64"),
        ("record.key", "c2hvcnQ=", 0o600, "5 bytes"),
        ("field-1.key", "", 0o644, "chmod 600"),
    ],
)
def test_keys_that_cannot_be_used_are_named(
    tmp_path: Path, key: str, content: str | None, mode: int, word: str
) -> None:
    settings = hub(tmp_path / "a")
    path = settings.parent / "keys" / key
    path.unlink() if content is None else path.write_text(content)
    if content is not None:
        path.chmod(mode)
    for command in ("alerts", "serve", "init"):
        said = run(command, settings.parent) if command == "init" else run(command, "-s", settings)
        assert said.code == 2
        assert key in said.err
        assert word in said.err


def test_a_city_whose_folder_went_away_is_named(tmp_path: Path) -> None:
    town = own_city(tmp_path / "town")
    settings = hub(tmp_path / "a", "--city", str(town))
    town.rename(tmp_path / "moved")
    for command in ("alerts", "shelters", "serve"):
        said = run(command, "-s", settings)
        assert said.plain
        assert str(town) in said.err


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("city.toml", "code = ", "city.toml"),
        ("presets.toml", "presets = 3", "presets.toml"),
        ("shelters.csv", "code,ja\nE1,x,y\n", "shelters.csv line 2"),
        ("devices.toml", "devices = [{id = 'a'}]", "devices.toml"),
        ("crowding.toml", "some_from_percent = 'x'", "crowding.toml"),
        ("departments.toml", "departments = 3", "departments.toml"),
        ("stages.toml", "stages = 3", "stages.toml"),
        ("targets.toml", "decision_minutes = 0", "targets.toml"),
        ("boundary.geojson", "{}", "boundary.geojson"),
    ],
)
def test_a_file_of_the_city_that_was_broken_is_named(
    tmp_path: Path, name: str, content: str, word: str
) -> None:
    town = own_city(tmp_path / "town")
    settings = hub(tmp_path / "a", "--city", str(town))
    change(settings, "port = 8080", "port = 0")
    change(settings, "port = 8081", "port = 0")
    (town / name).write_text(content, encoding="utf-8")
    said = run("serve", "-s", settings)
    assert said.code == 2
    assert "Traceback" not in said.err
    assert word in said.err


def test_a_database_of_another_city_is_refused_everywhere(tmp_path: Path) -> None:
    settings = hub(tmp_path / "a")
    town = own_city(tmp_path / "town")
    change(town / "city.toml", 'code = "13207"', 'code = "13201"')
    change(town / "city.toml", 'code_with_check = "132071"', 'code_with_check = "132012"')
    change(settings, 'city = "akishima"', f'city = "{town}"')
    for command in ("alerts", "shelters", "serve"):
        said = run(command, "-s", settings)
        assert said.plain
        assert "132071" in said.err
        assert "132012" in said.err
    assert run("init", settings.parent).plain


def test_a_database_of_an_older_version_asks_for_init_and_init_is_enough(tmp_path: Path) -> None:
    settings = hub(tmp_path / "a")
    account(settings, "sato")
    with connected(settings) as database:
        kept = database.execute("SELECT kind, city_code, created_at FROM deployment").fetchall()
        database.execute("DELETE FROM alembic_version")
    said = run("alerts", "-s", settings)
    assert said.plain
    assert "yobikake init" in said.err
    with connected(settings) as database:
        assert database.execute("SELECT kind, city_code, created_at FROM deployment").fetchall() == kept


def test_a_production_hub_with_invented_telephone_numbers_does_not_start(tmp_path: Path) -> None:
    settings = hub(tmp_path / "a", "--production")
    said = run("serve", "-s", settings)
    assert said.plain
    assert "city.toml [contact] placeholder" in said.err


def test_a_proxy_or_an_authority_that_is_none_is_named(tmp_path: Path) -> None:
    settings = hub(tmp_path / "a")
    (settings.parent / "token").write_text("secret")
    (settings.parent / "ca.pem").write_text("no certificate")
    add(settings, f"{LINE}\nbase_url = 'http://127.0.0.1:1'\n[proxy]\nca_file = 'ca.pem'")
    said = run("serve", "-s", settings)
    assert said.code == 2
    assert "[proxy] ca_file" in said.err
    change(settings, "ca_file = 'ca.pem'", "url = 'http://proxy.example.lg.jp:8080'")
    said = run("serve", "-s", settings)
    assert said.plain
    assert "[proxy] url" in said.err
    change(settings, "url = 'http://proxy", "url = 'proxy")
    said = run("serve", "-s", settings)
    assert said.plain
    assert "$.proxy" in said.err


def test_the_database_breaking_down_under_a_command_is_said(tmp_path: Path) -> None:
    settings = hub(tmp_path / "a")
    with connected(settings) as database:
        database.execute("DROP TABLE alerts")
    said = run("alerts", "-s", settings)
    assert said.plain
    assert "[ledger] url" in said.err


def test_a_database_that_the_server_does_not_have_is_named(tmp_path: Path, postgresql_url: str) -> None:
    settings = tmp_path / "yobikake.toml"
    settings.write_text(f'data = "data"\ncity = "akishima"\n[ledger]\nurl = "{postgresql_url}_nowhere"')
    for command in (("init", tmp_path), ("shelters", "-s", settings), ("serve", "-s", settings)):
        said = run(*command)
        assert said.code == 2
        assert "_nowhere" in said.err
        assert "Traceback" not in said.err
    assert not (tmp_path / "keys").exists()
