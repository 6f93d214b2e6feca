"""From a template to a submitted draft, on pages without a script."""

import msgspec
from lxml.html import document_fromstring
from sqlalchemy import insert, select

from hub.alert import Mode
from hub.clock import JST
from hub.draft import Draft, State
from hub.evacuation import Level
from hub.hazard import Hazard
from hub.inbound import occasions
from hub.inbound.warning import InfoType, Place, Status, Telegram, Warned
from hub.inbound.warning import State as WarningState
from hub.language import Language
from hub.ledger import audit, drafts, tables
from hub.recipient import Towns, WholeCity
from tests.unit.operator_ui.desk import CITY, NOW, Desk, Person, somebody

GROUNDS = "石原水位観測所で氾濫危険水位に到達（21:36）"


async def begin(person: Person, template: str = "flood-4", mode: str = "live") -> str:
    """The path of a new draft."""
    await person.get(f"/new/{mode}")
    await person.post(f"/new/{mode}", {"template": template})
    assert person.path.startswith("/drafts/"), person.page
    return person.path


async def stored(desk: Desk, path: str) -> Draft:
    return await desk.ledger.read(lambda conn: drafts.get(conn, path.rpartition("/")[2]))


async def test_a_template_fills_in_everything_but_the_grounds(desk: Desk) -> None:
    async with somebody(desk, "ito") as author:
        draft = await stored(desk, await begin(author))
    message = draft.message
    preset = CITY.presets["tamagawa-flood"]
    assert (message.mode, message.level, message.hazard) == (Mode.LIVE, Level.EVACUATE, Hazard.FLOOD)
    assert message.targeting.audience == Towns(towns=preset.towns)
    assert message.targeting.channels == ("mail", "line", "x", "manual")
    assert {info.language for info in message.infos} == set(Language)
    assert (message.order.issuer, message.order.grounds) == ("昭島市長", "")


async def test_line_is_shown_as_it_arrives(desk: Desk) -> None:
    async with somebody(desk, "ito") as author:
        path = await begin(author)
        (shown,) = document_fromstring(author.page).xpath("//*[@id='preview-line']")
    texts = {
        name: [each.text_content() for each in shown.find_class(name)] for name in ("flex", "bubble", "who")
    }
    ((header,), (button,)) = (shown.find_class(name) for name in ("flex-header", "flex-button"))
    assert "l4" in header.get("class").split()
    assert [each.text for each in header] == ["警戒レベル4", "避難指示"]
    assert button.text_content() == "くわしく見る"
    info = next(info for info in (await stored(desk, path)).message.infos if info.language is Language.JA)
    assert [len(texts[name]) for name in ("flex", "bubble", "who")] == [1, 1, 2], "sender and notification"
    assert texts["who"][1].split("：", 1)[0].strip() == "通知に出る文"
    assert info.short[:10] in texts["who"][1]


async def test_what_is_typed_is_kept_exactly(desk: Desk) -> None:
    async with somebody(desk, "ito") as author:
        path = await begin(author)
        await author.submit(
            path, "save", grounds=f"{GROUNDS}\r\n2行目", issuer="昭島市長職務代理者", ordered_at="2026-09-12T21:40",
            method="電話", hours="3",
        )  # fmt: skip
        assert author.status == 200
    order = (await stored(desk, path)).message.order
    assert (order.issuer, order.method, order.grounds) == (
        "昭島市長職務代理者",
        "電話",
        f"{GROUNDS}\n2行目",
    )
    assert f"{order.ordered_at.astimezone(JST):%H:%M}" == "21:40"
    assert (await stored(desk, path)).message.valid_for_s == 3 * 3600


async def test_saving_the_form_untouched_changes_nothing_of_the_message(desk: Desk) -> None:
    async with somebody(desk, "ito") as author:
        path = await begin(author)
        before = (await stored(desk, path)).message
        await author.submit(path, "save")
    assert (await stored(desk, path)).message.digest() == before.digest()


async def test_texts_nobody_changed_follow_the_area_and_the_level(desk: Desk) -> None:
    async with somebody(desk, "ito") as author:
        path = await begin(author)
        english = "text-en-headline"
        await author.submit(path, "save", area="whole", level="3", **{english: "My own headline"})
    message = (await stored(desk, path)).message
    by_language = {info.language: info for info in message.infos}
    assert message.targeting.audience == WholeCity()
    assert message.area.description == "昭島市全域"
    assert "高齢者等避難" in by_language[Language.JA].headline
    assert "昭島市全域" in by_language[Language.JA].description
    assert by_language[Language.EN].headline == "My own headline"


