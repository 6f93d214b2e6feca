"""A muster in the console: called with one button, counted live, called again, ended or cancelled."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import msgspec
from lxml.html import document_fromstring
from sqlalchemy import Connection

from hub import muster_rules, mustering, roster
from hub.alert import Mode
from hub.authorise import Actor, Role
from hub.background import Background
from hub.city import City
from hub.evacuation import Level
from hub.hazard import Hazard
from hub.inbound import occasions
from hub.inbound.warning import InfoType, Place, State, Status, Telegram, Warned
from hub.ledger import alerts, audit, musters, trials
from hub.ledger.trials import Finding
from hub.muster import Answer
from hub.muster_rules import Cause, Rule, Rules
from hub.muster_watch import FRESH, MusterWatch
from hub.recipient import Called, RecipientId
from hub.roster import Key, Typed
from operator_ui.staff import home, muster_page
from operator_ui.staff.console import Console
from tests.unit.operator_ui.desk import CITY, NOW, ORGANISATION, SITES, Desk, Person, somebody

SATO = Actor(login="sato", name="佐藤 花", roles=frozenset(Role))
SITE = SITES[next(iter(SITES))]
KNOWN = ("disaster", f"keys:{SITE.code}")


async def staffed(desk: Desk) -> dict[str, RecipientId]:
    """Three of the staff: two of the 防災課, of whom one holds a key, and a second key-holder."""
    people = {
        "課の人": Typed(name="課の人", contacts={"mail": "a@work.example"}, groups=("disaster",)),
        "課と鍵": Typed(
            name="課と鍵",
            contacts={"mail": "b@work.example", "line": f"U{2:032x}"},
            groups=("disaster",),
            keys=(Key(site=SITE.code, choice=1),),
        ),
        "鍵だけ": Typed(
            name="鍵だけ", contacts={"mail": "c@work.example"}, keys=(Key(site=SITE.code, choice=2),)
        ),
    }
    found = {}
    for seen, (name, typed) in enumerate(people.items()):
        put = partial(roster.set_person, old=None, known=KNOWN, seen=seen, at=NOW)
        found[name] = await desk.ledger.write(partial(_put, put, desk, typed))
    return found


def _put(put: Callable[..., RecipientId], desk: Desk, typed: Typed, conn: Connection) -> RecipientId:
    return put(conn, desk.keys, typed, SATO)


async def test_a_new_number_of_staff_is_tried_and_one_that_was_confirmed_is_not_tried_again(
    desk: Desk,
) -> None:
    def set_(typed: Typed, old: RecipientId | None, seen: int) -> Callable[[Connection], RecipientId]:
        return lambda conn: roster.set_person(
            conn, desk.keys, typed, SATO, old=old, known=KNOWN, seen=seen, at=NOW
        )

    def typed(mail: str, voice: str = "090-1111-0000") -> Typed:
        return Typed(name="阿部", contacts={"mail": mail, "voice": voice}, groups=("disaster",))

    later = NOW + timedelta(hours=1)
    first = await desk.ledger.write(set_(typed("a@work.example"), None, 0))

    def confirm(conn: Connection) -> None:
        due = trials.due(conn, "voice", at=later)
        assert due is not None
        assert trials.begin(conn, due, key="a", at=later)
        assert trials.find_out(conn, due, "a", Finding.CONFIRMED, reason="", at=later)

    await desk.ledger.write(confirm)
    moved = await desk.ledger.write(set_(typed("b@work.example"), first, 1))
    assert await desk.ledger.read(lambda conn: trials.of(conn, moved, "voice")) is None
    other = await desk.ledger.write(set_(typed("b@work.example", "090-1111-0001"), moved, 2))
    due = await desk.ledger.read(lambda conn: trials.due(conn, "voice", at=later))
    assert due is not None
    assert due.recipient == other


async def called(person: Person, mode: str = "live", **fields: str | list[str]) -> str:
    path = f"/musters/new/{mode}"
    await person.get(path)
    wanted = {"reason": "川の水位が上がっているため", "group": ["disaster", "keys"], **fields}
    fields_of = [pair for pair in person.form(path) if pair[0] not in wanted]
    for name, value in wanted.items():
        fields_of += [(name, each) for each in ([value] if isinstance(value, str) else value)]
    return await person.post(path, fields_of)


async def test_everybody_chosen_is_called_once_and_counted_by_group(desk: Desk) -> None:
    people = await staffed(desk)
    async with somebody(desk, "sato") as person:
        await called(person)
        assert person.path == "/musters/1"
        (accepted,) = await desk.ledger.read(lambda conn: alerts.of_muster(conn, desk.keys, 1))
        audience = accepted.alert.targeting.audience
        assert isinstance(audience, Called)
        assert sorted(audience.recipients) == sorted(people.values()), "who is in two groups is called once"
        assert accepted.number == "S-2026-0001"
        assert await desk.ledger.read(lambda conn: alerts.active(conn, desk.keys, at=NOW)) == []
        assert "S-2026-0001" not in await person.get("/alerts")
        before = await muster_page.looks(console(desk), "muster 1")
        for name, answer in (("鍵だけ", Answer.IN_30), ("課と鍵", Answer.NOW), ("課の人", Answer.NO)):
            await mustering.answer(desk.ledger, desk.keys, 1, people[name], answer, actor=None, at=desk.now)
            desk.now += timedelta(minutes=1)
        assert await muster_page.looks(console(desk), "muster 1") != before
        page = await person.get("/musters/1")
        assert totals(page) == {
            "行ける": 1,
            "30分で行ける": 1,
            "60分で行ける": 0,
            "120分で行ける": 0,
            "不可": 1,
            "未回答": 0,
            "呼んだ人": 3,
        }
        wall = text(await person.get("/wall"), "//section[contains(@aria-labelledby,'wall-muster')]")
        assert "2 / 3人" in wall
        assert not any(name in wall for name in people)
        keys = text(page, "//section[@id='muster-keys']")
        assert "最初の答え：鍵だけ（第2）" in keys
        assert "22:17 ごろ" in keys
        entries = await desk.ledger.read(lambda conn: audit.about(conn, ["muster 1"]))
        assert [entry.action for entry in entries] == [*["muster.answer"] * 3, "muster.call"]
        await desk.ledger.read(lambda conn: audit.verify(conn, desk.keys))


async def test_who_is_silent_is_called_again_and_who_rang_back_is_written_down(desk: Desk) -> None:
    people = await staffed(desk)
    async with somebody(desk, "sato") as person:
        await called(person)
        await person.submit("/musters/1/answers", recipient=str(people["課の人"]), answer="60")
        assert "記録 佐藤 花" in await person.get("/musters/1")
        await person.submit("/musters/1/again", channel=["mail"])
        newest, first = await desk.ledger.read(lambda conn: alerts.of_muster(conn, desk.keys, 1))
        assert newest.alert.targeting.audience == Called(
            muster=1, recipients=(people["課と鍵"], people["鍵だけ"])
        )
        assert newest.alert.targeting.channels == ("mail",)
        assert first.ended_at is not None, "nobody is rung by two calls at once"
        for name in ("課と鍵", "鍵だけ"):
            await person.submit("/musters/1/answers", recipient=str(people[name]), answer="no")
        await person.submit("/musters/1/again", channel=["mail"])
        assert person.status == 409


async def test_a_cancel_is_told_to_everybody_and_an_end_to_nobody(desk: Desk) -> None:
    people = await staffed(desk)
    async with somebody(desk, "sato") as person:
        await called(person)
        assert "答えを見る" in await person.get("/")
        await person.get("/musters/1")
        page = await person.submit("/musters/1/cancel")
        assert "取り消し" in page
        assert 'action="/musters/1/again"' not in page
        newest, _ = await desk.ledger.read(lambda conn: alerts.of_muster(conn, desk.keys, 1))
        assert "来る必要はありません" in newest.alert.infos[0].description
        assert isinstance(newest.alert.targeting.audience, Called)
        assert len(newest.alert.targeting.audience.recipients) == len(people)
        assert "答えを見る" not in await person.get("/")
        await called(person)
        await person.get("/musters/2")
        await person.submit("/musters/2/end")
        (only,) = await desk.ledger.read(lambda conn: alerts.of_muster(conn, desk.keys, 2))
        assert only.stopped_at is not None
        await person.post("/musters/2/answers", {"recipient": str(people["課の人"]), "answer": "now"})
        assert person.status == 409


async def test_the_same_form_sent_twice_calls_once(desk: Desk) -> None:
    await staffed(desk)
    async with somebody(desk, "sato") as person:
        await person.get("/musters/new/live")
        fields = [
            *person.form("/musters/new/live"), ("group", "disaster"), ("reason", "川の水位が上がっているため"),
        ]  # fmt: skip
        fields = [pair for pair in fields if pair != ("reason", "")]
        await person.post("/musters/new/live", fields)
        await person.post("/musters/new/live", fields)
        assert person.path == "/musters/1"
        assert len(await desk.ledger.read(lambda conn: musters.recent(conn, desk.keys))) == 1


async def test_what_cannot_be_sent_is_said_and_the_form_kept(desk: Desk) -> None:
    await staffed(desk)
    async with somebody(desk, "sato") as person:
        assert 'href="#groups"' in await called(person, group=[])
        assert "川の水位" in person.page
        assert 'href="#reason"' in await called(person, reason="訓練のため")
        assert person.status == 422
        assert 'href="#channels"' in await called(person, channel=[])
        assert await desk.ledger.read(lambda conn: musters.recent(conn, desk.keys)) == []


async def test_a_drill_says_so_everywhere(desk: Desk) -> None:
    await staffed(desk)
    async with somebody(desk, "sato") as person:
        page = await called(person, "staff_drill")
        assert 'class="band staff_drill"' in page
        assert "訓練" in text(page, "//h1")
        (accepted,) = await desk.ledger.read(lambda conn: alerts.of_muster(conn, desk.keys, 1))
        assert accepted.alert.mode is Mode.STAFF_DRILL
        for path in ("/", "/musters"):
            await person.get(path)
            assert "訓練" in text(person.page, "//section[@aria-labelledby='musters']")


async def test_who_only_looks_calls_nobody(desk: Desk) -> None:
    await staffed(desk)
    async with somebody(desk, "sato") as person, somebody(desk, "ono") as viewer:
        await called(person)
        page = await viewer.get("/musters/1")
        assert viewer.status == 200
        assert '<form method="post" action="/musters' not in page
        for path in ("/musters/new/live", "/musters/1/again", "/musters/1/cancel", "/musters/1/end"):
            await viewer.post(path, {"reason": "x", "group": "disaster", "channel": "mail"})
            assert viewer.status == 403
        await viewer.get("/roster")
        assert viewer.status == 403


def console(desk: Desk) -> Console:
    return desk.console(Background(), "http://console.example")


def watch(desk: Desk, city: City = CITY) -> MusterWatch:
    return MusterWatch(
        ledger=desk.ledger,
        keys=desk.keys,
        city=city,
        organisation=ORGANISATION,
        rules=Rules((RULE,)),
        sites={SITE.code: SITE.name},
        channels=["mail"],
        mustering=console(desk).mustering,
        page=lambda topic, _text: desk.paged.append(topic),
        clock=desk.clock,
    )


RULE = Rule(code="flood-3", cause=Cause.WARNING, hazard=Hazard.FLOOD, level=Level(3), groups=("keys",))


def warning(level: int = 4, status: Status = Status.NORMAL) -> Telegram:
    warned = Warned(
        name=f"レベル{level}氾濫危険警報", code="", hazard=Hazard.FLOOD, level=Level(level), state=State.ISSUED,
        areas=(Place(code=CITY.jma_code, name="昭島市"),),
    )  # fmt: skip
    return Telegram(
        kind="指定河川洪水予報", office="", status=status, info_type=InfoType.ISSUE, title="多摩川", event_id="",
        serial="", issued_at=NOW, headline="", warnings=(warned,),
    )  # fmt: skip


async def test_a_rule_calls_once_is_shown_and_can_be_cancelled(desk: Desk) -> None:
    people = await staffed(desk)
    await desk.ledger.write(lambda conn: occasions.keep(conn, warning(), source="jma", at=NOW))
    before = await home.looks(console(desk))
    one, other = watch(desk), watch(desk)
    await one.look()
    await other.look()
    await one.look()
    (muster,) = await desk.ledger.read(lambda conn: musters.running(conn, desk.keys))
    assert (muster.rule, muster.mode, muster.roll.reason) == ("flood-3", Mode.LIVE, "レベル4氾濫危険警報")
    assert set(muster.roll.people) == {people["課と鍵"], people["鍵だけ"]}
    assert await home.looks(console(desk)) != before
    async with somebody(desk, "sato") as person:
        assert "規則による自動呼び出し" in await person.get("/")
        await person.get("/musters/1")
        await person.submit("/musters/1/cancel")
        assert "参集を見る" in await person.get("/muster-rules")
    await watch(desk).look()
    assert await desk.ledger.read(lambda conn: musters.running(conn, desk.keys)) == [], "once per event"


async def test_a_rule_without_anybody_to_call_wakes_staff_and_an_old_event_calls_nobody(desk: Desk) -> None:
    await desk.ledger.write(lambda conn: occasions.keep(conn, warning(), source="jma", at=NOW))
    await watch(desk).look()
    assert desk.paged == ["muster flood-3"]
    await staffed(desk)
    desk.now += FRESH
    late = msgspec.structs.replace(warning(5), issued_at=NOW, serial="2")
    await desk.ledger.write(lambda conn: occasions.keep(conn, late, source="jma", at=NOW))
    await watch(desk).look()
    assert await desk.ledger.read(lambda conn: musters.recent(conn, desk.keys)) == []


async def test_a_drill_telegram_calls_a_drill(desk: Desk) -> None:
    await staffed(desk)
    drill = warning(status=Status.DRILL)
    await desk.ledger.write(lambda conn: occasions.keep(conn, drill, source="jma", at=NOW))
    await watch(desk).look()
    (muster,) = await desk.ledger.read(lambda conn: musters.running(conn, desk.keys))
    assert muster.mode is Mode.STAFF_DRILL


async def test_rules_are_made_switched_and_removed_in_the_console(desk: Desk) -> None:
    async with somebody(desk, "sato") as person, somebody(desk, "ito") as composer:
        await person.get("/muster-rules/new")
        page = await person.submit(
            "/muster-rules/new", cause="stage", stage="alert", group=["disaster"], on="on"
        )
        assert "警戒体制" in page
        assert "動いています" in page
        (rule,), revision = await desk.ledger.read(lambda conn: muster_rules.listed(conn, desk.keys, Rules()))
        assert revision == 1
        await person.get(f"/muster-rules/{rule.code}")
        assert "止めています" in await person.submit(f"/muster-rules/{rule.code}", on=None)
        await person.get(f"/muster-rules/{rule.code}")
        assert "止めています" not in await person.submit(f"/muster-rules/{rule.code}/remove")
        await person.get("/muster-rules/new")
        assert 'href="#groups"' in await person.submit("/muster-rules/new", cause="quake", intensity="6弱")
        await composer.get("/muster-rules")
        assert composer.status == 403


def totals(page: str) -> dict[str, int]:
    rows = document_fromstring(page).xpath("//section[@id='muster-total']//tr")
    return {row.xpath("string(th)").strip(): int(row.xpath("string(td)")) for row in rows}


def text(page: str, path: str) -> str:
    return "".join(each.text_content() for each in document_fromstring(page).xpath(path))
