"""The page of an alert: numbers that add up, work by hand, and the next word on it."""

import asyncio
from collections import Counter
from datetime import timedelta
from pathlib import Path
from random import Random

from lxml.html import document_fromstring
from sqlalchemy import Connection, insert, select, update

from channels import manual
from hub import receipts
from hub.bus import DEAD_LETTERS
from hub.bus.embedded import EmbeddedBus
from hub.cap import MsgType
from hub.codec import RecordCodec
from hub.delivery import Batch, BatchId, Outcome, Variant, tally
from hub.draft import Draft
from hub.language import Language
from hub.ledger import alerts, audit, batches, plans, tables, tempo, ticks
from hub.ledger.batches import Planned
from hub.ledger.plans import Cursor
from hub.postbox import Postbox
from hub.prepared import draft_id
from hub.recipient import Reached, RecipientId
from hub.retry import key_of
from tests.unit.operator_ui.desk import Desk, somebody
from tests.unit.operator_ui.test_approving import sent, submitted
from tests.unit.operator_ui.test_composing import GROUNDS, stored


async def an_alert(desk: Desk) -> str:
    """The identifier of one that was sent."""
    async with somebody(desk, "ito") as author, somebody(desk, "tanaka") as approver:
        path = await submitted(author)
        await approver.get(path)
        await approver.submit(f"{path}/send", typed="4")
        return approver.path.rpartition("/")[2]


async def carry(
    desk: Desk, identifier: str, outcomes: list[Outcome], *, complete: bool = True, channel: str = "mail"
) -> None:
    """The channel is planned for as many as there are outcomes, and that is what became of them."""

    def work(conn: Connection) -> None:
        alert = alerts.get(conn, desk.keys, identifier).alert
        batches.insert_content(conn, "0" * 64, b"{}")
        batch = Batch(
            id=BatchId(f"{identifier[-4:]}-{len(outcomes)}"),
            alert=identifier,
            version=1,
            mode=alert.mode,
            lane=alert.lane,
            channel=channel,
            variant=Variant(Language.JA, None),
            seq=0,
            members=tuple(RecipientId(number) for number in range(1, len(outcomes) + 1)),
            content_hash="0" * 64,
            idempotency_key=key_of(BatchId("a")),
            expires=alert.expires,
        )
        planned = [Planned(batch=batch, due_at=desk.now)]
        plans.advance(
            conn,
            identifier,
            channel,
            step=0,
            to=Cursor(),
            planned=planned,
            complete_at=desk.now if complete else None,
        )
        conn.execute(
            update(tables.batches)
            .where(tables.batches.c.id == batch.id)
            .values(handover=bytes(outcomes), state=2, first_at=desk.now, last_at=desk.now)
        )

    await desk.ledger.write(work)


SOME = [
    *[Outcome.ACCEPTED] * 5,
    *[Outcome.DELIVERED] * 3,
    Outcome.ANSWERED,
    Outcome.AMBIGUOUS,
    *[Outcome.PERMANENT] * 2,
    *[Outcome.PENDING] * 4,
]


def row(page: str, channel: str) -> dict[str, int]:
    """A line of the table, by the names of its columns."""
    (line,) = document_fromstring(page).xpath(f'//tr[@data-channel="{channel}"]')
    return {cell.get("data-share"): int(cell.text_content().replace(",", "")) for cell in line.xpath("./td")}


async def test_every_line_adds_up_to_what_was_planned(desk: Desk) -> None:
    identifier = await an_alert(desk)
    await carry(desk, identifier, SOME)
    async with somebody(desk, "ono") as viewer:
        line = row(await viewer.get(f"/alerts/{identifier}"), "mail")
    assert line == {
        "planned": 16, "answered": 1, "delivered": 3, "accepted": 5, "ambiguous": 1, "retrying": 0, "failed": 2,
        "waiting": 4,
    }  # fmt: skip
    assert line.pop("planned") == sum(line.values())


