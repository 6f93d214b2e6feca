"""The Wi-Fi's page: what was read back, the question, opening by hand, drills and their report."""

from datetime import timedelta

from sqlalchemy import Connection

from hub import wifi_desk, wifi_drill
from hub.alert import Mode
from hub.ledger import alerts
from hub.recipient import Targeting, WholeCity
from hub.testing.alerts import an_alert
from hub.wifi_state import FacilityState, Known
from tests.unit.operator_ui.desk import NOW, Desk, somebody

MINUTE = timedelta(minutes=1)
SITE = "E1320700001"


def states(wanted: Mode | None) -> tuple[FacilityState, ...]:
    return (
        FacilityState(ref="hall", name="市民会館", shows="00000JAPAN", read_at=NOW, wanted=Mode.LIVE),
        FacilityState(ref="tama", name="玉川会館", problem="no answer", failed=4, wanted=wanted),
        FacilityState(ref="library", name="図書館", site=SITE, drills=True, shows="City-Free", read_at=NOW),
    )


def told(desk: Desk, *, ask_after_s: float = 6 * 3600, wanted: Mode | None = Mode.LIVE) -> None:
    desk.wifi = Known(
        at=desk.now,
        ssid_name="00000JAPAN",
        drill_ssid_name="kunren-wifi",
        ask_after_s=ask_after_s,
        states=states(wanted),
    )


async def in_force(desk: Desk) -> str:
    """The identifier of a live alert that asks for the Wi-Fi."""
    alert = an_alert(sent=desk.now, targeting=Targeting(audience=WholeCity(), channels=("mail", "wifi")))

    def work(conn: Connection) -> None:
        alerts.insert_alert(
            conn,
            desk.keys,
            alert,
            number="2026-0147",
            digest=bytes(32),
            author="sato",
            approver="tanaka",
            break_glass=None,
        )

    await desk.ledger.write(work)
    return alert.identifier


async def test_what_nobody_told_is_said_to_be_unknown(desk: Desk) -> None:
    async with somebody(desk, "ono") as person:
        assert "Wi-Fiの状態を受け取っていません" in await person.get("/wifi")


async def test_it_shows_what_was_read_back_and_which_shelters_have_none(desk: Desk) -> None:
    told(desk)
    async with somebody(desk, "ono") as person:
        page = await person.get("/wifi")
        assert "玉川会館" in page.partition("うまくいかない施設")[2].partition("</section>")[0]
        assert "機器が応答しません。電源と回線を確かめてください" in page
        assert "災害モード" in page
        without = page.partition('id="without-list"')[2]
        assert f"/shelters/{SITE}" not in without
        assert "/shelters/E1320700005" in without
        assert '<form method="post" action="/wifi/hold"' not in page, "who only looks changes nothing"
        await person.post("/wifi/keep", {"keep": "1", "seen": "0"})
        assert person.status == 403
        desk.now += 3 * MINUTE
        assert "から状態を受け取っていません" in await person.get("/wifi")


async def test_staff_are_asked_on_the_first_page_too_and_the_answer_counts(desk: Desk) -> None:
    identifier = await in_force(desk)
    told(desk, ask_after_s=3600)
    async with somebody(desk, "sato") as person:
        assert "まだ必要ですか" not in await person.get("/")
        desk.now += 61 * MINUTE
        told(desk, ask_after_s=3600)
        for path in ("/", "/wifi"):
            assert "災害用Wi-Fiは、まだ必要ですか" in await person.get(path), path
            assert "2026-0147" in person.page
        await person.submit("/wifi/keep", keep="1")
        assert person.status == 200
        assert "まだ必要ですか" not in await person.get("/")
        desk.now += 61 * MINUTE
        told(desk, ask_after_s=3600)
        assert "まだ必要ですか" in await person.get("/wifi")
        await person.submit("/wifi/put-back", why="水が引いた")
        assert "まだ必要ですか" not in await person.get("/wifi")
    kept = await desk.ledger.read(lambda conn: wifi_desk.read(conn, desk.keys))
    assert kept.released == (identifier,)


async def test_a_facility_is_opened_by_hand_with_a_reason(desk: Desk) -> None:
    told(desk)
    async with somebody(desk, "sato") as person, somebody(desk, "tanaka") as other:
        await person.get("/wifi")
        await other.get("/wifi")
        await person.submit("/wifi/hold", refs=["library"], hours="2", reason="")
        assert person.status == 422
        assert "理由を書いてください" in person.page
        await person.submit("/wifi/hold", refs=["library"], hours="2", reason="停電")
        assert "手で開くよう命じています" in person.page
        await other.submit("/wifi/hold", refs=["hall"], hours="2", reason="停電")
        assert other.status == 409
        await person.submit("/wifi/let-go")
        assert "手で開くよう" not in person.page


