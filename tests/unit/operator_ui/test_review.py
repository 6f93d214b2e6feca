"""The yearly review of accounts: nobody is forgotten, and nothing is locked by itself."""

from datetime import UTC, datetime

from hub.authorise import Role
from hub.ledger import accounts, audit
from tests.unit.operator_ui.desk import PASSWORD, Desk, Person, somebody

APRIL = datetime(2027, 3, 31, 15, 0, tzinfo=UTC)
"""Midnight of 1 April in Japan."""
MAY = datetime(2027, 4, 30, 15, 0, tzinfo=UTC)
"""The day after the review is due."""
NOTICE = "確かめていないアカウントが"


async def signed_in(desk: Desk, person: Person, login: str, at: datetime) -> None:
    desk.now = at
    await person.post("/signin", {"login": login, "password": PASSWORD, "csrf": ""})
    assert person.path == "/"


async def test_it_begins_on_1_april_and_each_account_is_one_tap(desk: Desk) -> None:
    async with somebody(desk) as admin:
        await signed_in(desk, admin, "sato", datetime(2027, 3, 31, 14, 59, tzinfo=UTC))
        assert NOTICE not in admin.page
        desk.now = APRIL
        assert f"{NOTICE}4件あります" in await admin.get("/")
        await admin.get("/review")
        await admin.submit("/review/ito/keep")
        await admin.submit("/review/ono/lock")
        assert "残り 2件" in admin.page
        assert f"{NOTICE}2件あります" in await admin.get("/")
        await admin.get("/review")
        await admin.submit("/review/sato/keep")
        await admin.submit("/review/tanaka/keep")
        assert "今年度の点検は済んでいます" in admin.page
        assert NOTICE not in await admin.get("/")
        desk.now = APRIL.replace(year=2028)
        await signed_in(desk, admin, "sato", desk.now)
        assert f"{NOTICE}3件あります" in admin.page
    ono = await desk.ledger.read(lambda conn: accounts.get(conn, "ono"))
    assert ono.disabled_at == APRIL
    for login, action in (("ito", "account.review"), ("ono", "account.disable")):
        entries = await desk.ledger.read(lambda conn, login=login: audit.about(conn, [login]))
        assert [(each.actor, each.action) for each in entries] == [("sato", action)]


async def test_what_is_late_is_told_to_everyone_and_locked_by_nobody(desk: Desk) -> None:
    async with somebody(desk) as viewer:
        await signed_in(desk, viewer, "ono", APRIL)
        assert NOTICE not in viewer.page  # it concerns administrators
        await signed_in(desk, viewer, "ono", MAY)
        assert f"{NOTICE}4件あります" in viewer.page
        assert "を過ぎています" in viewer.page
        await viewer.get("/review")
        assert viewer.status == 403
        await viewer.get("/account")
        await viewer.post("/review/ito/lock")
        assert viewer.status == 403
    assert all(each.disabled_at is None for each in await desk.ledger.read(accounts.everyone))


async def test_the_date_can_be_moved_within_the_year(desk: Desk) -> None:
    async with somebody(desk) as admin:
        await signed_in(desk, admin, "sato", MAY)
        assert "を過ぎています" in admin.page
        await admin.get("/review")
        page = await admin.submit("/review", due="2028-04-01")
        assert "今年度のうちの日" in page
        assert admin.status == 422
        assert "日付を選んでください" in await admin.submit("/review", due="")
        await admin.submit("/review", due="2027-05-31")
        assert "を過ぎています" not in await admin.get("/")
        await admin.get("/review")
        await admin.submit("/review", due="2027-05-01", revision="0")
        assert admin.status == 409
        desk.now = MAY.replace(year=2028)
        await signed_in(desk, admin, "sato", desk.now)
        assert "期限（4月30日" in admin.page  # last year's date says nothing of this year
    entries = await desk.ledger.read(lambda conn: audit.about(conn, ["review"]))
    assert [(each.actor, each.detail) for each in entries] == [("sato", {"due": "2027-05-31", "number": 1})]


async def test_whoever_came_this_year_needs_no_review(desk: Desk) -> None:
    await desk.ledger.write(
        lambda conn: accounts.add(
            conn,
            login="shinjin",
            name="新人",
            password_hash=accounts.NO_PASSWORD,
            roles=frozenset({Role.VIEWER}),
            at=APRIL,
        )
    )
    async with somebody(desk) as admin:
        await signed_in(desk, admin, "sato", MAY)
        page = await admin.get("/review")
        assert 'action="/review/shinjin/keep"' not in page
        assert 'action="/review/ono/keep"' in page


async def test_nobody_locks_themselves_here_either(desk: Desk) -> None:
    async with somebody(desk) as admin:
        await signed_in(desk, admin, "sato", APRIL)
        await admin.get("/review")
        assert 'action="/review/sato/lock"' not in admin.page
        page = await admin.post("/review/sato/lock")
        assert admin.status == 403
        assert "自分のアカウントは止められません" in page
