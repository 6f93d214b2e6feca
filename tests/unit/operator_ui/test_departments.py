"""Rights by kind of alert: whose department does not own a kind neither composes, approves nor stops it."""

import msgspec
import pytest
from sqlalchemy import Connection

from hub.authorise import Role
from hub.draft import State
from hub.hazard import Hazard
from hub.ledger import accounts, alerts, drafts
from operator_ui.staff.beginning import FollowUp
from tests.unit.operator_ui.desk import CITY, Desk, Person, somebody

GROUNDS = "石原水位観測所で氾濫危険水位に到達（21:36）"
NOT_YOURS = "「洪水」はあなたの担当ではありません"


async def limit(desk: Desk, login: str, role: Role, *hazards: Hazard) -> None:
    def work(conn: Connection) -> None:
        actor = accounts.get(conn, login).actor
        accounts.change(
            conn, msgspec.structs.replace(actor, roles=frozenset({role}), hazards=frozenset(hazards))
        )

    await desk.ledger.write(work)


async def submitted(person: Person, template: str) -> str:
    await person.get("/new/live")
    await person.post("/new/live", {"template": template})
    path = person.path
    await person.submit(path, "submit", grounds=GROUNDS)
    assert person.path == path
    return path


async def state(desk: Desk, path: str) -> State:
    return (await desk.ledger.read(lambda conn: drafts.get(conn, path.rpartition("/")[2]))).state


@pytest.mark.parametrize("template", ["flood-4", "flood-5"])
async def test_another_departments_kind_is_not_composed(desk: Desk, template: str) -> None:
    await limit(desk, "ito", Role.COMPOSER, Hazard.OTHER)
    async with somebody(desk, "ito") as person:
        page = await person.get("/new/live")
        assert f'value="{template}"' not in page
        assert 'value="system-test"' in page
        page = await person.post("/new/live", {"template": template})
        assert person.status == 403
        assert NOT_YOURS in page
        assert await desk.ledger.read(lambda conn: drafts.in_state(conn, State.EDITING)) == []
        await submitted(person, "system-test")


async def test_a_draft_of_ones_own_kind_does_not_become_another(desk: Desk) -> None:
    await limit(desk, "ito", Role.COMPOSER, Hazard.OTHER)
    async with somebody(desk, "ito") as person:
        await person.get("/new/live")
        await person.post("/new/live", {"template": "system-test"})
        path = person.path
        page = await person.submit(path, "template", template="flood-4")
        assert person.status == 403
        assert NOT_YOURS in page


async def test_anothers_draft_is_neither_changed_nor_submitted(desk: Desk) -> None:
    await limit(desk, "ito", Role.COMPOSER, Hazard.OTHER)
    async with somebody(desk, "sato") as author, somebody(desk, "ito") as person:
        await author.get("/new/live")
        await author.post("/new/live", {"template": "flood-4"})
        path = author.path
        version = dict(author.form(path))["version"]
        await person.get("/account")
        for act in ("save", "submit"):
            await person.post(path, {"version": version, "act": act, "template": "system-test"})
            assert person.status == 403
        await person.get(f"{path}/edit")
        assert person.status == 403
        assert NOT_YOURS in person.page
        await person.get(path)
        assert person.status == 200  # whoever may look may look
    assert await state(desk, path) is State.EDITING


async def test_it_is_not_approved_returned_or_rejected_either(desk: Desk) -> None:
    await limit(desk, "tanaka", Role.APPROVER, Hazard.OTHER)
    async with somebody(desk, "sato") as author, somebody(desk, "tanaka") as approver:
        path = await submitted(author, "flood-4")
        page = await approver.get(path)
        assert NOT_YOURS in page
        assert f'action="{path}/send"' not in page
        assert "田中" not in page.split("承認できる人")[1]
        version = approver.field("version")
        for act, fields in (
            ("send", {"typed": "4"}),
            ("return", {"reason": "x"}),
            ("reject", {"reason": "x"}),
        ):
            page = await approver.post(f"{path}/{act}", {"version": version, **fields})
            assert approver.status == 403, act
            assert NOT_YOURS in page
            await approver.get(path)
        assert await state(desk, path) is State.SUBMITTED
        test = await submitted(author, "system-test")
        await approver.get(test)
        await approver.submit(f"{test}/send", typed=str(len(CITY.towns)))
    sent = await desk.ledger.read(lambda conn: alerts.recent(conn, desk.keys))
    assert [each.alert.hazard for each in sent] == [Hazard.OTHER]


async def test_it_is_not_stopped_or_followed_either(desk: Desk) -> None:
    async with somebody(desk, "sato") as author, somebody(desk, "tanaka") as approver:
        path = await submitted(author, "flood-4")
        await approver.get(path)
        await approver.submit(f"{path}/send", typed="4")
        alert = approver.path
        await limit(desk, "tanaka", Role.APPROVER, Hazard.OTHER)
        page = await approver.get(alert)
        assert f'action="{alert}/stop"' not in page
        await approver.post(f"{alert}/stop")
        assert approver.status == 403
        for kind in FollowUp:
            await approver.get(alert)
            await approver.post(f"{alert}/follow", {"kind": kind})
            assert approver.status == 403, kind
    (sent,) = await desk.ledger.read(lambda conn: alerts.recent(conn, desk.keys))
    assert sent.stopped_as is None
    assert len(await desk.ledger.read(lambda conn: drafts.in_state(conn, State.EDITING))) == 0