async def test_how_it_grew_is_drawn_and_stands_in_a_table(desk: Desk) -> None:
    identifier = await an_alert(desk)
    async with somebody(desk, "ono") as viewer:
        assert "まだ受け付けられたものはありません" in await viewer.get(f"/alerts/{identifier}")
        desk.now += timedelta(seconds=20)
        await carry(desk, identifier, SOME)
        await desk.ledger.write(
            lambda conn: tempo.arrive(conn, identifier, "mail", [desk.now + timedelta(minutes=1)])
        )
        desk.now += timedelta(minutes=2)
        page = document_fromstring(await viewer.get(f"/alerts/{identifier}/live"))
    (growth,) = page.xpath('//section[@id="growth"]')
    said = [picture.get("aria-label") for picture in growth.xpath('.//div[@role="img"]')]
    assert len(said) == 2
    assert all("受付済み以上 9人、端末に到着・応答あり 5人（計画 16人）" in each for each in said)
    assert all("最初 21:47:20、半数 21:47:20、最後 21:47:20" in each for each in said)
    rows = [[cell.text_content() for cell in row] for row in growth.xpath(".//tbody/tr")]
    assert rows == [["21:47:20", "9", "4", "9", "4"], ["21:48:20", "9", "5", "9", "5"]]


async def test_the_end_is_expected_by_the_contract_until_that_has_passed(desk: Desk) -> None:
    identifier = await an_alert(desk)
    async with somebody(desk, "ono") as viewer:
        await carry(desk, identifier, [Outcome.PENDING] * 3)
        assert "送り終わる見込み" not in await viewer.get(f"/alerts/{identifier}"), (
            "no contract sets its speed"
        )
        await carry(desk, identifier, [Outcome.PENDING] * 10, channel="line")
        assert "送り終わる見込み</dt><dd>21:47 ごろ" in await viewer.get(f"/alerts/{identifier}")
        desk.now += timedelta(minutes=1)
        assert "送り終わる見込み" not in await viewer.get(f"/alerts/{identifier}")


async def test_an_acceptance_is_never_called_an_arrival(desk: Desk) -> None:
    identifier = await an_alert(desk)
    await carry(desk, identifier, [Outcome.ACCEPTED] * 10)
    async with somebody(desk, "ono") as viewer:
        page = await viewer.get(f"/alerts/{identifier}")
    assert "届いた" not in page
    assert "0.0%" in page  # of arrivals and answers
    assert row(page, "mail")["accepted"] == 10


async def test_nothing_counts_as_sent_before_everybody_is_planned(desk: Desk) -> None:
    identifier = await an_alert(desk)
    await carry(desk, identifier, [Outcome.ACCEPTED] * 10, complete=False)
    await carry(desk, identifier, [Outcome.PERMANENT] * 2, channel="line")
    async with somebody(desk, "ono") as viewer:
        page = await viewer.get(f"/alerts/{identifier}")
    assert "送信済み" not in page
    assert "数えています" in page
    assert "送れませんでした" in page


async def test_a_watching_page_is_told_of_a_change_and_of_nothing_else(desk: Desk) -> None:
    identifier = await an_alert(desk)
    async with somebody(desk, "ono") as viewer:
        await viewer.get(f"/alerts/{identifier}")
        shown = viewer.page.split('data-version="')[1].split('"')[0]
        async with viewer.session.get(f"/alerts/{identifier}/changes") as stream:
            assert stream.headers["Content-Type"] == "text/event-stream"
            first = await event(stream.content)
            assert first == shown
            await carry(desk, identifier, SOME)
            second = await event(stream.content)
        assert second != first
        async with viewer.session.get(
            f"/alerts/{identifier}/changes", headers={"Last-Event-ID": first}
        ) as stream:
            assert await event(stream.content) == second
        fragment = await viewer.get(f"/alerts/{identifier}/live")
    assert "<html" not in fragment
    assert row(fragment, "mail")["planned"] == len(SOME)


async def event(stream: asyncio.StreamReader) -> str:
    """The version that the next event says. Fails when there is none for ten seconds."""
    async with asyncio.timeout(120):
        while True:
            line = (await stream.readline()).decode().strip()
            if line.startswith("data: "):
                return line.removeprefix("data: ")


