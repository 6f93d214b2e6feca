"""`yobikake bounces`, and the role that reads them in a process of its own."""

import asyncio
import json
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Connection

from channels.mail.intake import maildir
from hub import keys as key_files
from hub import settings as hub_settings
from hub.clock import utc_now
from hub.delivery import Variant
from hub.keys import Keys
from hub.language import Language
from hub.ledger import alerts, audit, bounces, packs, register
from hub.ledger.bounces import Noted
from hub.ledger.register import Registration
from hub.recipient import Kind, RecipientId
from hub.testing.alerts import an_alert
from tests.integration.bounce_mails import QUESTION, report
from tests.integration.command_line import add, change, hub, run, started
from tests.integration.engine import until
from yobikake.initialise import opened

MAIL = """
[channels.mail]
host = "127.0.0.1"
port = 1
security = "none"
sender = "bousai@city.example"
bounces = "bounces@city.example"
"""


@pytest.fixture
def made(tmp_path: Path) -> Path:
    return hub(tmp_path / "hub")


# --- classify and score ---


def test_classify_prints_one_object_for_each_file_in_order(tmp_path: Path) -> None:
    bounce, question = tmp_path / "bounce.eml", tmp_path / "question.eml"
    bounce.write_bytes(report(UUID(int=1), "sato@example.jp"))
    question.write_bytes(QUESTION)
    said = run("bounces", "classify", question, bounce, "--json")
    assert (said.code, said.err) == (0, "")
    assert json.loads(said.out) == [
        {"file": str(question), "bounces": []},
        {
            "file": str(bounce),
            "bounces": [{"recipient": "sato@example.jp", "kind": "hard", "reason": "userunknown"}],
        },
    ]
    shown = run("bounces", "classify", bounce)
    assert "userunknown" in shown.out


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    bounce = tmp_path / "bounce.eml"
    bounce.write_bytes(report(UUID(int=1), "sato@example.jp"))
    for unreadable in (tmp_path / "none.eml", tmp_path):
        said = run("bounces", "classify", bounce, unreadable, "--json")
        assert said.plain
        assert str(unreadable) in said.err


def test_a_folder_is_scored_against_its_labels(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(report(UUID(int=1), "sato@example.jp"))
    (tmp_path / "b.eml").write_bytes(report(UUID(int=1), "tanaka@example.jp"))
    labels = {
        "a.eml": [{"recipient": "Sato@example.jp", "reason": "userunknown", "softbounce": 0}],
        "b.eml": [{"recipient": "other@example.jp", "reason": "filtered", "softbounce": 1}],
    }
    (tmp_path / "expected_sisimai.json").write_text(json.dumps(labels))
    said = run("bounces", "score", tmp_path, "--json")
    parts = json.loads(said.out)["sisimai"].values()
    assert sum(part["mails"] for part in parts) == 2
    assert {part["recipient_recall"] for part in parts} <= {0.0, 0.5, 1.0}
    assert "sisimai" in run("bounces", "score", tmp_path).out
    assert run("bounces", "score", tmp_path / "nowhere").plain


# --- list and lift ---


def _held_back(conn: Connection, keys: Keys) -> list[RecipientId]:
    people = [
        Registration(kind=Kind.RESIDENT, language=Language.JA, contacts={"mail": f"p{i}@example.jp"})
        for i in range(2)
    ]
    ids = register.add(conn, keys, people, at=utc_now())
    for number, name in enumerate(("a-1", "a-2"), 1):
        alerts.insert_alert(
            conn, keys, an_alert(identifier=name, sent=utc_now()), number=f"2026-{number:04}",
            digest=bytes(32), author="a", approver="b", break_glass=None,
        )  # fmt: skip
        bounces.note(
            conn, "mail", [Noted(who, name, True, False, "userunknown 5.1.1") for who in ids], at=utc_now()
        )
    register.rebuild(conn, keys)
    bounces.settle(conn, keys, "mail", at=utc_now())
    return ids


async def _prepared(made: Path) -> list[RecipientId]:
    found = hub_settings.load(made)
    async with opened(found) as ledger:
        return await ledger.write(partial(_held_back, keys=key_files.load(found.keys)))


async def _suppressed(made: Path) -> tuple[set[bool], list[str]]:
    """What sending would see, and what the audit trail holds."""
    found = hub_settings.load(made)
    keys = key_files.load(found.keys)
    async with opened(found) as ledger:
        held = await ledger.read(
            lambda conn: [
                each.suppressed
                for pack in packs.some(conn, "mail", Variant(Language.JA, None), after=0, limit=9)
                for each in pack.traits.kinds
            ]
        )
        await ledger.read(partial(audit.verify, keys=keys))
        actions = await ledger.read(
            lambda conn: [row[0] for row in conn.exec_driver_sql("SELECT action FROM audit").all()]
        )
    return set(held), actions


def test_who_is_held_back_is_listed_without_addresses_and_lifted(made: Path) -> None:
    ids = asyncio.run(_prepared(made))
    assert asyncio.run(_suppressed(made))[0] == {True}
    said = run("bounces", "list", "-s", made, "--json")
    assert {each["id"] for each in json.loads(said.out)} == set(ids)
    assert "example.jp" not in said.out + said.err
    assert "p0@example.jp" in run("bounces", "list", "-s", made, "--addresses").out
    assert run("bounces", "lift", "-s", made).plain
    assert run("bounces", "lift", "99", "-s", made).plain
    assert json.loads(run("bounces", "lift", str(ids[0]), "-s", made, "--json").out) == {"lifted": 1}
    assert json.loads(run("bounces", "lift", "--all", "-s", made, "--json").out) == {"lifted": 1}
    assert json.loads(run("bounces", "list", "-s", made, "--json").out) == []
    held, actions = asyncio.run(_suppressed(made))
    assert held == {False}, "the packs know"
    assert actions.count("bounces.lift") == 2


# --- the role ---


async def test_the_role_reads_a_maildir_in_a_process_of_its_own(made: Path, tmp_path: Path) -> None:
    add(made, MAIL + '[channels.mail.bounces_from]\nmaildir_dir = "bounces"\nevery_s = 0.1\n')
    box = made.parent / "bounces"
    maildir.make(box)
    maildir.keep(box, QUESTION)
    async with started("serve", "-s", made, "--role", "bounces") as process:

        async def kept_apart() -> bool:
            assert process.returncode is None
            return bool(list((box / ".others" / "new").glob("*")))

        await until(kept_apart)
    assert not list((box / "new").iterdir())


def test_a_hub_without_a_way_in_has_no_such_role(made: Path) -> None:
    add(made, MAIL)
    change(made, "port = 8080", "port = 0")
    said = run("serve", "-s", made, "--role", "bounces")
    assert said.plain
    assert "--role bounces" in said.err