async def test_a_text_changed_by_hand_is_marked_as_one(desk: Desk) -> None:
    async with somebody(desk, "ito") as author:
        path = await begin(author)
        assert "手で変更・要確認" not in author.page
        await author.submit(path, "save", **{"text-ja-headline": "避難してください"})
        assert "手で変更・要確認" in author.page


async def test_no_town_and_no_channel_are_said_and_the_rest_is_kept(desk: Desk) -> None:
    async with somebody(desk, "ito") as author:
        path = await begin(author)
        page = await author.submit(path, "submit", area="towns", town=None, channel=None, grounds=GROUNDS)
        assert author.status == 422
        assert "地域を1つ以上選んでください" in page
        assert 'href="#channels"' in page
    draft = await stored(desk, path)
    assert draft.state is State.EDITING
    assert draft.message.order.grounds == GROUNDS
    assert isinstance(draft.message.targeting.audience, Towns)


async def test_an_order_without_grounds_is_not_submitted(desk: Desk) -> None:
    async with somebody(desk, "ito") as author:
        path = await begin(author)
        page = await author.submit(path, "submit")
    assert author.status == 422
    assert 'href="#grounds"' in page
    assert "根拠を書いてください" in page
    assert (await stored(desk, path)).state is State.EDITING


async def test_a_live_text_that_speaks_of_a_drill_is_not_submitted(desk: Desk) -> None:
    async with somebody(desk, "ito") as author:
        path = await begin(author)
        page = await author.submit(path, "submit", grounds=GROUNDS, **{"text-ja-short": "【訓練】避難"})
    assert author.status == 422
    assert 'href="#text-ja-short"' in page


async def test_a_text_too_long_for_a_channel_is_not_submitted(desk: Desk) -> None:
    async with somebody(desk, "ito") as author:
        path = await begin(author)
        page = await author.submit(path, "submit", grounds=GROUNDS, **{"text-ja-description": "避" * 5100})
    assert author.status == 422
    assert 'href="#language-ja"' in page
    assert "日本語の文面が入りません：LINE" in page
    assert 'id="language-ja-problem"' in page


async def test_a_channel_is_turned_off_only_with_a_reason(desk: Desk) -> None:
    without_line = {"channel": ["mail", "x", "manual"]}
    async with somebody(desk, "ito") as author:
        path = await begin(author)
        for blank in ("", "　 "):
            page = await author.submit(path, "submit", grounds=GROUNDS, **without_line, **{"why-line": blank})
            assert author.status == 422
            assert 'href="#why-line"' in page
            assert "LINEを使わない理由を書いてください" in page
        assert (await stored(desk, path)).state is State.EDITING
        await author.submit(
            path, "submit", grounds=GROUNDS, **without_line, **{"why-line": "点検中\r\n23時まで"}
        )
    draft = await stored(desk, path)
    assert draft.state is State.SUBMITTED
    assert draft.message.why_left_out == {"line": "点検中 23時まで"}


async def test_a_channel_turned_on_again_needs_no_reason_and_keeps_none(desk: Desk) -> None:
    async with somebody(desk, "ito") as author:
        path = await begin(author)
        await author.submit(path, "save", channel=["mail", "x", "manual"], **{"why-line": "点検中"})
        await author.submit(
            path, "submit", grounds=GROUNDS, channel=["mail", "line", "x", "manual"], **{"why-line": "点検中"}
        )
    draft = await stored(desk, path)
    assert (draft.state, draft.message.left_out) == (State.SUBMITTED, ())


async def test_a_drill_asks_no_reason_for_what_takes_no_part_in_one(desk: Desk) -> None:
    async with somebody(desk, "ito") as author:
        path = await begin(author, mode="staff_drill")
        assert 'name="why-line"' in author.page
        assert 'name="why-x"' not in author.page
        await author.submit(path, "submit", grounds=GROUNDS)
    assert (await stored(desk, path)).state is State.SUBMITTED


async def test_submitted_it_waits_for_another_person(desk: Desk) -> None:
    async with somebody(desk, "ito") as author:
        path = await begin(author)
        page = await author.submit(path, "submit", grounds=GROUNDS)
        assert author.path == path
        assert "作成した人は承認できません" in page
    assert (await stored(desk, path)).state is State.SUBMITTED


