"""A post that its provider did not take stands beside the sheets, ready to be copied."""

from datetime import timedelta

import pytest
from lxml.html import document_fromstring
from sqlalchemy import select

from hub.delivery import Outcome
from hub.ledger import tables, ticks
from operator_ui.staff.by_hand import Unposted, why_unposted
from tests.unit.operator_ui.desk import Desk, somebody
from tests.unit.operator_ui.test_following_an_alert import an_alert, carry


def offered(page: str) -> dict[str, list[str]]:
    """The texts to copy, by the name in front of them."""
    items = document_fromstring(page).xpath('//ul[@class="by-hand"]/li')
    return {
        item.xpath(".//b")[0].text_content(): [
            text.text_content() for text in item.xpath('.//p[@class="copy"]')
        ]
        for item in items
    }


@pytest.mark.parametrize(
    ("outcomes", "retried", "why"),
    [
        ({Outcome.PERMANENT}, False, Unposted.REFUSED),
        ({Outcome.MOVED, Outcome.PERMANENT}, True, Unposted.REFUSED),
        ({Outcome.MOVED, Outcome.PENDING}, True, Unposted.WAITING),
        ({Outcome.MOVED, Outcome.AMBIGUOUS}, True, Unposted.UNCLEAR),
        ({Outcome.AMBIGUOUS}, False, Unposted.UNCLEAR),
        ({Outcome.PENDING}, False, None),
        ({Outcome.ACCEPTED}, False, None),
        ({Outcome.MOVED, Outcome.ACCEPTED}, True, None),
        ({Outcome.UNSUPPORTED}, False, None),
        ({Outcome.CANCELLED}, False, None),
        ({Outcome.EXPIRED}, True, None),
        ({Outcome.SUPERSEDED}, False, None),
    ],
)
def test_what_may_be_posted_by_hand(outcomes: set[Outcome], retried: bool, why: Unposted | None) -> None:
    assert why_unposted(outcomes, retried=retried) is why


async def test_whoever_posted_it_by_hand_is_recorded_and_the_channel_still_says_refused(desk: Desk) -> None:
    identifier = await an_alert(desk)
    async with somebody(desk, "tanaka") as person:
        assert "X の投稿（日本語）" not in await person.get(f"/alerts/{identifier}")
        await carry(desk, identifier, [Outcome.PERMANENT], channel="x")
        desk.now += timedelta(minutes=5)
        page = await person.get(f"/alerts/{identifier}")
        first, second = offered(page)["X の投稿（日本語）"]
        assert (first[:3], first[-3:], second[-3:]) == ("ja ", "1/2", "2/2")
        assert "投稿を断られました" in page
        assert "2件に分けて" in page
        assert "X の投稿（English）" not in offered(page), "it was not tried"
        await person.post(f"/alerts/{identifier}/ticks", {"channel": "x", "sheet": "post:ja"})
        assert "手で入力（X の投稿（日本語））" in person.page
        assert offered(person.page)["X の投稿（日本語）"] == []
        assert "X の投稿（日本語）" in await person.get(f"/alerts/{identifier}/report")
    found = await desk.ledger.read(lambda conn: ticks.of_alert(conn, identifier))
    assert found["post:ja"] == (desk.now, "tanaka")
    parked = select(tables.parked_receipts)
    assert not await desk.ledger.read(lambda conn: conn.execute(parked).all()), (
        "the provider reported nothing"
    )


async def test_what_was_posted_is_not_ticked_and_what_is_over_is_not_posted(desk: Desk) -> None:
    identifier = await an_alert(desk)
    async with somebody(desk, "tanaka") as person:
        await person.get(f"/alerts/{identifier}")
        await person.post(f"/alerts/{identifier}/ticks", {"channel": "x", "sheet": "post:ja"})
        assert person.status == 400
        await carry(desk, identifier, [Outcome.PERMANENT], channel="x")
        assert "X の投稿（日本語）" in offered(await person.get(f"/alerts/{identifier}"))
        await person.post(f"/alerts/{identifier}/stop")
        assert "X の投稿（日本語）" not in offered(await person.get(f"/alerts/{identifier}"))
