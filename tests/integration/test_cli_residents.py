"""`yobikake residents` on a real hub: all of a file or nothing of it, and nobody's address anywhere in the clear."""

import asyncio
import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hub import keys as key_files
from hub import settings
from hub.clock import utc_now
from hub.delivery import Variant
from hub.errors import Conflict
from hub.language import Language
from hub.ledger import audit, census, packs, register, support, trials
from hub.ledger.register import Registration
from hub.ledger.trials import Finding
from hub.recipient import Kind, Zone
from tests.integration.command_line import add, hub, run
from tests.integration.test_cli_init import connected
from yobikake import registration
from yobikake.initialise import opened

HEAD = "kind,language,town,mail,line,voice,drills"
LINE = "U" + "0123456789abcdef" * 2
ROWS = [
    "resident,ja,朝日町一丁目,sato..x@docomo.ne.jp,,+81425550101,yes",
    f",vi,13207-006,,{LINE},,",
    ",en,13207-006,suzuki@example.jp,,,no",
    "staff,,,tanaka@example.lg.jp,,,",
]
SECRETS = ("sato", "suzuki", "tanaka", "5550101", LINE)


@pytest.fixture
def made(tmp_path: Path) -> Path:
    return hub(tmp_path / "hub")


def sheet(folder: Path, rows: Iterable[str], *, encoding: str = "utf-8-sig") -> Path:
    file = folder / "residents.csv"
    file.write_text("\r\n".join([HEAD, *rows, ""]), encoding=encoding, newline="")
    return file


def test_everybody_in_a_file_is_registered_and_counted(tmp_path: Path, made: Path) -> None:
    said = run("residents", "import", sheet(tmp_path, ROWS), "-s", made, "--json")
    assert (said.code, said.err) == (0, "")
    assert json.loads(said.out) == {
        "residents": 3,
        "staff": 1,
        "dry_run": False,
        "trials": 0,
        "channels": {
            "mail": {"ja": 2, "en": 1},
            "line": {"vi": 1},
            "voice": {"ja": 1},
            "sms": {},
            "fax": {},
            "webpush": {},
        },
    }
    assert json.loads(run("residents", "count", "-s", made, "--json").out) == {
        "residents": 3,
        "channels": {
            "mail": {"ja": 1, "en": 1},
            "line": {"vi": 1},
            "voice": {"ja": 1},
            "sms": {},
            "fax": {},
            "webpush": {},
        },
    }
    assert reached(made, "mail", Variant(Language.JA, Zone("asahi-tsuiji"))) == ["sato..x@docomo.ne.jp"]
    assert reached(made, "mail", Variant(Language.JA, None)) == ["tanaka@example.lg.jp"]
    assert reached(made, "line", Variant(Language.VI, Zone("azuma-tamagawa"))) == [LINE]


def test_the_summary_is_read_by_people(tmp_path: Path, made: Path) -> None:
    said = run("residents", "import", sheet(tmp_path, ROWS), "-s", made)
    assert said.code == 0
    assert "住民 3, staff / 職員 1" in said.out
    assert ["Tiếng", "Việt", "0", "1", "0", "0", "0", "0"] in [row.split() for row in said.out.splitlines()]
    counted = run("residents", "count", "-s", made)
    assert [row.split() for row in counted.out.splitlines()][-1] == ["2", "1", "1", "0", "0", "0"]
    assert not any(secret in said.out + said.err + counted.out for secret in SECRETS)


def test_the_audit_trail_holds_counts_only(tmp_path: Path, made: Path) -> None:
    run("residents", "import", sheet(tmp_path, ROWS), "-s", made)
    (entry,) = imports(made)
    assert (entry.actor, entry.action) == ("yobikake", "register.import")
    assert entry.detail == {
        "residents": 3,
        "staff": 1,
        "channels": {"mail": 3, "line": 1, "voice": 1, "sms": 0, "fax": 0, "webpush": 0},
    }
    stored = b"".join(path.read_bytes() for path in (made.parent / "data").iterdir())
    assert not any(secret.encode() in stored for secret in SECRETS)


def test_a_dry_run_checks_and_counts_and_writes_nothing(tmp_path: Path, made: Path) -> None:
    said = run("residents", "import", sheet(tmp_path, ROWS), "-s", made, "--dry-run", "--json")
    assert json.loads(said.out)["residents"] == 3
    assert json.loads(said.out)["dry_run"] is True
    assert rows(made) == 0
    assert imports(made) == []


