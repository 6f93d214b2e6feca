"""The staff list in the console: a person is a recipient of the register with a name and groups."""

from lxml.html import document_fromstring
from sqlalchemy import select

from hub import roster
from hub.language import Language
from hub.ledger import packs, register, tables
from hub.ledger.register import Registration
from hub.recipient import Kind
from tests.unit.operator_ui.desk import NOW, SITES, Desk, Person, somebody

SITE = next(iter(SITES))


async def given(person: Person, path: str = "/roster/new", **fields: str | list[str]) -> str:
    await person.get(path)
    return await person.submit(path, **{name.replace("_", "-"): value for name, value in fields.items()})


def link_to(page: str, name: str) -> str:
    (href,) = document_fromstring(page).xpath(f"//a[b[text()='{name}']]/@href")
    return str(href)


async def test_a_person_is_registered_sealed_and_in_force_at_once(desk: Desk) -> None:
    async with somebody(desk, "sato") as person:
        assert "まだありません" in await person.get("/roster")
        page = await given(
            person, name="鍵山 一", mail="Kagi@Work.example", group=["disaster"], site_0=SITE, choice_0="1"
        )
        assert person.path == "/roster?saved"
        assert "防災課" in page
        path = link_to(page, "鍵山 一")
        assert 'value="Kagi@work.example"' in await person.get(path)
        number = int(path.rsplit("/", 1)[1])
        kept, _ = await desk.ledger.read(lambda conn: roster.listed(conn, desk.keys))
        assert [each.recipient for each in kept.people] == [number]
        assert number in await desk.ledger.read(lambda conn: packs.everyone(conn, "mail"))
        people = tables.recipients.c
        kind = await desk.ledger.read(
            lambda conn: conn.execute(select(people.kind).where(people.id == number)).scalar_one()
        )
        assert kind == Kind.STAFF
        rows = await desk.ledger.read(lambda conn: conn.execute(select(tables.revisions)).all())
        assert not any("鍵山".encode() in bytes(row.sealed) for row in rows)


async def test_changed_addresses_leave_nothing_of_the_old_ones(desk: Desk) -> None:
    async with somebody(desk, "sato") as person:
        page = await given(person, name="鍵山 一", mail="kagi@work.example", group=["disaster"])
        page = await given(
            person, link_to(page, "鍵山 一"), mail="new@work.example", name="鍵山 二", voice="090-1234-5678"
        )
        assert "鍵山 一" not in page
        page = await person.get(link_to(page, "鍵山 二"))
        assert 'value="new@work.example"' in page
        assert 'value="+819012345678"' in page
        found = [
            await desk.ledger.read(lambda conn: register.find(conn, desk.keys, "mail", address))  # noqa: B023
            for address in ("kagi@work.example", "new@work.example")
        ]
        assert found[0] is None
        assert found[1] is not None
        page = await person.submit(f"/roster/{found[1]}/remove")
        assert "まだありません" in page
        assert (
            await desk.ledger.read(lambda conn: register.find(conn, desk.keys, "mail", "new@work.example"))
            is None
        )


async def test_staff_who_were_imported_are_taken_over_and_residents_are_not(desk: Desk) -> None:
    imported = Registration(kind=Kind.STAFF, language=Language.JA, contacts={"mail": "known@work.example"})
    (number,) = await desk.ledger.write(lambda conn: register.add(conn, desk.keys, [imported], at=NOW))
    async with somebody(desk, "sato") as person:
        page = await given(person, name="既登 録", mail="known@work.example", group=["disaster"])
        assert link_to(page, "既登 録") == f"/roster/{number}"
        page = await given(person, name="住民 職", mail="r1@mail.example", group=["disaster"])
        assert person.status == 409
        assert "別の人" in page
        assert 'value="住民 職"' in page


async def test_what_is_wrong_is_said_beside_it(desk: Desk) -> None:
    async with somebody(desk, "sato") as person:
        assert 'href="#mail"' in await given(person, name="鍵山", mail="nobody")
        assert 'href="#mail"' in await given(person, name="鍵山")
        assert person.status == 422
        assert "まだありません" in await person.get("/roster")


async def test_of_two_who_edit_at_once_one_is_told_and_lookers_see_no_address(desk: Desk) -> None:
    async with (
        somebody(desk, "sato") as person,
        somebody(desk, "tanaka") as other,
        somebody(desk, "ito") as composer,
    ):
        await other.get("/roster/new")
        await given(person, name="鍵山 一", mail="kagi@work.example")
        await other.submit("/roster/new", name="別", mail="b@work.example")
        assert other.status == 409
        await composer.get("/roster")
        assert composer.status == 403


async def test_teams_come_and_go_and_their_people_stay(desk: Desk) -> None:
    async with somebody(desk, "sato") as person:
        await person.get("/roster")
        teams = "/roster/teams"
        form = [("revision", person.field("revision")), ("team", "初動班")]
        page = await person.post(teams, form)
        assert "初動班" in page
        kept, _ = await desk.ledger.read(lambda conn: roster.listed(conn, desk.keys))
        code = kept.teams[0].code
        page = await given(person, name="鍵山 一", mail="kagi@work.example", group=[code])
        assert "初動班" in document_fromstring(page).xpath("string(//section[@aria-labelledby='people'])")
        page = await person.post(teams, [("revision", person.field("revision")), ("remove", code)])
        assert "初動班" not in page
        assert "鍵山 一" in page


async def test_many_are_added_from_a_spreadsheet_or_nobody(desk: Desk) -> None:
    async with somebody(desk, "sato") as person:
        await person.get("/roster")
        wrong = "鍵山 一\tkagi@work.example\t090-0000-0001\n夜勤 二,nobody\n"
        page = await person.submit("/roster/lines", of="disaster", lines=wrong)
        assert person.status == 422
        assert "2行目" in page
        assert "夜勤 二,nobody" in page
        assert await desk.ledger.read(lambda conn: roster.listed(conn, desk.keys)) == (roster.Roster(), 0)
        assert "鍵山 一" in await person.submit(
            "/roster/lines", lines=wrong.replace("nobody", "yakin@work.example")
        )
        kept, revision = await desk.ledger.read(lambda conn: roster.listed(conn, desk.keys))
        assert revision == 1
        assert [(each.name, each.groups) for each in kept.people] == [
            ("夜勤 二", ("disaster",)),
            ("鍵山 一", ("disaster",)),
        ]
