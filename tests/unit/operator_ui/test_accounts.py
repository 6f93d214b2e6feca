"""Accounts in the console: adding, changing, locking, one-time links, and one's own password."""

import re
from datetime import timedelta

import pytest

from hub.authorise import Role
from hub.hazard import Hazard
from hub.ledger import accounts, audit
from hub.ledger.accounts import Account
from tests.unit.operator_ui.desk import PASSWORD, Desk, Person, somebody

NEW = "a long new sentence"


async def found(desk: Desk, login: str) -> Account:
    return await desk.ledger.read(lambda conn: accounts.get(conn, login))


async def recorded(desk: Desk, login: str) -> list[tuple[str, str]]:
    entries = await desk.ledger.read(lambda conn: audit.about(conn, [login]))
    return [(entry.actor, entry.action) for entry in entries]


def link(page: str) -> str:
    """The token of the link that is shown."""
    shown = re.search(r"http://console\.example/link#([\w-]{43})<", page)
    assert shown, page
    return shown[1]


async def open_link(person: Person, token: str) -> str:
    await person.get("/link")
    return await person.submit("/link", code=token)


async def choose(person: Person, token: str, password: str, again: str) -> str:
    await open_link(person, token)
    return await person.post("/link", {"code": token, "password": password, "again": again})


async def test_a_new_colleague_gets_a_link_and_chooses_a_password(desk: Desk) -> None:
    async with somebody(desk, "sato") as admin, somebody(desk) as suzuki:
        await admin.get("/accounts")
        page = await admin.submit(
            "/accounts", login="suzuki", name="鈴木", department="water", role=["composer", "approver"]
        )
        assert "鈴木" in await open_link(suzuki, link(page))
        await suzuki.submit("/link", password=NEW, again=NEW)
        assert suzuki.path == "/signin"
        await suzuki.post("/signin", {"login": "suzuki", "password": NEW})
        assert suzuki.path == "/"
        assert "水道課" in await suzuki.get("/account")
        assert "断水・給水" in suzuki.page
        page = await admin.get("/accounts")
        assert "水道課" in page
    account = await found(desk, "suzuki")
    assert (account.actor.roles, account.actor.hazards) == ({Role.COMPOSER, Role.APPROVER}, {Hazard.WATER})
    assert account.last_sign_in == desk.now
    assert await recorded(desk, "suzuki") == [
        ("suzuki", "session.open"),
        ("suzuki", "account.password"),
        ("sato", "account.link"),
        ("sato", "account.add"),
    ]
    await desk.ledger.read(lambda conn: audit.verify(conn, desk.keys))


async def test_a_link_works_once_and_not_for_ever(desk: Desk) -> None:
    async with somebody(desk, "sato") as admin, somebody(desk) as ono:
        await admin.get("/accounts/ono")
        token = link(await admin.submit("/accounts/ono/link"))
        await ono.post("/signin", {"login": "ono", "password": PASSWORD})
        assert ono.path == "/"  # until the link is used the password stays
        await choose(ono, token, NEW, NEW)
        await choose(ono, token, NEW + "!", NEW + "!")
        assert ono.status == 410
        await admin.get("/accounts/ono")
        later = link(await admin.submit("/accounts/ono/link"))
        desk.now += timedelta(hours=24)
        for path in (later, "guessed"):
            await open_link(ono, path)
            assert ono.status == 410
            await ono.get(f"/link/{path}")
            assert ono.status == 410


async def test_a_link_that_was_made_with_its_token_in_the_address_still_works(desk: Desk) -> None:
    async with somebody(desk, "sato") as admin, somebody(desk) as ono:
        await admin.get("/accounts/ono")
        token = link(await admin.submit("/accounts/ono/link"))
        assert "小野" in await ono.get(f"/link/{token}")
        await ono.submit("/link", password=NEW, again=NEW)
        assert ono.path == "/signin"


async def test_a_link_takes_no_weak_password_and_no_slip(desk: Desk) -> None:
    async with somebody(desk, "sato") as admin, somebody(desk) as ono:
        await admin.get("/accounts/ono")
        token = link(await admin.submit("/accounts/ono/link"))
        for password, again, said in (
            ("short", "short", "12文字以上"),
            (NEW, NEW + "x", "同じではありません"),
        ):
            assert said in await choose(ono, token, password, again)
            assert ono.status == 422
    assert (await found(desk, "ono")).password_hash