def test_one_bad_row_keeps_everybody_out(tmp_path: Path, made: Path) -> None:
    bad = [*ROWS, ",,nowhere,yamada@example.jp,,,", ",,13207-001,yamada,,090-5550102,"]
    for option in ((), ("--dry-run",), ("--json",)):
        said = run("residents", "import", sheet(tmp_path, bad), "-s", made, *option)
        assert said.plain
        lines = said.err.splitlines()
        assert [line.split(":")[1].strip() for line in lines[:-1]] == [
            "line 6 town", "line 7 mail", "line 7 voice",
        ]  # fmt: skip
        assert "だれも登録していません。直す行：2" in lines[-1]
        assert not any(secret in said.err for secret in (*SECRETS, "yamada", "nowhere", "5550102"))
    assert rows(made) == 0
    assert imports(made) == []


def test_who_is_registered_already_is_told_by_line(tmp_path: Path, made: Path) -> None:
    assert run("residents", "import", sheet(tmp_path, ROWS), "-s", made).code == 0
    again = [",,13207-001,new@example.jp,,,", ",,13207-001,,,+81425550101,", ",,13207-001,bad,,,", ROWS[2]]
    said = run("residents", "import", sheet(tmp_path, again), "-s", made)
    assert said.plain
    assert [line.split(":")[1].strip() for line in said.err.splitlines()[:-1]] == [
        "line 3 voice", "line 4 mail", "line 5 mail",
    ]  # fmt: skip
    assert rows(made) == 4
    assert len(imports(made)) == 1


def test_a_later_file_adds_to_the_register(tmp_path: Path, made: Path) -> None:
    for address in ("one@example.jp", "two@example.jp"):
        assert (
            run("residents", "import", sheet(tmp_path, [f",,13207-001,{address},,,"]), "-s", made).code == 0
        )
    assert reached(made, "mail", Variant(Language.JA, Zone("asahi-tsuiji"))) == [
        "one@example.jp",
        "two@example.jp",
    ]


def test_twenty_thousand_people_come_in_at_once(tmp_path: Path, made: Path) -> None:
    before = revision(made)
    people = (f",,13207-{n % 80 + 1:03},r{n}@mail.example,,+8142{n:07},yes" for n in range(20_000))
    said = run("residents", "import", sheet(tmp_path, people), "-s", made, "--json")
    assert json.loads(said.out)["channels"] == {
        "mail": {"ja": 20_000}, "line": {}, "voice": {"ja": 20_000}, "sms": {}, "fax": {}, "webpush": {},
    }  # fmt: skip
    assert packed(made) == 40_000
    assert revision(made) == before + 1


def test_an_import_that_was_cut_off_is_finished_by_the_same_file(tmp_path: Path, made: Path) -> None:
    assert run("residents", "import", sheet(tmp_path, ROWS[:1]), "-s", made).code == 0
    half = [Registration(kind=Kind.RESIDENT, language=Language.VI, contacts={"line": LINE})]
    written(made, half)
    assert reached(made, "line", Variant(Language.VI, None)) == [], "nobody is meant before all are there"
    said = run("residents", "import", sheet(tmp_path, ROWS[1:]), "-s", made)
    assert (said.code, said.err) == (0, "")
    assert rows(made) == 4
    assert reached(made, "line", Variant(Language.VI, Zone("azuma-tamagawa"))) == [LINE]


def test_who_comes_in_between_keeps_the_rest_of_the_file_out(
    tmp_path: Path, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("yobikake.registration._BLOCK", 1)
    tanaka = [Registration(kind=Kind.STAFF, language=Language.JA, contacts={"mail": "tanaka@example.lg.jp"})]

    def somebody_else_is_faster(done: int, _of: int) -> None:
        if done == 2:
            with ThreadPoolExecutor() as pool:
                pool.submit(written, made, tanaka).result()

    async def imported() -> None:
        file = sheet(tmp_path, ROWS)
        await registration.import_file(
            settings.load(made), file, dry_run=False, progress=somebody_else_is_faster, at=utc_now()
        )

    with pytest.raises(Conflict):
        asyncio.run(imported())
    assert rows(made) == 1
    assert imports(made) == []


@pytest.mark.parametrize("command", [("count",), ("import", "residents.csv")], ids=lambda command: command[0])
def test_a_hub_that_is_not_there_is_named(tmp_path: Path, command: tuple[str, ...]) -> None:
    said = run("residents", *command, "-s", tmp_path / "none.toml")
    assert said.plain
    assert "none.toml" in said.err


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, made: Path) -> None:
    said = run("residents", "import", tmp_path / "none.csv", "-s", made)
    assert said.plain
    assert "none.csv" in said.err
    said = run("residents", "import", sheet(tmp_path, ROWS, encoding="cp932"), "-s", made)
    assert said.plain
    assert "CSV UTF-8" in said.err