async def test_what_is_unsent_can_be_stopped_once(desk: Desk) -> None:
    identifier = await an_alert(desk)
    await carry(desk, identifier, SOME)
    async with somebody(desk, "tanaka") as person:
        page = await person.get(f"/alerts/{identifier}")
        assert "まだ送っていない 4件を止める" in page
        await person.submit(f"/alerts/{identifier}/stop")
        assert "送信を止めました" in person.page
        assert f'action="/alerts/{identifier}/stop"' not in person.page
        await person.post(f"/alerts/{identifier}/stop")
        assert person.status == 409
    (accepted,) = await sent(desk)
    assert accepted.stopped_as is Outcome.CANCELLED


async def test_a_viewer_can_neither_stop_nor_correct_nor_tick(desk: Desk) -> None:
    identifier = await an_alert(desk)
    async with somebody(desk, "ono") as viewer:
        page = await viewer.get(f"/alerts/{identifier}")
        assert f"/alerts/{identifier}/stop" not in page
        for action, fields in (("stop", {}), ("follow", {"kind": "update"}), ("ticks", {"sheet": "van"})):
            await viewer.get(f"/alerts/{identifier}")
            await viewer.post(f"/alerts/{identifier}/{action}", fields)
            assert viewer.status == 403, action


async def test_a_sheet_carried_over_is_ticked_with_time_and_name(desk: Desk) -> None:
    identifier = await an_alert(desk)
    desk.now += timedelta(minutes=5)
    async with somebody(desk, "tanaka") as person:
        page = await person.get(f"/alerts/{identifier}")
        assert page.count("入力した") == 2
        await person.post(f"/alerts/{identifier}/ticks", {"channel": "manual", "sheet": "van"})
        assert person.page.count("入力した") == 1
        assert "21:52" in person.page
        assert "手で入力（広報車）" in person.page
        await person.post(f"/alerts/{identifier}/ticks", {"channel": "manual", "sheet": "van"})
        assert person.status == 409
    found = await desk.ledger.read(lambda conn: ticks.of_alert(conn, identifier))
    assert found["van"] == (desk.now, "tanaka")
    entries = await desk.ledger.read(lambda conn: audit.about(conn, [identifier]))
    assert entries[0].action == "sheet.tick"


async def test_a_sheet_ticked_by_mistake_is_to_be_carried_over_again(desk: Desk) -> None:
    identifier = await an_alert(desk)
    await stands_ready(desk, identifier, "van")
    tick = {"channel": "manual", "sheet": "van"}
    async with somebody(desk, "tanaka") as person:
        await person.get(f"/alerts/{identifier}")
        await person.post(f"/alerts/{identifier}/ticks", tick)
        assert "入力を取り消す" in person.page
        assert await counted(desk, identifier) == ({Outcome.DELIVERED: 1}, 1)
        assert sheets(await person.get(f"/alerts/{identifier}")) == ["未入力 2", "入力済み 1"]
        assert "手作業" not in section_of(person.page, "lanes"), (
            "a sheet is neither accepted nor does it arrive"
        )
        await person.post(f"/alerts/{identifier}/ticks", {**tick, "done": "no"})
        assert person.page.count("入力した") == 2
        assert sheets(person.page) == ["未入力 3", "入力済み 0"], "Lアラート is one of them"
        assert "手の入力を取り消した（広報車）" in person.page
        await person.post(f"/alerts/{identifier}/ticks", {**tick, "done": "no"})
        assert person.status == 409
        assert await counted(desk, identifier) == ({Outcome.ACCEPTED: 1}, 0)
        await person.get(f"/alerts/{identifier}")
        await person.post(f"/alerts/{identifier}/ticks", tick)
        assert person.page.count("入力した") == 1
    assert await counted(desk, identifier) == ({Outcome.DELIVERED: 1}, 1)
    entries = await desk.ledger.read(lambda conn: audit.about(conn, [identifier]))
    assert [entry.action for entry in entries[:3]] == ["sheet.tick", "sheet.untick", "sheet.tick"]


def sheets(page: str) -> list[str]:
    return [tag.text_content() for tag in document_fromstring(page).xpath("//*[@data-sheets]")]


