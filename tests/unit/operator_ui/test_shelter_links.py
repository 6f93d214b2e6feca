"""Links for a shelter's staff: one page and nothing else, until they are over; kept as a MAC, every use on record."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from hub.ledger import audit
from shelters import link as links
from shelters import record
from shelters.link import Link
from shelters.shelter import Stage
from shelters.tables import shelter_links
from tests.unit.operator_ui.desk import Desk, Person, somebody
from tests.unit.operator_ui.test_shelter_list import open_sites
from tests.unit.operator_ui.test_shelter_pages import PATH, SITE, latest, stage

HOUR = timedelta(hours=1)


async def make(desk: Desk, **fields: str) -> str:
    """The code of a new sheet."""
    async with somebody(desk, "sato") as person:
        await person.get(PATH)
        page = await person.submit(f"{PATH}/links", **fields)
        assert person.status == 200
        assert "<svg" in page
        assert "http://console.example/here/in<" in page
        (code,) = re.findall(r">((?:[0-9A-Z]{4}-){2}[0-9A-Z]{4})<", page)
        return str(code)


async def enter(person: Person, code: str) -> str:
    await person.get("/here/in")
    return await person.submit("/here/in", code=code)


async def actions(desk: Desk) -> list[tuple[str, str]]:
    entries = await desk.ledger.read(lambda conn: audit.about(conn, [SITE]))
    return [(entry.actor.split(":")[0], entry.action) for entry in reversed(entries)]


async def test_whoever_holds_the_sheet_reports_of_this_shelter(desk: Desk) -> None:
    await open_sites(desk, [SITE], to=Stage.SAFETY_CHECKED)
    code = await make(desk)
    async with somebody(desk) as person:
        await enter(person, code)
        assert person.path == "/here"
        await person.submit("/here/report", people="31")
        assert "報告を記録しました" in person.page
        await person.get("/here")
        await person.submit("/here/step", stage="receiving")
        await person.post("/here/ticks", {"id": "t", "item": "signs", "opening": "1", "done": "yes"})
        assert "/shelters" not in person.page
    assert (await latest(desk)).by.startswith("link:")
    assert await stage(desk) is Stage.RECEIVING
    assert await actions(desk) == [
        ("sato", "shelter.link.make"),
        ("link", "shelter.link.use"),
        ("link", "shelter.report"),
        ("link", "shelter.step"),
        ("link", "shelter.report"),  # the number inside, with the step
        ("link", "shelter.tick"),
    ]


@pytest.mark.parametrize(
    "path", ["/", "/shelters", PATH, "/alerts", "/shelters/E1320700002", "/accounts", "/settings", "/wall"]
)
async def test_nothing_else_of_the_console_opens(desk: Desk, path: str) -> None:
    code = await make(desk)
    async with somebody(desk) as person:
        await enter(person, code)
        await person.get(path)
        assert person.path.startswith("/signin")
        await person.get("/here")
        await person.post("/shelters/E1320700002/step", {"seen": "0", "stage": "preparing"})
        assert person.path.startswith("/signin")
    assert await desk.ledger.read(record.all_current) == {}


async def test_looking_at_the_link_uses_nothing(desk: Desk) -> None:
    code = await make(desk)
    async with somebody(desk) as person:
        assert "はじめる" in await person.get(f"/here/in#{code}")
        await person.get("/here")
        assert person.status == 403
    assert await actions(desk) == [("sato", "shelter.link.make")]


async def test_a_code_is_taken_however_it_is_typed_and_no_other(desk: Desk) -> None:
    code = await make(desk)
    for typed in (code.lower(), code.replace("-", " "), code.replace("1", "I").replace("0", "o"), wide(code)):
        async with somebody(desk) as person:
            await enter(person, typed)
            assert person.path == "/here", typed
    other = links.new_token()
    async with somebody(desk) as person:
        for typed in (other, code[:-1], f"{code}7", ""):
            assert "このコードは使えません" in await enter(person, typed)
            assert person.status == 403


def wide(text: str) -> str:
    """As a Japanese keyboard may write it."""
    return "".join(chr(ord(each) + 0xFEE0) for each in text)


async def test_a_sheet_that_was_printed_with_its_token_in_the_address_still_opens(desk: Desk) -> None:
    token = "sD2-x0_QpVZ8nXQm1c4yGk3WlTuhE7aB"
    link = Link(
        id="0" * 36, site=SITE, created_at=desk.now, created_by="sato", expires_at=desk.now + 12 * HOUR
    )
    await desk.ledger.write(lambda conn: links.add(conn, desk.keys, link, token))
    async with somebody(desk) as person:
        await person.get(f"/here/in/{token}")
        await person.submit("/here/in")
        assert person.path == "/here"
        desk.now += 12 * HOUR
        assert "このコードは使えません" in await person.get(f"/here/in/{token}")


async def test_a_copy_of_the_page_may_be_kept_until_the_link_ends_and_no_other_page(desk: Desk) -> None:
    code = await make(desk, hours="24")
    async with somebody(desk) as person, somebody(desk, "sato") as staff:
        for path in ("/here", "/here/in", f"/here/in/{code}"):
            assert await kept_until(person, path) is None
        await enter(person, code)
        assert await kept_until(person, "/here") == "2026-09-13T21:47:00+09:00"
        for path in (PATH, "/shelters", "/"):
            assert await kept_until(staff, path) is None


async def kept_until(person: Person, path: str) -> str | None:
    async with person.session.get(path) as answer:
        return answer.headers.get("Yobikake-Kept-Until")


async def test_the_pages_worker_is_one_version_and_reaches_no_further_than_the_page(desk: Desk) -> None:
    code = await make(desk)
    async with somebody(desk) as person:
        await enter(person, code)
        async with person.session.get("/here/worker.js") as answer:
            script = await answer.text()
            assert (answer.status, answer.content_type) == (200, "text/javascript")
            assert answer.headers["Service-Worker-Allowed"] == "/here"
            assert answer.headers["Cache-Control"] == "no-cache"
        page = await person.get("/here")
        page += await person.get("/here/in")
        used = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page))
        assert used == set(re.findall(r'"(/static/[^"]+)"', script))  # each by its content's hash


async def test_a_revoked_link_opens_nothing_from_the_next_request_on(desk: Desk) -> None:
    code = await make(desk)
    async with somebody(desk) as person, somebody(desk, "sato") as staff:
        await enter(person, code)
        token = person.field("csrf")
        (link,) = await desk.ledger.read(lambda conn: links.of_site(conn, SITE))
        await staff.get(PATH)
        await staff.submit(f"{PATH}/links/{link.id}/revoke")
        assert f"/links/{link.id}/revoke" not in staff.page
        await person.post("/here/report", {"people": "5", "csrf": token})
        assert person.status == 403
        assert "このコードは使えません" in person.page
        assert "このコードは使えません" in await enter(person, code)
    assert await desk.ledger.read(lambda conn: record.latest_report(conn, SITE)) is None
    assert (await actions(desk))[-1] == ("sato", "shelter.link.revoke")


async def test_a_link_ends_by_itself(desk: Desk) -> None:
    code = await make(desk, hours="12")
    async with somebody(desk) as person:
        await enter(person, code)
        desk.now += 12 * HOUR
        await person.get("/here")
        assert person.status == 403
        await enter(person, code)
        assert person.status == 403


async def test_the_ledger_keeps_a_mac_and_the_sheet_is_shown_once(desk: Desk) -> None:
    code = await make(desk)
    token = links.meant(code)
    (row,) = await desk.ledger.read(lambda conn: conn.execute(select(shelter_links)).all())
    assert row.mac == desk.keys.mac(b"shelter link", token.encode())
    assert token not in repr(row)
    async with somebody(desk, "sato") as person:
        await person.get(PATH)
        assert code not in person.page
        await person.submit(f"{PATH}/links", id=row.id)
        assert person.status == 409


async def test_a_form_without_the_pages_token_is_refused(desk: Desk) -> None:
    code = await make(desk)
    async with somebody(desk) as person:
        await enter(person, code)
        await person.post("/here/report", {"people": "5", "csrf": "x"})
        assert person.status == 403
    assert await desk.ledger.read(lambda conn: record.latest_report(conn, SITE)) is None


async def test_who_leaves_has_to_read_the_code_again(desk: Desk) -> None:
    code = await make(desk)
    async with somebody(desk) as person:
        await enter(person, code)
        await person.submit("/here/out")
        assert person.status == 403


async def test_who_lacks_the_right_makes_and_revokes_none(desk: Desk) -> None:
    await make(desk)
    (link,) = await desk.ledger.read(lambda conn: links.of_site(conn, SITE))
    async with somebody(desk, "ito") as person:
        await person.get(PATH)
        assert "/links" not in person.page
        for path in (f"{PATH}/links", f"{PATH}/links/{link.id}/revoke"):
            await person.get(PATH)
            await person.post(path)
            assert person.status == 403
    assert len(await desk.ledger.read(lambda conn: links.of_site(conn, SITE))) == 1
    (link,) = await desk.ledger.read(lambda conn: links.of_site(conn, SITE))
    assert link.revoked_at is None


async def test_a_link_of_another_shelter_is_not_revoked_under_this_ones_address(desk: Desk) -> None:
    await make(desk)
    (link,) = await desk.ledger.read(lambda conn: links.of_site(conn, SITE))
    async with somebody(desk, "sato") as person:
        await person.get(PATH)
        await person.post(f"/shelters/E1320700002/links/{link.id}/revoke")
    (link,) = await desk.ledger.read(lambda conn: links.of_site(conn, SITE))
    assert link.revoked_at is None
