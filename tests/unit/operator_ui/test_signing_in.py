"""Who comes in, and what is refused at the door."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from hub.ledger import accounts, audit, tables
from operator_ui.staff.sign_in import own_path
from tests.unit.operator_ui.desk import PASSWORD, Desk, somebody


async def test_a_stranger_sees_the_sign_in_page_and_nothing_else(desk: Desk) -> None:
    async with somebody(desk) as person:
        for path in ("/", "/alerts", "/shelters", "/drafts/none", "/no-such-page", "/alerts/x/live"):
            await person.get(path)
            assert person.path.startswith("/signin"), path


async def test_a_wrong_password_and_an_unknown_login_are_refused_in_the_same_words(desk: Desk) -> None:
    async with somebody(desk) as person:
        wrong = await person.post("/signin", {"login": "sato", "password": "not the password"})
        assert person.status == 403
        unknown = await person.post("/signin", {"login": "nobody", "password": "not the password"})
    assert "ログイン名かパスワードが違います" in wrong
    assert wrong.replace('value="sato"', "") == unknown.replace('value="nobody"', "")


async def test_guessing_has_to_wait_and_then_may_go_on(desk: Desk) -> None:
    async with somebody(desk) as person:
        for _ in range(5):
            await person.post("/signin", {"login": "sato", "password": "not the password"})
        await person.post("/signin", {"login": "sato", "password": PASSWORD})
        assert person.status == 429
        desk.now += timedelta(seconds=5)
        await person.post("/signin", {"login": "sato", "password": PASSWORD})
        assert person.path == "/"


async def test_the_ledger_holds_neither_password_nor_token(desk: Desk) -> None:
    async with somebody(desk, "sato") as person:
        (cookie,) = person.session.cookie_jar
        rows = await desk.ledger.read(lambda conn: list(conn.execute(select(tables.sessions))))
        assert cookie.key == "yobikake"
        assert cookie["httponly"]
        assert cookie["samesite"] == "Strict"
        assert all(cookie.value.encode() not in row.token_hash for row in rows)
    entries = await desk.ledger.read(lambda conn: audit.about(conn, ["sato"]))
    assert [entry.action for entry in entries] == ["session.open"]


async def test_a_session_ends_after_twelve_hours(desk: Desk) -> None:
    async with somebody(desk, "sato") as person:
        desk.now += timedelta(hours=12)
        await person.get("/")
        assert person.path.startswith("/signin")


async def test_a_disabled_account_is_out_at_once(desk: Desk) -> None:
    async with somebody(desk, "sato") as person:
        await desk.ledger.write(lambda conn: accounts.disable(conn, "sato", at=desk.now))
        await person.get("/")
        assert person.path.startswith("/signin")
        await person.post("/signin", {"login": "sato", "password": PASSWORD})
        assert person.status == 403


async def test_signing_out_ends_the_session(desk: Desk) -> None:
    async with somebody(desk, "sato") as person:
        await person.get("/")
        await person.post("/signout")
        await person.get("/")
        assert person.path.startswith("/signin")


async def test_a_form_without_the_token_of_its_session_changes_nothing(desk: Desk) -> None:
    async with (
        somebody(desk, "sato") as person,
        person.session.post("/new/live", data={"template": "flood-4", "csrf": "guessed"}) as response,
    ):
        assert response.status == 403
    assert await desk.ledger.read(lambda conn: conn.execute(select(tables.drafts)).first()) is None


async def test_a_form_from_another_site_changes_nothing(desk: Desk) -> None:
    async with somebody(desk, "sato") as person:
        await person.get("/new/live")
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://elsewhere.example"}):
            await person.post("/new/live", {"template": "flood-4"}, headers=headers)
            assert person.status == 403
            await person.get("/new/live")
        await person.post("/new/live", {"template": "flood-4"}, headers={"Origin": "http://console.example"})
        assert person.path.startswith("/drafts/")


async def test_a_link_from_a_mail_finds_its_page_although_the_cookie_is_strict(desk: Desk) -> None:
    async with somebody(desk) as person:
        page = await person.get("/alerts", **{"Sec-Fetch-Site": "cross-site"})
    assert '<meta http-equiv="refresh" content="0">' in page


async def test_after_signing_in_one_is_where_one_wanted_to_be(desk: Desk) -> None:
    async with somebody(desk) as person:
        await person.get("/alerts?x=1")
        await person.post("/signin", {"login": "sato", "password": PASSWORD, "next": "/alerts?x=1"})
        assert person.path == "/alerts?x=1"


def test_nobody_is_led_to_another_site() -> None:
    assert own_path("/alerts?x=1") == "/alerts?x=1"
    for path in ("https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example", "", "alerts"):
        assert own_path(path) == "/"
    for path in ("/\t/elsewhere.example", "/alerts\r\nSet-Cookie: a=b", "/\x00", "/\x7f"):
        assert own_path(path) == "/"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=b", b"no boundary at all"),
        ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n"),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="a"\r\n'
         b"Content-Type: text/plain; charset=none-such\r\n\r\nx\r\n--b--\r\n"),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="a"\r\n'
         b"Content-Transfer-Encoding: none-such\r\n\r\nx\r\n--b--\r\n"),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="a"\r\n'
         b"Content-Encoding: none-such\r\n\r\nx\r\n--b--\r\n"),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="a"\r\n'
         b"Content-Encoding: deflate\r\n\r\nx\r\n--b--\r\n"),
        ("multipart/form-data; boundary=b", b"--b\r\nbroken header\r\n\r\nx\r\n--b--\r\n"),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx'),
        ("application/x-www-form-urlencoded; charset=none-such", b"login=sato"),
        ("application/x-www-form-urlencoded; charset=utf-8", b"login=\xff\xfe"),
    ],
)  # fmt: skip
async def test_a_broken_form_is_refused_and_is_no_fault(desk: Desk, content_type: str, body: bytes) -> None:
    async with (
        somebody(desk) as person,
        person.session.post("/signin", data=body, headers={"Content-Type": content_type}) as response,
    ):
        assert response.status in (400, 403)
        assert "<h1>" in await response.text()


async def test_rights_follow_the_roles(desk: Desk) -> None:
    async with somebody(desk, "ono") as viewer:
        assert "/new/live" not in await viewer.get("/")
        await viewer.get("/new/live")
        assert viewer.status == 403
        await viewer.get("/alerts")
        assert viewer.status == 200


async def test_every_answer_carries_a_policy_that_allows_no_foreign_or_inline_script(desk: Desk) -> None:
    async with somebody(desk, "sato") as person:
        for path in ("/", "/signin", "/no-such-page", "/static/staff.js"):
            async with person.session.get(path) as response:
                policy = response.headers["Content-Security-Policy"]
                assert "script-src 'self';" in policy
                assert "unsafe" not in policy
                assert response.headers["X-Content-Type-Options"] == "nosniff"
        page = await person.get("/")
    assert " style=" not in page
    assert "<script>" not in page


async def test_the_screens_speak_english_when_asked(desk: Desk) -> None:
    async with somebody(desk, "sato") as person:
        assert "いまの状況" in await person.get("/")
        await person.get("/language/en")
        assert '<html lang="en">' in await person.get("/")
        assert "いまの状況" not in person.page