def section_of(page: str, section: str) -> str:
    """What stands in the section of that heading."""
    (found,) = document_fromstring(page).xpath(f'//section[@aria-labelledby="{section}"]')
    return str(found.text_content())


async def test_a_tick_before_the_sheet_stands_ready_can_be_taken_back_too(desk: Desk) -> None:
    identifier = await an_alert(desk)
    tick = {"channel": "manual", "sheet": "van"}
    async with somebody(desk, "tanaka") as person:
        await person.get(f"/alerts/{identifier}")
        await person.post(f"/alerts/{identifier}/ticks", tick)
        await person.post(f"/alerts/{identifier}/ticks", {**tick, "done": "no"})
        assert person.status == 200
    await stands_ready(desk, identifier, "van")
    assert await counted(desk, identifier) == ({Outcome.ACCEPTED: 1}, 0)


async def test_a_tick_before_the_sheet_stands_ready_counts_once_it_does(desk: Desk) -> None:
    identifier = await an_alert(desk)
    async with somebody(desk, "tanaka") as person:
        await person.get(f"/alerts/{identifier}")
        await person.post(f"/alerts/{identifier}/ticks", {"channel": "manual", "sheet": "van"})
    await stands_ready(desk, identifier, "van")
    assert await counted(desk, identifier) == ({Outcome.DELIVERED: 1}, 1)


async def test_a_tick_that_the_bus_repeats_after_it_was_taken_back_counts_for_nothing(
    desk: Desk, tmp_path: Path
) -> None:
    """Ticks do not travel. Whatever says one on the bus is older than that, or forged."""
    identifier = await an_alert(desk)
    await stands_ready(desk, identifier, "van")
    tick = {"channel": "manual", "sheet": "van"}
    async with somebody(desk, "tanaka") as person:
        await person.get(f"/alerts/{identifier}")
        for done in ("yes", "no"):
            await person.post(f"/alerts/{identifier}/ticks", {**tick, "done": done})
    bus = EmbeddedBus(tmp_path / "replayed.db")
    await bus.open()
    postbox = Postbox(
        ledger=desk.ledger, transport=bus, records=RecordCodec(desk.keys),
        capabilities={"manual": manual.CAPABILITIES}, clock=lambda: desk.now,
    )  # fmt: skip
    await postbox.post("manual", 2 * [manual.ticked(identifier, "van", at=desk.now)])
    folding = asyncio.create_task(postbox.run())
    async with asyncio.timeout(60), bus.subscribe(DEAD_LETTERS, group="test") as given_up:
        for _ in range(2):
            await given_up.get(max_records=1)
    folding.cancel()
    await asyncio.gather(folding, return_exceptions=True)
    await bus.close()
    assert await counted(desk, identifier) == ({Outcome.ACCEPTED: 1}, 0)


async def stands_ready(desk: Desk, identifier: str, sheet: str) -> None:
    """The engine has recorded the sheet, as it does (`hub.deliver`)."""
    await carry(desk, identifier, [Outcome.ACCEPTED], channel="manual")
    ref, has = manual.reference(identifier, sheet), manual.CAPABILITIES

    def work(conn: Connection) -> None:
        (batch,) = conn.execute(select(tables.batches.c.id)).scalars()
        conn.execute(insert(tables.provider_refs).values(channel="manual", ref=ref, batch=batch, position=0))
        receipts.unpark(conn, "manual", [ref], has, now=desk.now, random=Random(0))

    await desk.ledger.write(work)


async def counted(desk: Desk, identifier: str) -> tuple[Counter[Outcome], int]:
    """What became of the sheets, and how many of them are counted as arrived over time."""
    (row,) = await desk.ledger.read(lambda conn: list(batches.of_alert(conn, identifier)))
    went = await desk.ledger.read(lambda conn: tempo.tempo(conn, identifier))
    return tally(row.handover, row.receipt), sum(each.number for each in went.arrived)