async def test_what_was_ordered_is_not_said_to_be_open(desk: Desk) -> None:
    told(desk, wanted=None)
    async with somebody(desk, "sato") as person:
        page = await person.get("/wifi")
        assert "不明" in page
        assert "失敗" not in page, "nothing was asked of it"
        assert "紙の案内" not in page
        page = await person.submit("/wifi/hold", every="yes", hours="2", reason="停電")
        told(desk)
        page = await person.get("/wifi")
        assert page.count("手で開いています") == 1, "what was read back"
        assert page.count("手で開くよう命じています") == 2
        assert "失敗" in page
        assert "紙の案内" in page
    kept = await desk.ledger.read(lambda conn: wifi_desk.read(conn, desk.keys))
    assert {hold.ref for hold in kept.holds} == {"hall", "tama", "library"}


async def test_what_is_in_order_is_folded_and_what_is_open_says_so(desk: Desk) -> None:
    told(desk)
    async with somebody(desk, "sato") as person:
        page = await person.get("/wifi")
    listed, _, rest = page.partition('aria-labelledby="all"')[2].partition('id="usual"')
    assert "玉川会館" in listed
    assert "図書館" not in listed
    folded = rest.partition("</details>")[0]
    assert "問題のない2施設" in folded
    boxes = page.partition('id="refs"')[2].partition("</fieldset>")[0]
    assert (boxes.count("開いています"), boxes.count("開くよう命じています")) == (1, 1)
    assert "novalidate" in page.partition('action="/wifi/hold"')[2].partition(">")[0]


async def test_there_is_no_drill_where_it_is_open_in_earnest(desk: Desk) -> None:
    told(desk)
    async with somebody(desk, "sato") as person, somebody(desk, "tanaka") as other:
        await person.get("/wifi")
        await other.get("/wifi")
        await other.submit("/wifi/hold", refs=["library"], hours="2", reason="停電")
        assert 'name="drill"' not in await person.get("/wifi")
        assert "すべて本番で開いています" in person.page
        await person.post("/wifi/drill", {"drill": "library", "minutes": "10", "seen": "1"})
        assert person.status == 422
        assert "本番で開いている施設では訓練できません" in person.page
        await other.submit("/wifi/let-go")
        assert 'name="drill"' in await person.get("/wifi")
        await in_force(desk)
        await person.post("/wifi/drill", {"drill": "library", "minutes": "10", "seen": "2"})
        assert person.status == 422
    assert (await desk.ledger.read(lambda conn: wifi_desk.read(conn, desk.keys))).trial is None


async def test_what_is_on_the_air_in_a_drill_is_what_was_read_back(desk: Desk) -> None:
    told(desk)
    async with somebody(desk, "sato") as person:
        await person.get("/wifi")
        page = await person.submit("/wifi/drill", drill=["library"], minutes="10")
        said = page.partition('id="trial"')[2].partition("</ul>")[0]
        assert "City-Free" in said
        assert "kunren-wifi を出しています" not in page
        await in_force(desk)
        assert "訓練の名前は出ません" in await person.get("/wifi")


async def test_a_drill_at_a_chosen_facility_has_a_report(desk: Desk) -> None:
    told(desk)
    async with somebody(desk, "sato") as person:
        page = await person.get("/wifi")
        assert 'name="drill" value="library"' in page
        assert 'name="drill" value="hall"' not in page
        await person.submit("/wifi/drill", drill=["library"], minutes="10")
        assert "訓練を終える" in person.page
        trial = (await desk.ledger.read(lambda conn: wifi_desk.read(conn, desk.keys))).trial
        assert trial is not None
        shown = FacilityState(ref="library", name="図書館", shows="kunren-wifi", read_at=NOW + MINUTE)
        back = FacilityState(ref="library", name="図書館", shows="City-Free", read_at=NOW + 11 * MINUTE)
        assert desk.wifi is not None
        for state, at in ((shown, NOW + MINUTE), (back, NOW + 11 * MINUTE)):
            known = Known(
                at=at,
                ssid_name="00000JAPAN",
                drill_ssid_name="kunren-wifi",
                ask_after_s=3600,
                states=(state,),
            )
            await desk.ledger.write(
                lambda conn, known=known, at=at: wifi_drill.follow(conn, desk.keys, trial, known, at=at)
            )
        desk.now = NOW + 12 * MINUTE
        report = await person.get(f"/wifi/drills/{trial.id}")
        row = report.partition("<tbody>")[2]
        assert "図書館" in row
        assert row.count("1分0秒") == 2
        assert "成功" in row
        await person.get("/wifi/drills/none")
        assert person.status == 404
