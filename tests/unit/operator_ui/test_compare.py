"""What changed: told in elements and words, from the earlier to the later."""

from lxml.html import HtmlElement, document_fromstring

from hub.ledger import drafts
from tests.unit.operator_ui.desk import Desk, somebody
from tests.unit.operator_ui.test_approving import sent, submitted
from tests.unit.operator_ui.test_composing import GROUNDS
from tests.unit.operator_ui.test_following_an_alert import an_alert, complete, follow


def marked(page: str, section: str) -> tuple[list[str], list[str]]:
    """What is taken out and put in, in one section."""
    (found,) = document_fromstring(page).xpath(f'//section[@aria-labelledby="{section}"]')
    return [_read(each) for each in found.iter("del")], [_read(each) for each in found.iter("ins")]


def _read(element: HtmlElement) -> str:
    said = element.text_content()
    for mark in ("［削除］", "［削除おわり］", "［追加］", "［追加おわり］"):
        assert (mark in said) == (mark[1:3] == ("削除" if element.tag == "del" else "追加"))
        said = said.replace(mark, "")
    return said


async def test_an_update_is_compared_with_what_it_follows(desk: Desk) -> None:
    identifier = await an_alert(desk)
    draft = await follow(desk, identifier, "update")
    async with somebody(desk, "ito") as author:
        await author.get(f"/drafts/{draft.id}")
        short = draft.message.infos[0].short
        await author.submit(
            f"/drafts/{draft.id}",
            "save",
            **{
                "text-ja-short": short + "橋は渡れません。",
                "grounds": "水位 5.2m",
                "channel": ["mail", "x", "manual"],
                "why-line": "LINEの点検中",
            },
        )
        page = await author.get(f"/drafts/{draft.id}/compare")
        assert "2026-0001" in page
        assert marked(page, "text-ja") == ([], ["橋は渡れません。"])
        assert GROUNDS in marked(page, "order")[0][1]
        assert marked(page, "order")[1][-1] == "LINE：LINEの点検中"
        assert "やさしい日本語" in page.split("同じところ")[1]
        assert 'aria-labelledby="text-en"' not in page


async def test_both_alerts_lead_to_the_same_comparison(desk: Desk) -> None:
    first = await an_alert(desk)
    lifting = await follow(desk, first, "lifting")
    await complete(desk, lifting, typed="27")
    second = (await sent(desk))[0].alert.identifier
    async with somebody(desk, "ono") as viewer:
        assert f"/alerts/{first}/compare" in await viewer.get(f"/alerts/{first}")
        from_first = await viewer.get(f"/alerts/{first}/compare")
        from_second = await viewer.get(f"/alerts/{second}/compare")
    assert marked(from_first, "order") == marked(from_second, "order")
    out, put_in = marked(from_first, "order")
    assert "新しい配信" in out
    assert "解除・取消" in put_in


async def test_an_alert_by_itself_has_nothing_to_be_compared_with(desk: Desk) -> None:
    identifier = await an_alert(desk)
    async with somebody(desk, "ono") as viewer:
        assert "/compare" not in await viewer.get(f"/alerts/{identifier}")
        assert "比べる前の版も、前後の配信もありません" in await viewer.get(f"/alerts/{identifier}/compare")
        await viewer.get("/alerts/none/compare")
        assert viewer.status == 404


async def test_a_draft_submitted_again_shows_what_changed_since(desk: Desk) -> None:
    async with somebody(desk, "ito") as author, somebody(desk, "tanaka") as approver:
        path = await submitted(author)
        await approver.get(path)
        await approver.submit(f"{path}/return", reason="時刻を直してください")
        await author.get(f"{path}/edit")
        await author.submit(path, "submit", grounds=GROUNDS.replace("21:36", "21:38"))
        await approver.get(path)
        assert f'href="{path}/compare"' in approver.page
        page = await approver.get(f"{path}/compare")
        assert marked(page, "order") == (["36"], ["38"])
        assert "1か所が変わりました" in page
    kept = await desk.ledger.read(lambda conn: drafts.submitted(conn, path.rpartition("/")[2]))
    assert [each.message.order.grounds for each in kept] == [GROUNDS.replace("21:36", "21:38"), GROUNDS]
    assert kept[0].version > kept[1].version