def rows(made: Path) -> int:
    with connected(made) as database:
        (number,) = database.execute("SELECT count(*) FROM recipients").fetchone()
        return int(number)


def written(made: Path, people: list[Registration]) -> None:
    """Into the record alone: in no pack."""

    async def write() -> None:
        found = settings.load(made)
        keys = key_files.load(found.keys)
        async with opened(found) as ledger:
            await ledger.write(lambda conn: register.add(conn, keys, people, at=utc_now()))

    asyncio.run(write())


def packed(made: Path) -> int:
    with connected(made) as database:
        return sum(
            len(json.loads(traits)["of"]) for (traits,) in database.execute("SELECT traits FROM packs")
        )


def revision(made: Path) -> int:
    async def read() -> int:
        async with opened(settings.load(made)) as ledger:
            return await ledger.read(census.revision)

    return asyncio.run(read())


def imports(made: Path) -> list[audit.Entry]:
    async def read() -> list[audit.Entry]:
        found = settings.load(made)
        async with opened(found) as ledger:
            await ledger.read(lambda conn: audit.verify(conn, key_files.load(found.keys)))
            return await ledger.read(lambda conn: audit.about(conn, ["register"]))

    return asyncio.run(read())


def reached(made: Path, channel: str, variant: Variant) -> list[str]:
    """The addresses that planning would find in a variant, opened as for sending."""

    async def read() -> list[str]:
        found = settings.load(made)
        keys = key_files.load(found.keys)
        async with opened(found) as ledger:
            known = await ledger.read(lambda conn: packs.some(conn, channel, variant, after=0, limit=1_000))
            members = [member for pack in known for member in pack.ids]
            if not members:
                return []
            opened_ = await ledger.read(
                lambda conn: register.open_addresses(conn, keys, channel, variant, members)
            )
            return [opened_.addresses[member] for member in members]

    return asyncio.run(read())


def test_who_needs_help_is_stated_at_the_counter_and_taken_back(made: Path, tmp_path: Path) -> None:
    assert run("residents", "import", sheet(tmp_path, ROWS), "-s", made).code == 0
    for option, expected in (("--needs", 1), ("--no-longer", 0)):
        assert run("residents", "support", "042-555-0101", option, "-s", made).code == 0
        assert in_need(made) == expected
    unknown = run("residents", "support", "+81425559999", "--needs", "-s", made)
    assert unknown.code != 0
    assert "no resident" in unknown.err
    assert "9999" not in unknown.err


def in_need(made: Path) -> int:
    found = settings.load(made)
    keys = key_files.load(found.keys)

    async def look() -> int:
        async with opened(found) as ledger:
            return len(await ledger.read(lambda conn: support.needed(conn, keys, range(1, 9))))

    return asyncio.run(look())


VOICE = """[channels.voice]
account_sid = "AC77777777777777777777777777777777"
auth_token_file = "token"
from_number = "+815012345678"
callback_url = "http://127.0.0.1:1/callbacks/voice"
base_url = "http://127.0.0.1:1"
"""


@pytest.mark.parametrize(
    ("people", "option", "tried"),
    [
        (2, [], 2),
        (2, ["--no-trial"], 0),
        (registration.BULK + 1, [], 0),
        (registration.BULK + 1, ["--trial"], 21),
    ],
)
def test_the_numbers_of_a_few_are_tried_and_a_citys_only_where_that_is_asked(
    made: Path, tmp_path: Path, people: int, option: list[str], tried: int
) -> None:
    (made.parent / "token").write_text("not-a-token-of-anybody")
    add(made, VOICE)
    rows = [f",ja,13207-006,,,+8190111100{n:02},no" for n in range(people)]
    said = run("residents", "import", sheet(tmp_path, rows), *option, "-s", made, "--json")
    assert json.loads(said.out)["trials"] == tried
    found = settings.load(made)

    async def look() -> int:
        async with opened(found) as ledger:
            counted = await ledger.read(trials.counted)
            return counted[Finding.NONE]

    assert asyncio.run(look()) == tried