async def test_rights_hold_from_the_next_page_on(desk: Desk) -> None:
    async with somebody(desk, "sato") as admin, somebody(desk, "ono") as ono:
        await ono.get("/new/live")
        assert ono.status == 403
        await admin.get("/accounts/ono")
        await admin.submit("/accounts/ono", role=["composer"], hazard=["heat"])
        assert "保存しました" in admin.page
        page = await ono.get("/new/live")
        assert ono.status == 200
        assert "flood-4" not in page
        assert ("sato", "account.change") in await recorded(desk, "ono")


async def test_a_locked_account_is_out_until_it_is_unlocked(desk: Desk) -> None:
    async with somebody(desk, "sato") as admin, somebody(desk, "ono") as ono:
        await admin.get("/accounts/ono")
        await admin.submit("/accounts/ono/lock")
        await ono.get("/")
        assert ono.path.startswith("/signin")
        await ono.post("/signin", {"login": "ono", "password": PASSWORD})
        assert ono.status == 403
        await admin.post("/accounts/ono/link")
        assert admin.status == 409
        await admin.get("/accounts/ono")
        await admin.submit("/accounts/ono/unlock")
        await ono.post("/signin", {"login": "ono", "password": PASSWORD, "csrf": ""})
        assert ono.path == "/"


async def test_nobody_raises_or_locks_themselves(desk: Desk) -> None:
    async with somebody(desk, "sato") as admin:
        await admin.get("/accounts/sato")
        page = await admin.submit("/accounts/sato", role=["admin"])
        assert admin.status == 403
        assert "自分の権限は変えられません" in page
        await admin.post("/accounts/sato/lock")
        assert admin.status == 403
        await admin.get("/accounts/sato")
        await admin.submit("/accounts/sato", name="佐藤 花子")
        assert "保存しました" in admin.page
    assert (await found(desk, "sato")).actor.roles == frozenset(Role)


async def test_whoever_loses_a_right_loses_it_at_once(desk: Desk) -> None:
    async with somebody(desk, "sato") as sato, somebody(desk, "tanaka") as tanaka:
        await tanaka.get("/accounts")
        assert tanaka.status == 200
        await sato.get("/accounts/tanaka")
        await sato.submit("/accounts/tanaka", role=["viewer"])
        await tanaka.get("/accounts")
        assert tanaka.status == 403


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"login": "sato"}, "もう使われています"),
        ({"login": "日本"}, "半角の英数字"),
        ({"name": " "}, "氏名を書いてください"),
        ({"role": None}, "役割を1つ以上"),
    ],
)
async def test_what_is_wrong_with_a_new_account_is_said(
    desk: Desk, changes: dict[str, str | None], said: str
) -> None:
    given: dict[str, str | list[str] | None] = {
        "login": "suzuki",
        "name": "鈴木",
        "role": ["viewer"],
        **changes,
    }
    async with somebody(desk, "sato") as admin:
        await admin.get("/accounts")
        assert said in await admin.submit("/accounts", **given)
        assert admin.status == 422
    assert len(await desk.ledger.read(accounts.everyone)) == 4


@pytest.mark.parametrize("path", ["/accounts", "/accounts/sato"])
async def test_only_who_administers_sees_accounts(desk: Desk, path: str) -> None:
    async with somebody(desk, "ito") as person:
        await person.get(path)
        assert person.status == 403
        await person.get("/account")
        for act in ("", "/lock", "/unlock", "/link"):
            await person.post(f"/accounts/ono{act}", {"name": "x", "role": "admin"})
            assert person.status == 403
    assert (await found(desk, "ono")).actor.roles == {Role.VIEWER}


async def test_everybody_changes_their_own_password(desk: Desk) -> None:
    async with somebody(desk, "ono") as here, somebody(desk, "ono") as elsewhere:
        await here.get("/account")
        page = await here.submit("/account/password", current="wrong one, sadly", password=NEW, again=NEW)
        assert "いまのパスワードが違います" in page
        assert here.status == 403
        page = await here.submit("/account/password", current=PASSWORD, password=NEW, again="other")
        assert "同じではありません" in page
        page = await here.submit("/account/password", current=PASSWORD, password="short", again="short")
        assert "12文字以上" in page
        await here.submit("/account/password", current=PASSWORD, password=NEW, again=NEW)
        assert "パスワードを変えました" in here.page
        await elsewhere.get("/")
        assert elsewhere.path.startswith("/signin")
        await elsewhere.post("/signin", {"login": "ono", "password": NEW, "csrf": ""})
        assert elsewhere.path == "/"
    assert ("ono", "account.password") in await recorded(desk, "ono")
