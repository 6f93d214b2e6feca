"""Proposals about shelters: staff see them, and one tap makes a draft that nobody sent."""

from datetime import timedelta

import msgspec
from lxml.html import document_fromstring

from hub.ledger import alerts, drafts
from tests.unit.operator_ui.desk import NOW, SITES, Desk, somebody
from tests.unit.operator_ui.test_following_an_alert import an_alert
from tests.unit.operator_ui.test_shelter_list import ONE, holds, open_sites

ACTION = "/shelters/proposals"


async def test_one_tap_drafts_an_update_with_its_reason_and_sends_nothing(desk: Desk) -> None:
    identifier = await an_alert(desk)
    await open_sites(desk, [ONE])
    desk.occupancies = {ONE: msgspec.structs.replace(holds(ONE, 284), full_at=NOW + timedelta(minutes=20))}
    async with somebody(desk, "ito") as person:
        listed = " ".join(document_fromstring(await person.get("/shelters")).text_content().split())
        assert "満員の見込みです。いま約284人" in listed
        assert "受入中の避難場所がありません" in listed, "of the zones far from it"
        tapped = {"matter": "filling", "subject": ONE, "csrf": person.field("csrf")}
        page = await person.post(ACTION, tapped)
        assert person.path.startswith("/drafts/")
        assert f"{SITES[ONE].name.ja}は" in page
        draft_id = person.path.split("/")[2]
        draft = await desk.ledger.read(lambda conn: drafts.get(conn, draft_id))
        assert "満員の見込み（いま約284人" in draft.message.order.grounds
        assert draft.message.references == (identifier,)

        assert "作りかけの続報を開く" in await person.get("/shelters")
        await person.post(ACTION, tapped)
        assert person.path == f"/drafts/{draft_id}/edit", "one update says all of it"

        desk.occupancies = {ONE: holds(ONE, 284)}
        again = await person.post(ACTION, tapped)
        assert "いまは当てはまりません" in again
    active = await desk.ledger.read(lambda conn: alerts.active(conn, desk.keys, at=desk.now))
    assert [each.alert.identifier for each in active] == [identifier]


async def test_whoever_may_not_compose_sees_and_does_not_tap(desk: Desk) -> None:
    await an_alert(desk)
    async with somebody(desk, "ono") as person:
        page = await person.get("/shelters")
        assert "提案" in page
        assert ACTION not in page
        refused = await person.post(
            ACTION, {"matter": "no_site", "subject": "x", "csrf": person.field("csrf")}
        )
        assert "/drafts/" not in person.path
        assert refused