async def test_a_correction_goes_to_whoever_was_reached_and_admits_the_mistake(desk: Desk) -> None:
    identifier = await an_alert(desk)
    await carry(desk, identifier, SOME)
    draft = await follow(desk, identifier, "correction")
    message = draft.message
    assert message.targeting.audience == Reached(identifier=identifier)
    assert (message.msg_type, message.correction, message.references) == (MsgType.UPDATE, True, (identifier,))
    assert all("誤り" in info.short for info in message.infos if info.language is Language.JA)
    async with somebody(desk, "ito") as author:
        page = await author.get(f"/drafts/{draft.id}")
        assert "前の配信を受け取った人" in page
        assert 'id="people-mail" data-live>10人' in page  # accepted, delivered, answered or ambiguous
        await author.submit(f"/drafts/{draft.id}", "save", area="whole")
    assert (await stored(desk, f"/drafts/{draft.id}")).message.targeting.audience == Reached(
        identifier=identifier
    )


async def test_a_correction_is_ready_before_the_mistake_is_found(desk: Desk) -> None:
    """One click, then submit; another person approves, by the number of what is corrected. Nothing is left to write."""
    await an_alert(desk)
    identifier = await an_alert(desk)
    desk.now += timedelta(minutes=5)
    async with somebody(desk, "tanaka") as author, somebody(desk, "sato") as approver:
        assert "準備済み" in await author.get(f"/alerts/{identifier}")
        await author.get(f"/drafts/{draft_id(identifier)}")
        assert author.path == f"/alerts/{identifier}", "nobody's draft is looked at where it is offered"
        await author.submit(f"/alerts/{identifier}/follow", kind="correction")
        path = author.path
        assert path == f"/drafts/{draft_id(identifier)}"
        assert (await stored(desk, path)).message.order.ordered_at == desk.now
        await author.submit(path, "submit")
        assert author.status == 200
        assert "承認待ち" in await approver.get(f"/alerts/{identifier}")
        await approver.submit(f"/alerts/{identifier}/follow", kind="correction")
        assert approver.path == path, "there is one"
        await approver.submit(f"{path}/send", typed="1")
        assert approver.status == 422
        assert "前の配信は 2026-0002 です" in approver.page
        await approver.submit(f"{path}/send", typed="0002")
        assert approver.path.startswith("/alerts/")
    sent_now = (await sent(desk))[0]
    assert sent_now.alert.targeting.audience == Reached(identifier=identifier)
    assert (sent_now.author, sent_now.approver) == ("tanaka", "sato")


async def test_a_correction_ends_what_it_corrects(desk: Desk) -> None:
    identifier = await an_alert(desk)
    draft = await follow(desk, identifier, "correction")
    await complete(desk, draft, typed="1")
    corrected = {each.alert.identifier: each for each in await sent(desk)}[identifier]
    assert corrected.stopped_as is Outcome.SUPERSEDED
    async with somebody(desk, "ono") as viewer:
        assert "次の配信に替わりました" in await viewer.get(f"/alerts/{identifier}")
        assert "いまは送っていません" in viewer.page


async def test_a_lifting_is_an_order_of_its_own(desk: Desk) -> None:
    identifier = await an_alert(desk)
    desk.now += timedelta(hours=3)
    draft = await follow(desk, identifier, "lifting")
    message = draft.message
    assert message.msg_type is MsgType.CANCEL
    assert not message.correction
    assert message.order.ordered_at == desk.now
    assert message.order.grounds == ""
    assert "解除" in message.infos[0].headline
    (accepted,) = await sent(desk)
    assert message.targeting.audience == accepted.alert.targeting.audience
    await complete(desk, draft, typed="27")
    assert len(await sent(desk)) == 2


async def test_after_a_correction_its_own_page_lifts_the_order(desk: Desk) -> None:
    """It ends both, and everybody whom the order was for hears of it."""
    identifier = await an_alert(desk)
    await complete(desk, await follow(desk, identifier, "correction"), typed="1")
    correction = (await sent(desk))[0].alert.identifier
    async with somebody(desk, "ito") as viewer:
        page = await viewer.get(f"/alerts/{correction}")
        assert "避難指示を解除する" in page
        assert f'href="/alerts/{correction}"' in await viewer.get(f"/alerts/{identifier}")
    for begun_at in (identifier, correction):
        message = (await follow(desk, begun_at, "lifting")).message
        assert message.references == (identifier, correction)
        assert message.targeting.audience == (await sent(desk))[1].alert.targeting.audience
    desk.now += timedelta(hours=1)
    await complete(desk, await follow(desk, correction, "lifting"), typed="27")
    lifting, corrected, order = await sent(desk)
    assert (corrected.ended_at, order.ended_at) == (lifting.alert.sent, corrected.alert.sent)
    async with somebody(desk, "ito") as viewer:
        assert "避難指示を解除する" not in await viewer.get(f"/alerts/{lifting.alert.identifier}")


