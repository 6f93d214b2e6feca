"""`yobikake send`, `approve`, `alerts` and `shelters`: two people, and a clear answer to every slip."""

import json
import re
import shutil
from pathlib import Path

import pytest

from hub.clock import utc_now
from tests.integration.command_line import PASSWORD, Said, account, add, hub, run
from tests.integration.test_cli_init import connected

ORDER = {
    "--as": "sato",
    "--template": "flood-4",
    "--area": "tamagawa-flood",
    "--grounds": "石原 氾濫危険水位",
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = hub(tmp_path_factory.mktemp("prepared") / "a")
    add(made, "[channels.manual]")
    account(made, "sato")
    account(made, "tanaka")
    return made.parent


@pytest.fixture
def settings(tmp_path: Path, prepared: Path) -> Path:
    """A hub of its own for each test; making accounts is slow on purpose."""
    return shutil.copytree(prepared, tmp_path / "a") / "yobikake.toml"


def send(settings: Path, *more: str, typed: str = PASSWORD, **changed: str) -> Said:
    options = ORDER | {f"--{name}": value for name, value in changed.items()}
    return run(
        "send",
        "-s",
        settings,
        *(part for option in options.items() if option[1] for part in option),
        *more,
        typed=[typed],
    )


def approve(
    settings: Path, draft: str, login: str, level: int, *more: str, typed: str = PASSWORD, version: int = 2
) -> Said:
    return run(
        "approve",
        draft,
        *("-s", settings, "--as", login, "--level", str(level), "--version", str(version)),
        *more,
        typed=[typed],
    )


def submitted(settings: Path) -> str:
    said = send(settings)
    assert said.code == 0, said.err
    found = re.search(r"[0-9a-f]{8}-[0-9a-f-]{27}", said.out)
    assert found
    return found[0]


def test_one_prepares_another_approves_and_everybody_sees_it(settings: Path) -> None:
    said = approve(settings, submitted(settings), "tanaka", 4)
    assert said.code == 0, said.err
    number = f"{utc_now().year}-0001"
    assert number in said.out
    listed = run("alerts", "-s", settings)
    assert number in listed.out
    assert "in force" in listed.out
    (told,) = json.loads(run("alerts", "-s", settings, "--json").out)
    assert (told["number"], told["mode"], told["level"]) == (number, "staff_drill", 4)
    one = run("alerts", number, "-s", settings)
    assert one.code == 0
    assert "yobikake serve" in one.out


def test_a_correction_is_there_to_be_submitted_and_approved(settings: Path) -> None:
    draft = submitted(settings)
    number = f"{utc_now().year}-0001"
    early = run("correct", number, "-s", settings, "--as", "tanaka", typed=[PASSWORD])
    assert early.plain
    assert approve(settings, draft, "tanaka", 4).code == 0

    shown = run("correct", number, "-s", settings, "--as", "tanaka", "--show", typed=[PASSWORD])
    assert (shown.code, "prepared" in shown.out, "誤り" in shown.out) == (0, True, True)
    said = run("correct", number, "-s", settings, "--as", "tanaka", typed=[PASSWORD])
    assert said.code == 0, said.err
    correction = re.search(r"approve (\S+) --as LOGIN --level 0 --version (\d)", said.out)
    assert correction
    again = run("correct", number, "-s", settings, "--as", "sato", typed=[PASSWORD])
    assert correction[0] in again.out, "there is one"
    id_, version = correction[1], int(correction[2])
    assert approve(settings, id_, "sato", 0, version=version).code == 0
    (newest, corrected) = json.loads(run("alerts", "-s", settings, "--json").out)
    assert (newest["level"], corrected["state"]) == (None, "superseded")

    told = approve(settings, id_, "sato", 0, version=version)
    assert told.plain
    assert newest["number"] in told.err, "whose answer was lost is told what was sent"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"template": "flood-9"}, ["--template", "flood-4"]),
        ({"area": "atlantis"}, ["--area", "tamagawa-flood"]),
        ({"area": ""}, ["--area", "--whole-city"]),
        ({"channel": "fax"}, ["--channel", "manual"]),
        ({"grounds": " "}, ["grounds", "根拠"]),
        ({"template": "correction"}, ["correction", "earlier"]),
        ({"as": "nobody"}, ["Login or password"]),
    ],
    ids=str,
)
def test_an_order_that_cannot_be_sent_is_answered_with_what_there_is(
    settings: Path, changed: dict[str, str], words: list[str]
) -> None:
    said = send(settings, **changed)
    assert said.code == 2
    assert "Traceback" not in said.err
    assert all(word in said.err for word in words), said.err
    assert drafts(settings) <= {"editing"}


@pytest.mark.parametrize(("option", "value"), [("mode", "real"), ("method", "dice"), ("hours", "48")])
def test_a_word_that_is_no_choice_is_answered_with_the_choices(
    settings: Path, option: str, value: str
) -> None:
    said = send(settings, **{option: value})
    assert said.code == 2
    assert f"--{option}" in said.err