async def test_the_headcount_is_of_registered_people_once_each(desk: Desk) -> None:
    async with somebody(desk, "ito") as author:
        path = await begin(author)
        page = await author.submit(path, "save", area="whole")
        assert "30人" in page  # on mail and line together: each once
        page = await author.submit(path, "save", channel=["line"])
        assert "10人" in page


async def test_a_population_that_the_city_has_not_given_is_told_as_that(desk: Desk) -> None:
    async with somebody(desk, "ito") as author:
        path = await begin(author)
        assert "地区ごとの人口を市から受け取っていない" in author.page
        assert "登録のない人</dt>" not in author.page
        page = await author.submit(path, "save", area="whole")
        assert f"{CITY.residents:,}" in page
        assert "登録のない人</dt>" in page


async def test_in_english_a_template_has_an_english_name(desk: Desk) -> None:
    async with somebody(desk, "ito") as author:
        english = {"Accept-Language": "en"}
        assert "Test of the system" in await author.get("/new/live", **english)
        await author.post("/new/live", {"template": "flood-4"}, headers=english)
        assert "Flood: Alert Level 4, Evacuation Order" in author.page


async def test_of_two_who_edit_the_slower_is_told(desk: Desk) -> None:
    async with somebody(desk, "ito") as one, somebody(desk, "sato") as other:
        path = await begin(one)
        await other.get(path)
        await one.submit(path, "save", grounds="ひとつ目")
        page = await other.submit(path, "save", grounds="ふたつ目")
        assert other.status == 409
        assert "ほかの人が先に変更しました" in page
        shown = document_fromstring(page).get_element_by_id("conflict")
        assert [each.text_content() for each in shown.iter("dt")] == ["発令・対象：根拠"]
        assert "ひとつ" in shown.text_content()  # what was saved
        assert "ふた" in shown.text_content()  # what was typed
        assert (await stored(desk, path)).message.order.grounds == "ひとつ目"
        await other.submit(path, "submit")  # pressing on does not overwrite
        assert other.status == 409
        await other.submit(path, overwrite=str((await stored(desk, path)).version))
        assert other.status == 200
    draft = await stored(desk, path)
    assert (draft.message.order.grounds, draft.authors) == ("ふたつ目", ("ito", "sato"))


async def test_the_script_is_shown_both_too_and_nothing_is_overwritten(desk: Desk) -> None:
    async with somebody(desk, "ito") as one, somebody(desk, "sato") as other:
        path = await begin(one)
        await other.get(path)
        await one.submit(path, "save", grounds="ひとつ目")
        changed = [(name, "ふたつ目" if name == "grounds" else value) for name, value in other.form(path)]
        async with other.session.post(
            path, data=[*changed, ("act", "autosave")], headers={"Accept": "application/json"}
        ) as response:
            answer = await response.json()
    assert (response.status, answer["conflict"]) == (409, True)
    assert "version" not in answer
    assert "発令・対象" in answer["html"]
    assert (await stored(desk, path)).message.order.grounds == "ひとつ目"


async def test_the_script_gets_version_and_fragments(desk: Desk) -> None:
    async with somebody(desk, "ito") as author:
        path = await begin(author)
        unchanged = [*author.form(path), ("act", "autosave")]
        changed = [(name, GROUNDS if name == "grounds" else value) for name, value in unchanged]
        answers = []
        for fields in (unchanged, changed):
            async with author.session.post(
                path, data=fields, headers={"Accept": "application/json"}
            ) as response:
                answers.append(await response.json())
    assert [answer["version"] for answer in answers] == [1, 2]  # nothing new is not saved anew
    answer = answers[1]
    assert answer["problems"] == []
    assert 'id="people"' in answer["html"]
    assert "<html" not in answer["html"]


async def test_a_drill_stays_a_drill_whatever_the_form_says(desk: Desk) -> None:
    async with somebody(desk, "ito") as author:
        path = await begin(author, mode="staff_drill")
        assert "【訓練】" in author.page
        await author.submit(path, "save", mode="live", grounds=GROUNDS)
    message = (await stored(desk, path)).message
    assert message.mode is Mode.STAFF_DRILL
    assert message.targeting.channels == ("mail", "line")


async def test_a_drill_with_residents_needs_their_notice_first(desk: Desk) -> None:
    async with somebody(desk, "ito") as author:
        await author.get("/new/resident_drill")
        await author.post("/new/resident_drill", {"template": "flood-4"})
        assert author.status == 422
        assert await desk.ledger.read(lambda conn: conn.execute(select(tables.drafts)).first()) is None
        await author.post("/new/resident_drill", {"template": "flood-4", "announced": "yes"})
        assert (await stored(desk, author.path)).message.mode is Mode.RESIDENT_DRILL


