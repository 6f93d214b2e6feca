"""`yobikake muster`: staff are called, counted, called again and told not to come, from a terminal."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from hub import keys as key_files
from hub import mustering, roster
from hub.authorise import Actor, Role
from hub.clock import utc_now
from hub.ledger import Ledger, sqlite_url
from hub.muster import Answer
from hub.recipient import RecipientId
from hub.roster import Key, Typed
from tests.integration.command_line import PASSWORD, Said, account, add, hub, run

SITE = "E1320700001"
SATO = Actor(login="sato", name="佐藤", roles=frozenset(Role))
MAIL = """[channels.mail]
host = "127.0.0.1"
port = 25
security = "none"
sender = "bosai@city.example"
"""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hub whose staff list has three, two of whom hold a shelter's keys."""
    made = hub(tmp_path_factory.mktemp("muster") / "a")
    add(made, MAIL)
    account(made, "sato", "composer")
    asyncio.run(_staff(made))
    return made


async def _staff(made: Path) -> None:
    keys, ledger = (
        key_files.load(made.parent / "keys"),
        Ledger(sqlite_url(made.parent / "data" / "ledger.db")),
    )
    await ledger.open()
    try:
        for number, (name, holds) in enumerate((("青葉 明", 1), ("泉 恵子", 2), ("宇野 学", 0))):
            typed = Typed(
                name=name,
                contacts={"mail": f"s{number}@work.example"},
                groups=("disaster",),
                keys=(Key(site=SITE, choice=holds),) if holds else (),
            )
            await ledger.write(
                lambda conn, typed=typed, number=number: roster.set_person(
                    conn,
                    keys,
                    typed,
                    SATO,
                    old=None,
                    known={"disaster", f"keys:{SITE}"},
                    seen=number,
                    at=utc_now(),
                )
            )
    finally:
        await ledger.close()


async def _answer(made: Path, number: int, name: str, given: Answer) -> None:
    keys, ledger = (
        key_files.load(made.parent / "keys"),
        Ledger(sqlite_url(made.parent / "data" / "ledger.db")),
    )
    await ledger.open()
    try:
        kept, _ = await ledger.read(lambda conn: roster.listed(conn, keys))
        (who,) = (each.recipient for each in kept.people if each.name == name)
        await mustering.answer(ledger, keys, number, RecipientId(who), given, actor=SATO, at=utc_now())
    finally:
        await ledger.close()


def muster(settings: Path, *arguments: str, typed: str = PASSWORD) -> Said:
    return run("muster", *arguments, "-s", settings, typed=[typed])


def told(settings: Path, *arguments: str) -> Any:
    return answered(muster(settings, *arguments, "--json"))


def answered(said: Said) -> Any:
    """Here, and here alone, the log stands in front of the answer."""
    assert said.code == 0, said.err
    return json.loads(said.out.splitlines()[-1])


def call(settings: Path, *more: str, group: str = "disaster") -> Said:
    return muster(
        settings, "call", "--as", "sato", "--reason", "水位が上がっているため", "--group", group, *more
    )


def test_staff_are_called_counted_called_again_and_told_not_to_come(settings: Path) -> None:
    assert {each["code"]: each["people"] for each in told(settings, "groups")} == {
        "disaster": 3,
        f"keys:{SITE}": 2,
    }
    number = str(answered(call(settings, "--group", "keys", "--json"))["number"])
    asyncio.run(_answer(settings, int(number), "泉 恵子", Answer.IN_30))
    found = told(settings, "show", number)
    assert (found["called"], found["coming"], found["silent"], found["answers"]["30"]) == (3, 1, 2, 1)
    assert [each["opened_by"] for each in found["shelters"]] == ["泉 恵子"]
    assert "泉 恵子" in muster(settings, "show", number).out
    assert told(settings, "again", number, "--as", "sato") == {"number": int(number), "people": 2}
    assert told(settings, "cancel", number, "--as", "sato") == {"number": int(number), "ended": True}
    assert [each["state"] for each in told(settings, "list")] == ["cancelled"]
    assert muster(settings, "again", number, "--as", "sato").plain, "it is over"


def test_what_cannot_be_called_is_answered_with_what_there_is(settings: Path) -> None:
    for said, words in (
        (call(settings, group="fire"), ["--group", "disaster"]),
        (call(settings, "--channel", "fax"), ["--channel", "mail"]),
        (call(settings, "--mode", "resident_drill"), ["--mode", "staff_drill"]),
        (muster(settings, "show", "99"), ["muster 99"]),
        (muster(settings, "cancel", "99", "--as", "sato", typed="wrong horse battery"), ["password"]),
    ):
        assert said.plain, said
        assert all(word in said.err for word in words), said.err