def test_the_whole_city_is_never_a_default(settings: Path) -> None:
    assert send(settings, "--whole-city").plain
    assert drafts(settings) == set()


def test_a_hub_without_channels_has_nothing_to_send_by(tmp_path: Path) -> None:
    made = hub(tmp_path / "a")
    account(made, "sato")
    said = send(made)
    assert said.plain
    assert "[channels." in said.err


def test_a_wrong_password_sends_nothing(settings: Path) -> None:
    said = send(settings, typed="wrong horse battery")
    assert said.plain
    assert drafts(settings) == set()
    draft = submitted(settings)
    assert approve(settings, draft, "tanaka", 4, typed="wrong horse battery").plain
    assert drafts(settings) == {"submitted"}


def test_somebody_without_the_right_neither_prepares_nor_approves(settings: Path) -> None:
    account(settings, "mori", "viewer")
    said = send(settings, **{"as": "mori"})
    assert said.plain
    assert "composer" in said.err
    draft = submitted(settings)
    assert approve(settings, draft, "mori", 4).plain
    assert drafts(settings) == {"submitted"}


def test_the_author_does_not_approve(tmp_path: Path, settings: Path) -> None:
    said = send(settings, mode="live")
    assert said.code == 0, said.err
    draft = re.search(r"[0-9a-f]{8}-[0-9a-f-]{27}", said.out)
    assert draft
    said = approve(settings, draft[0], "sato", 4)
    assert said.plain
    assert "author" in said.err
    assert drafts(settings) == {"submitted"}


@pytest.mark.parametrize("level", [0, 3, 6, -1])
def test_another_level_than_the_drafts_approves_nothing(settings: Path, level: int) -> None:
    said = approve(settings, submitted(settings), "tanaka", level)
    assert said.code == 2
    assert "Traceback" not in said.err
    assert drafts(settings) == {"submitted"}


def test_what_is_approved_is_the_version_that_was_read(settings: Path) -> None:
    said = send(settings)
    assert re.search(r"--level 4 --version 2$", said.out, re.MULTILINE), said.out
    draft = submitted(settings)
    shown = run("approve", draft, "-s", settings, "--as", "tanaka", "--show", typed=[PASSWORD])
    assert shown.code == 0, shown.err
    assert all(
        word in shown.out for word in ("version 2", "staff_drill", "sato", "石原 氾濫危険水位", "避難指示")
    )
    assert approve(settings, draft, "tanaka", 4, version=1).plain
    assert drafts(settings) == {"submitted"}


@pytest.mark.parametrize("given", [("--level", "4"), ("--version", "2")], ids=str)
def test_nothing_is_approved_unseen(settings: Path, given: tuple[str, str]) -> None:
    said = run("approve", submitted(settings), "-s", settings, "--as", "tanaka", *given, typed=[PASSWORD])
    assert said.plain
    assert "--show" in said.err
    assert drafts(settings) == {"submitted"}


def test_a_draft_is_approved_once_and_one_that_is_not_there_never(settings: Path) -> None:
    draft = submitted(settings)
    assert approve(settings, draft, "tanaka", 4).code == 0
    assert approve(settings, draft, "tanaka", 4).plain
    assert approve(settings, "../../etc/passwd", "tanaka", 4).plain
    assert json.loads(run("alerts", "-s", settings, "--json").out)[1:] == []


def test_an_empty_hub_says_so(settings: Path) -> None:
    assert "まだ配信はありません" in run("alerts", "-s", settings).out
    assert json.loads(run("alerts", "-s", settings, "--json").out) == []
    assert run("alerts", "2026-9999", "-s", settings).plain
    sites = json.loads(run("shelters", "-s", settings, "--json").out)
    assert {(site["stage"], site["people"]) for site in sites} == {("unopened", None)}
    assert "未開設" in run("shelters", "-s", settings).out


def test_looking_at_shelters_makes_no_file(settings: Path) -> None:
    run("shelters", "-s", settings)
    assert [path.name for path in (settings.parent / "data").glob("occupancy*")] == []


def test_keys_of_another_hub_open_nothing_and_say_so(settings: Path, tmp_path: Path) -> None:
    assert approve(settings, submitted(settings), "tanaka", 4).code == 0
    other = hub(tmp_path / "b")
    (settings.parent / "keys").rename(tmp_path / "kept")
    (other.parent / "keys").rename(settings.parent / "keys")
    said = run("check", "-s", settings)
    assert said.code == 1
    assert "FAIL audit" in said.out
    assert "another hub's keys" in said.out


def drafts(settings: Path) -> set[str]:
    with connected(settings) as database:
        return {state for (state,) in database.execute("SELECT state FROM drafts")}