WARNING = Telegram(
    kind="指定河川洪水予報",
    office="関東地方整備局",
    status=Status.NORMAL,
    info_type=InfoType.ISSUE,
    title="多摩川氾濫危険情報",
    event_id="1",
    serial="1",
    issued_at=NOW,
    headline="多摩川では、氾濫危険水位に到達しました。",
    warnings=(
        Warned(
            name="氾濫危険情報",
            code="40",
            hazard=Hazard.FLOOD,
            level=Level.EVACUATE,
            state=WarningState.ISSUED,
            areas=(Place(code=CITY.jma_code, name="昭島市"),),
        ),
    ),
)


async def test_a_warning_waits_until_it_is_drafted_and_gives_the_grounds(desk: Desk) -> None:
    await desk.ledger.write(lambda conn: occasions.keep(conn, WARNING, source="jma", at=NOW))
    async with somebody(desk, "ito") as author:
        assert "多摩川氾濫危険情報" in await author.get("/")
        await author.get("/new/live?occasion=1")
        await author.post("/new/live?occasion=1", {"template": "flood-4"})
        draft = await stored(desk, author.path)
        assert "氾濫危険情報（21時47分 発表）" in draft.message.order.grounds
        assert "多摩川氾濫危険情報" not in await author.get("/")
    (entry,) = await desk.ledger.read(lambda conn: audit.about(conn, ["1"]))
    assert (entry.actor, entry.action, entry.detail) == ("ito", "occasion.draft", {"draft": draft.id})


async def test_not_yet_is_a_decision_with_a_reason(desk: Desk) -> None:
    await desk.ledger.write(lambda conn: occasions.keep(conn, WARNING, source="jma", at=NOW))
    async with somebody(desk, "ito") as author:
        await author.get("/")
        await author.post("/occasions/1/not-yet", {"reason": ""})
        assert author.status == 400
        await author.get("/")
        await author.post("/occasions/1/not-yet", {"reason": "水位が下がり始めたため"})
        assert "判断や承認を待っているものはありません" in author.page
    (row,) = await desk.ledger.read(lambda conn: list(conn.execute(select(tables.occasions))))
    assert (row.decided_by, row.decision) == ("ito", "水位が下がり始めたため")
    (entry,) = await desk.ledger.read(lambda conn: audit.about(conn, ["1"]))
    assert (entry.action, entry.detail) == ("occasion.not_yet", {"reason": "水位が下がり始めたため"})


async def test_numbers_that_no_row_can_have_are_pages_that_are_not_there(desk: Desk) -> None:
    async with somebody(desk, "ito") as author:
        for path in (f"/pages/{'9' * 20}/acknowledge", f"/occasions/{'9' * 20}/not-yet"):
            await author.get("/")
            await author.post(path, {"reason": "水位が下がり始めたため"})
            assert author.status == 404, path


async def test_a_version_of_thousands_of_digits_is_only_another_one(desk: Desk) -> None:
    async with somebody(desk, "ito") as author:
        path = await begin(author)
        await author.submit(path, "save", version="9" * 5000, level="9" * 5000)
        assert author.status == 409


async def test_a_page_that_somebody_takes_on_is_recorded(desk: Desk) -> None:
    page = insert(tables.pages).values(at=NOW, topic="credentials mail", text="パスワードを直してください")
    await desk.ledger.write(lambda conn: conn.execute(page))
    async with somebody(desk, "ito") as author:
        assert "credentials mail" in await author.get("/")
        await author.post("/pages/1/acknowledge")
        assert "credentials mail" not in author.page
    (entry,) = await desk.ledger.read(lambda conn: audit.about(conn, ["page 1"]))
    assert (entry.actor, entry.action) == ("ito", "page.acknowledge")


async def test_a_drill_telegram_begins_no_live_draft(desk: Desk) -> None:
    drill = msgspec.structs.replace(WARNING, status=Status.DRILL)
    await desk.ledger.write(lambda conn: occasions.keep(conn, drill, source="jma", at=NOW))
    async with somebody(desk, "ito") as author:
        await author.get("/new/live")
        await author.post("/new/live?occasion=1", {"template": "flood-4"})
        assert author.status == 400
        await author.get("/new/staff_drill?occasion=1")
        await author.post("/new/staff_drill?occasion=1", {"template": "flood-4"})
        assert (await stored(desk, author.path)).message.mode is Mode.STAFF_DRILL