async def test_where_a_later_order_took_its_place_that_one_is_lifted(desk: Desk) -> None:
    identifier = await an_alert(desk)
    await complete(desk, await follow(desk, identifier, "update"), typed="4")
    update = (await sent(desk))[0].alert.identifier
    async with somebody(desk, "ito") as person:
        assert "避難指示を解除する" in await person.get(f"/alerts/{update}")
        page = await person.get(f"/alerts/{identifier}")
        assert "避難指示を解除する" not in page
        assert f'href="/alerts/{update}"' in page
        await person.post(f"/alerts/{identifier}/follow", {"kind": "lifting"})
        assert person.status == 400


async def test_an_update_begins_with_the_texts_that_were_sent(desk: Desk) -> None:
    identifier = await an_alert(desk)
    message = (await follow(desk, identifier, "update")).message
    (accepted,) = await sent(desk)
    assert message.infos == accepted.alert.infos
    assert (message.level, message.msg_type) == (accepted.alert.level, MsgType.UPDATE)


async def test_a_follow_up_of_a_drill_is_a_drill(desk: Desk) -> None:
    async with somebody(desk, "sato") as author:
        path = await submitted(author, mode="staff_drill")
        await author.submit(f"{path}/send", typed="4")
        identifier = author.path.rpartition("/")[2]
        assert 'class="staff_drill"' in author.page
    (accepted,) = await sent(desk)
    assert (await follow(desk, identifier, "update")).message.mode is accepted.alert.mode


async def test_home_and_history_name_it(desk: Desk) -> None:
    identifier = await an_alert(desk)
    async with somebody(desk, "ono") as viewer:
        for path in ("/", "/alerts"):
            assert f"/alerts/{identifier}" in await viewer.get(path)
        desk.now += timedelta(hours=7)
        assert f"/alerts/{identifier}" not in await viewer.get("/")
        assert "期限切れ" in await viewer.get("/alerts")


async def test_in_english_an_alert_is_called_by_its_english_text(desk: Desk) -> None:
    identifier = await an_alert(desk)
    english = {"Accept-Language": "en"}
    async with somebody(desk, "ono") as viewer:
        for path in ("/", "/alerts", f"/alerts/{identifier}", "/wall"):
            assert "Evacuation Order (flood)" in await viewer.get(path, **english), path
            assert "避難指示（洪水）" not in viewer.page


async def test_an_alert_there_is_none_of_is_not_found(desk: Desk) -> None:
    async with somebody(desk, "ono") as viewer:
        page = await viewer.get("/alerts/none")
    assert viewer.status == 404
    assert "この配信はありません" in page


async def follow(desk: Desk, identifier: str, kind: str) -> Draft:
    async with somebody(desk, "ito") as author:
        await author.get(f"/alerts/{identifier}")
        await author.post(f"/alerts/{identifier}/follow", {"kind": kind})
        assert author.path.startswith("/drafts/"), author.page
        return await stored(desk, author.path)


async def complete(desk: Desk, draft: Draft, *, typed: str) -> None:
    path = f"/drafts/{draft.id}"
    async with somebody(desk, "ito") as author, somebody(desk, "tanaka") as approver:
        await author.get(path)
        await author.submit(path, "submit", grounds=GROUNDS)
        await approver.get(path)
        await approver.submit(f"{path}/send", typed=typed)
        assert approver.path.startswith("/alerts/"), approver.page


async def test_of_an_alert_that_is_not_there_nothing_is_watched(desk: Desk) -> None:
    async with somebody(desk, "ito") as person:
        await person.get("/alerts/no-such/changes")
        assert person.status == 404
