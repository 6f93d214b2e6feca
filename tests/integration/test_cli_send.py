"""`yobikake send`, `approve`, `alerts` and `shelters`: two people, and a clear answer to every slip."""

import asyncio
import json
import re
import shutil
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from config import folder
from hub import city as cities
from hub import codec
from hub import keys as key_files
from hub.authorise import Actor, Role
from hub.city import City, Preset
from hub.clock import JST, utc_now
from hub.draft import Message
from hub.groups import Groups
from hub.language import Language
from hub.ledger import Ledger, sqlite_url
from hub.place import Name
from hub.recipient import Towns
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
        ({"leave-out": "fax=故障"}, ["--leave-out fax", "manual"]),
        ({"leave-out": "manual"}, ["--leave-out", "NAME=VALUE"]),
        ({"leave-out": "manual=点検中"}, ["--leave-out", "使う手段が残っていません"]),
        ({"value": "place=市役所"}, ["--value place", "flood-4 asks for nothing"]),
        ({"template": "missing-person", "value": "person=hero"}, ["--value person", "woman", "boy"]),
        ({"template": "heat"}, ["--value heat_index", "--value day", "暑さ指数"]),
        ({"template": "heat", "value": "heat_index=99"}, ["--value heat_index", "50"]),
        ({"template": "storm_surge-4"}, ["--template", "flood-4"]),
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


def test_what_the_template_asks_for_is_typed_once_and_stands_in_every_language(settings: Path) -> None:
    asked = ("place=中央公園", "place.en=Chuo Park", "from_at=2026-12-10T12:30")
    options = [part for each in asked for part in ("--value", each)]
    said = send(settings, *options, template="water-point")
    assert said.code == 0, said.err
    (message,) = messages(settings)
    by_language = {info.language: info.description for info in message.infos}
    assert "中央公園" in by_language[Language.JA]
    assert "12月10日12時30分" in by_language[Language.JA]
    assert all("Chuo Park" in text for language, text in by_language.items() if language is Language.NE)


def test_a_channel_is_left_out_with_a_reason_and_the_approver_reads_it(settings: Path) -> None:
    add(settings, '[channels.website]\ndirectory = "site"\ntitle = "緊急情報"\nlink = "http://127.0.0.1/"')
    said = send(settings, "--leave-out", "website=工事中")
    assert said.code == 0, said.err
    (message,) = messages(settings)
    assert (message.targeting.channels, message.why_left_out) == (("manual",), {"website": "工事中"})
    (draft,) = re.findall(r"approve (\S+) --as LOGIN --show", said.out)
    shown = run("approve", draft, "-s", settings, "--as", "tanaka", "--show", typed=[PASSWORD])
    assert "website (工事中)" in shown.out


def test_a_group_made_in_the_console_is_an_area(settings: Path) -> None:
    city = cities.load(folder("akishima"))
    group = msgspec.structs.replace(
        city.presets["tamagawa-flood"],
        code="station",
        name=Name(ja="駅の近く", en="Near the station"),
        area=Name(ja="昭和町", en="Showa-cho"),
        towns=tuple(town for town, each in city.towns.items() if each.name.ja.startswith("昭和町")),
    )
    asyncio.run(_lay(settings, city, group))
    said = send(settings, area="station")
    assert said.code == 0, said.err
    (message,) = messages(settings)
    assert message.targeting.audience == Towns(towns=group.towns)
    assert message.area.description == "駅の近く"


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


def test_what_is_approved_for_a_time_waits_for_it(settings: Path) -> None:
    draft = submitted(settings)
    for at in ("tomorrow", "2020-01-01T09:00"):
        refused = approve(settings, draft, "tanaka", 4, "--at", at)
        assert refused.plain, at
        assert drafts(settings) == {"submitted"}
    at = (utc_now() + timedelta(days=1)).astimezone(JST).replace(second=0, microsecond=0, tzinfo=None)
    said = approve(settings, draft, "tanaka", 4, "--at", at.isoformat(timespec="minutes"))
    assert said.code == 0, said.err
    assert f"{at:%m-%d %H:%M}" in said.out
    assert drafts(settings) == {"scheduled"}
    assert json.loads(run("alerts", "-s", settings, "--json").out) == []


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
    assert {(site["stage"], site["people"], site["full_at"]) for site in sites} == {("unopened", None, None)}
    assert not any(site["ahead"] for site in sites)
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


async def _lay(settings: Path, city: City, group: Preset) -> None:
    keys, who = key_files.load(settings.parent / "keys"), frozenset({Role.ADMIN})
    ledger = Ledger(sqlite_url(settings.parent / "data" / "ledger.db"))
    await ledger.open()
    try:
        await ledger.write(
            lambda conn: Groups(city.presets, city.towns).set_group(
                conn, keys, group.code, group, Actor(login="a", name="a", roles=who), seen=0, at=utc_now()
            )
        )
    finally:
        await ledger.close()


def messages(settings: Path) -> list[Message]:
    with connected(settings) as database:
        found = database.execute("SELECT payload FROM drafts ORDER BY created_at").fetchall()
    return [codec.decode(Message, payload, what="draft") for (payload,) in found]


def drafts(settings: Path) -> set[str]:
    with connected(settings) as database:
        return {state for (state,) in database.execute("SELECT state FROM drafts")}
