"""From a draft to an accepted alert: who may, what is refused, and that it happens once or not at all."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from hub import bus
from hub.alert import AlertInfo, Mode
from hub.approval import ALONE_AFTER
from hub.authorise import SYSTEM, Actor, Role
from hub.cap import MsgType
from hub.codec import AlertRecord
from hub.delivery import Outcome
from hub.draft import State
from hub.errors import AlreadySent, BadInput, Conflict, Forbidden, HubError, Refused
from hub.evacuation import Level
from hub.intake import Approval, Intake
from hub.ledger import alerts, audit, tables
from hub.ledger.alerts import Accepted
from hub.page import unacknowledged
from hub.recipient import Reached, Targeting, Town, Towns, WholeCity
from hub.testing.alerts import a_message
from tests.integration.engine import APPROVER, AUTHOR, KEYS, Engine, engine, mail

BOTH = Actor(login="sato", name="佐藤", roles=frozenset({Role.COMPOSER, Role.APPROVER}))
MORI = Actor(login="mori", name="森", roles=BOTH.roles)
VIEWER = Actor(login="ito", name="伊藤", roles=frozenset({Role.VIEWER}))


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Engine]:
    async with engine(tmp_path, channels={"mail": mail(9)}) as made:
        yield made


def approval(draft: str, *, version: int = 2, typed: Level | None = Level.EVACUATE, **more: Any) -> Approval:
    return Approval(draft=draft, version=version, typed=typed, **more)


async def count(hub: Engine, table: Any) -> int:
    return int(
        await hub.ledger.read(lambda conn: conn.execute(select(func.count()).select_from(table)).scalar_one())
    )


async def actions(hub: Engine) -> list[str]:
    return list(
        await hub.ledger.read(
            lambda conn: (
                conn.execute(select(tables.audit.c.action).order_by(tables.audit.c.seq)).scalars().all()
            )
        )
    )


# --- two people (I10) ---


async def test_the_author_cannot_approve_even_with_the_right_to(hub: Engine) -> None:
    draft = await hub.submit(a_message(), BOTH)
    with pytest.raises(Forbidden, match="作成した人は承認できません"):
        await hub.intake.accept(approval(draft), BOTH)
    assert await count(hub, tables.alerts) == 0


async def test_whoever_edited_last_is_the_author(hub: Engine) -> None:
    draft = await hub.submit(a_message())
    await hub.intake.save(a_message(valid_for_s=60), BOTH, draft=draft, seen=2)
    await hub.intake.submit(draft, AUTHOR, seen=3)
    with pytest.raises(Forbidden, match="作成した人は承認できません"):
        await hub.intake.accept(approval(draft, version=4), BOTH)


async def test_whoever_wrote_it_cannot_approve_after_a_colleague_only_submitted_it(hub: Engine) -> None:
    draft = await hub.intake.save(a_message(), MORI)
    await hub.intake.save(a_message(), AUTHOR, draft=draft.id, seen=1)
    await hub.intake.submit(draft.id, AUTHOR, seen=1)
    with pytest.raises(Forbidden, match="作成した人は承認できません"):
        await hub.intake.accept(approval(draft.id), MORI)


async def test_nobody_whose_change_is_in_it_approves(hub: Engine) -> None:
    draft = await hub.submit(a_message(), MORI)
    await hub.intake.save(a_message(valid_for_s=60), AUTHOR, draft=draft, seen=2)
    submitted = await hub.intake.submit(draft, AUTHOR, seen=3)
    assert (submitted.author, submitted.authors) == (AUTHOR.login, (MORI.login, AUTHOR.login))
    with pytest.raises(Forbidden, match="作成した人は承認できません"):
        await hub.intake.accept(approval(draft, version=4), MORI)
    await hub.intake.accept(approval(draft, version=4), APPROVER)


async def test_saving_the_same_again_changes_nothing(hub: Engine) -> None:
    draft = await hub.intake.save(a_message(), AUTHOR)
    assert await hub.intake.save(a_message(), MORI, draft=draft.id, seen=1) == draft
    with pytest.raises(Conflict):
        await hub.intake.save(a_message(), MORI, draft=draft.id, seen=7)
    assert await actions(hub) == ["draft.save"]


async def test_a_submitted_draft_saved_as_it_was_is_edited_again_by_nobody_new(hub: Engine) -> None:
    draft = await hub.submit(a_message())
    again = await hub.intake.save(a_message(), MORI, draft=draft, seen=2)
    assert (again.state, again.version, again.authors) == (State.EDITING, 3, (AUTHOR.login,))


async def test_only_an_author_breaks_the_glass(hub: Engine) -> None:
    draft = await hub.submit(a_message())
    with pytest.raises(Forbidden, match="author"):
        await hub.intake.accept(approval(draft, break_glass="堤防が切れた"), MORI)
    assert (await count(hub, tables.alerts), hub.pages) == (0, [])


async def test_it_takes_the_right_to_approve(hub: Engine) -> None:
    draft = await hub.submit(a_message())
    with pytest.raises(Forbidden, match="approver"):
        await hub.intake.accept(approval(draft), Actor(login="x", name="x", roles=frozenset({Role.COMPOSER})))


async def test_a_reason_of_blanks_breaks_no_glass(hub: Engine) -> None:
    draft = await hub.submit(a_message(), BOTH)
    with pytest.raises(Forbidden):
        await hub.intake.accept(approval(draft, break_glass=" 　\n"), BOTH)


async def test_breaking_glass_sends_alone_and_everyone_hears_of_it_each_time(hub: Engine) -> None:
    for number in ("2026-0001", "2026-0002"):
        draft = await hub.submit(a_message(level=Level.SECURE_LIFE))
        accepted = await hub.intake.accept(
            approval(draft, typed=Level.SECURE_LIFE, break_glass="堤防が切れた"), AUTHOR
        )
        assert accepted.author == accepted.approver == AUTHOR.login
        assert accepted.number.endswith(number[4:])
    topics = [topic for topic, _ in hub.pages]
    assert len(set(topics)) == 2, "the second one would be held back as a repeat of the first"
    entries = await hub.ledger.read(lambda conn: audit.about(conn, [accepted.alert.identifier]))
    assert entries[0].detail["break_glass"] == "堤防が切れた"


async def test_below_level_5_others_are_given_time_to_answer_first(tmp_path: Path) -> None:
    now = [datetime(2026, 9, 12, 12, 47, tzinfo=UTC)]
    async with engine(tmp_path, channels={"mail": mail(1)}, clock=lambda: now[0]) as hub:
        draft = await hub.submit(a_message())
        now[0] += ALONE_AFTER - timedelta(seconds=1)
        with pytest.raises(Refused, match="1 s to go"):
            await hub.intake.accept(approval(draft, break_glass="決壊"), AUTHOR)
        now[0] += timedelta(seconds=1)
        await hub.intake.accept(approval(draft, break_glass="決壊"), AUTHOR)


async def test_submitting_again_is_the_same_submission(hub: Engine) -> None:
    draft = await hub.intake.save(a_message(), AUTHOR)
    once = await hub.intake.submit(draft.id, AUTHOR, seen=1)
    assert await hub.intake.submit(draft.id, AUTHOR, seen=1) == once
    assert (await actions(hub)).count("draft.submitted") == 1


async def test_a_staff_drill_needs_no_second_person(hub: Engine) -> None:
    draft = await hub.submit(a_message(mode=Mode.STAFF_DRILL))
    accepted = await hub.intake.accept(approval(draft), AUTHOR)
    assert accepted.alert.mode is Mode.STAFF_DRILL
    assert hub.pages == []


async def test_a_resident_drill_needs_one(hub: Engine) -> None:
    draft = await hub.submit(a_message(mode=Mode.RESIDENT_DRILL), BOTH)
    with pytest.raises(Forbidden):
        await hub.intake.accept(approval(draft), BOTH)


# --- what was seen is what is sent ---


@pytest.mark.parametrize("typed", [None, Level.ELDERLY_EVACUATE, Level.SECURE_LIFE])
async def test_another_digit_than_the_levels_is_refused(hub: Engine, typed: Level | None) -> None:
    draft = await hub.submit(a_message())
    with pytest.raises(BadInput, match="レベル4"):
        await hub.intake.accept(approval(draft, typed=typed), APPROVER)


async def test_no_level_takes_no_digit(hub: Engine) -> None:
    draft = await hub.submit(a_message(level=None))
    with pytest.raises(BadInput, match="なし"):
        await hub.intake.accept(approval(draft, typed=Level.EVACUATE), APPROVER)
    assert (await hub.intake.accept(approval(draft, typed=None), APPROVER)).alert.level is None


async def test_a_draft_that_changed_since_it_was_read_is_not_sent(hub: Engine) -> None:
    draft = await hub.submit(a_message())
    await hub.intake.save(a_message(valid_for_s=60), AUTHOR, draft=draft, seen=2)
    with pytest.raises(Conflict):
        await hub.intake.accept(approval(draft), APPROVER)
    await hub.intake.submit(draft, AUTHOR, seen=3)
    with pytest.raises(Conflict, match="新しい内容"):
        await hub.intake.accept(approval(draft, version=2), APPROVER)
    await hub.intake.accept(approval(draft, version=4), APPROVER)


async def test_two_who_edit_do_not_overwrite_each_other(hub: Engine) -> None:
    draft = await hub.intake.save(a_message(), AUTHOR)
    await hub.intake.save(a_message(valid_for_s=60), AUTHOR, draft=draft.id, seen=1)
    with pytest.raises(Conflict):
        await hub.intake.save(a_message(valid_for_s=120), BOTH, draft=draft.id, seen=1)


@pytest.mark.parametrize("mode", [Mode.LIVE, Mode.RESIDENT_DRILL])
async def test_a_drill_never_becomes_live_nor_the_reverse(hub: Engine, mode: Mode) -> None:
    other = Mode.STAFF_DRILL
    draft = await hub.intake.save(a_message(mode=other), AUTHOR)
    with pytest.raises(BadInput, match=r"\$\.mode"):
        await hub.intake.save(a_message(mode=mode), AUTHOR, draft=draft.id, seen=1)


async def test_what_was_returned_or_rejected_is_not_sent(hub: Engine) -> None:
    returned, rejected = await hub.submit(a_message()), await hub.submit(a_message())
    with pytest.raises(BadInput, match="理由"):
        await hub.intake.reject(rejected, APPROVER, seen=2, reason=" ")
    back = await hub.intake.send_back(returned, APPROVER, seen=2, reason="地域が違います")
    ended = await hub.intake.reject(rejected, APPROVER, seen=2, reason="不要")
    assert (back.state, back.note, ended.state) == (State.EDITING, "地域が違います", State.REJECTED)
    for draft in (returned, rejected):
        with pytest.raises(Conflict):
            await hub.intake.accept(approval(draft, version=3), APPROVER)
    with pytest.raises(Conflict):
        await hub.intake.save(a_message(), AUTHOR, draft=rejected, seen=3)


# --- bad texts and bad targets (I6, I9) ---


def japanese(**changes: str) -> tuple[AlertInfo, ...]:
    fields = {name: getattr(a_message().infos[0], name) for name in AlertInfo.__struct_fields__}
    return (AlertInfo(**fields | changes),)


BAD: dict[str, tuple[dict[str, Any], type[HubError], str]] = {
    "no text": ({"infos": ()}, BadInput, r"\$\.infos"),
    "one language twice": ({"infos": japanese() * 2}, BadInput, r"\$\.infos"),
    "an empty form": ({"infos": japanese(speech=" ")}, BadInput, r"infos\[0\]\.speech"),
    "an unknown slot": ({"infos": japanese(short="{shelter}")}, BadInput, r"infos\[0\]\.short"),
    "a drill word in a live alert": ({"infos": japanese(headline="【訓練】避難指示")}, Refused, "訓練"),
    "a correction that admits nothing": ({"correction": True}, Refused, "infos"),
    "too long in force": ({"valid_for_s": 25 * 3600}, BadInput, "24"),
    "over before it begins": ({"valid_for_s": 0}, BadInput, "valid_for_s"),
    "an update of nothing": ({"msg_type": MsgType.UPDATE}, BadInput, "references"),
    "one channel twice": (
        {"targeting": Targeting(audience=WholeCity(), channels=("mail", "mail"))},
        BadInput,
        "channels",
    ),
    "a correction to somebody else's audience": (
        {"targeting": Targeting(audience=Reached(identifier="other"), channels=("mail",))},
        BadInput,
        "audience",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
async def test_a_bad_draft_is_refused_before_anybody_approves(hub: Engine, case: str) -> None:
    changes, error, place = BAD[case]
    draft = await hub.intake.save(a_message(**changes), AUTHOR)
    with pytest.raises(error, match=place):
        await hub.intake.submit(draft.id, AUTHOR, seen=1)
    assert (await hub.intake.read(draft.id, VIEWER)).state is State.EDITING


@pytest.mark.parametrize(
    ("targeting", "place"),
    [
        (Targeting(audience=WholeCity(), channels=("mail", "fax")), "channels"),
        (Targeting(audience=Towns(towns=(Town("t1"), Town("atlantis"))), channels=("mail",)), "towns"),
    ],
    ids=["channel", "town"],
)
async def test_a_target_this_hub_does_not_have_is_refused(
    hub: Engine, targeting: Targeting, place: str
) -> None:
    intake = Intake(
        ledger=hub.ledger, records=hub.records, keys=KEYS, stops=hub.stops, sender="akishima.example",
        clock=hub.clock, page=hub.page, relay=hub.sweeper.poke, channels={"mail"}, towns={Town("t1")},
    )  # fmt: skip
    draft = await intake.save(a_message(targeting=targeting), AUTHOR)
    with pytest.raises(BadInput, match=place):
        await intake.submit(draft.id, AUTHOR, seen=1)
    known = Targeting(audience=Towns(towns=(Town("t1"),)), channels=("mail",))
    changed = await intake.save(a_message(targeting=known), AUTHOR, draft=draft.id, seen=1)
    await intake.submit(draft.id, AUTHOR, seen=changed.version)


async def test_a_drill_can_never_be_an_update_of_a_live_alert(hub: Engine) -> None:
    live = await hub.send()
    drill = a_message(mode=Mode.STAFF_DRILL, msg_type=MsgType.UPDATE, references=(live,))
    draft = await hub.submit(drill)
    with pytest.raises(BadInput, match="never mixed"):
        await hub.intake.accept(approval(draft), APPROVER)
    assert not await hub.ledger.read(lambda conn: alerts.stopped(conn, [live]))


# --- once, or not at all (I1) ---


async def test_accepting_twice_at_once_sends_once(hub: Engine) -> None:
    draft = await hub.submit(a_message())
    tries = await asyncio.gather(
        *(hub.intake.accept(approval(draft), APPROVER) for _ in range(8)), return_exceptions=True
    )
    assert [type(end) for end in tries if isinstance(end, BaseException)] == [AlreadySent] * 7
    assert await count(hub, tables.alerts) == await count(hub, tables.outbox) == 1


async def test_an_accepted_alert_is_all_there(hub: Engine) -> None:
    message = a_message(targeting=Targeting(audience=WholeCity(), channels=("mail", "line")))
    identifier = await hub.send(message)
    row = await hub.ledger.read(lambda conn: conn.execute(select(tables.alerts)).one())
    assert row.digest == message.digest()
    assert await count(hub, tables.plans) == 2
    outbox = await hub.ledger.read(lambda conn: conn.execute(select(tables.outbox)).one())
    record = hub.records.unseal(AlertRecord, bus.ALERTS, outbox.key, outbox.value)
    assert (record.identifier, record.mode) == (identifier, Mode.LIVE)
    assert await actions(hub) == [
        "draft.save", "draft.submitted", "alert.accept", "draft.sent", "draft.prepare",
    ]  # fmt: skip
    assert await hub.audited() == 5


@pytest.mark.parametrize("table", ["alerts", "plans", "outbox", "audit", "drafts"])
async def test_a_failure_at_any_point_of_an_accept_leaves_nothing(hub: Engine, table: str) -> None:
    draft = await hub.submit(a_message())
    verb = "UPDATE" if table == "drafts" else "INSERT"
    await hub.ledger.write(
        lambda conn: conn.exec_driver_sql(
            f"CREATE TRIGGER broken BEFORE {verb} ON {table} BEGIN SELECT RAISE(ABORT, 'disk'); END"
        )
    )
    with pytest.raises(Exception, match="disk"):
        await hub.intake.accept(approval(draft), APPROVER)
    assert [await count(hub, each) for each in (tables.alerts, tables.plans, tables.outbox)] == [0, 0, 0]
    assert (await hub.intake.read(draft, VIEWER)).state is State.SUBMITTED

    await hub.ledger.write(lambda conn: conn.exec_driver_sql("DROP TRIGGER broken"))
    await hub.intake.accept(approval(draft), APPROVER)
    await hub.audited()


async def test_two_approvers_at_once_send_once_and_the_other_is_told_which(hub: Engine) -> None:
    draft = await hub.submit(a_message())
    ends = await asyncio.gather(
        hub.intake.accept(approval(draft), APPROVER),
        hub.intake.accept(approval(draft), MORI),
        return_exceptions=True,
    )
    (sent,) = [end for end in ends if isinstance(end, Accepted)]
    (told,) = [end for end in ends if isinstance(end, AlreadySent)]
    assert (told.alert, told.number) == (sent.alert.identifier, sent.number)
    assert sent.number in told.message


@pytest.mark.parametrize("again", [APPROVER, MORI], ids=["the same person", "another"])
async def test_an_answer_that_was_lost_is_given_by_the_next_process(tmp_path: Path, again: Actor) -> None:
    """The first died between its commit and its answer; whoever asks again is told what became of it."""
    async with engine(tmp_path, channels={"mail": mail(9)}) as hub:
        draft = await hub.submit(a_message())
        sent = await hub.intake.accept(approval(draft), APPROVER)
    async with engine(tmp_path, channels={"mail": mail(9)}, owner="the next") as hub:
        with pytest.raises(AlreadySent) as told:
            await hub.intake.accept(approval(draft), again)
        assert told.value.alert == sent.alert.identifier
        assert await count(hub, tables.alerts) == await count(hub, tables.outbox) == 1
        for late in (
            hub.intake.submit(draft, AUTHOR, seen=2),
            hub.intake.save(a_message(), AUTHOR, draft=draft, seen=2),
            hub.intake.send_back(draft, APPROVER, seen=2, reason="?"),
            hub.intake.reject(draft, APPROVER, seen=2, reason="?"),
        ):
            with pytest.raises(AlreadySent, match=sent.number):
                await late


async def test_only_who_may_send_is_told_what_was_sent(hub: Engine) -> None:
    draft = await hub.submit(a_message())
    await hub.intake.accept(approval(draft), APPROVER)
    with pytest.raises(Forbidden):
        await hub.intake.accept(approval(draft), VIEWER)


async def test_what_follows_a_commit_happens_though_nobody_waits_for_the_answer(hub: Engine) -> None:
    first = await hub.send()
    draft = await hub.submit(a_message(level=Level.SECURE_LIFE, msg_type=MsgType.UPDATE, references=(first,)))
    at_5 = approval(draft, typed=Level.SECURE_LIFE, break_glass="決壊")
    accepting = asyncio.create_task(hub.intake.accept(at_5, AUTHOR))
    await asyncio.sleep(0)
    accepting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await accepting
    (update,) = [
        each
        for each in await hub.ledger.read(lambda conn: alerts.recent(conn, KEYS))
        if each.alert.references
    ]
    assert hub.stops.outcome(first) is Outcome.SUPERSEDED
    assert [topic for topic, _ in hub.pages] == [f"break-glass {update.number}"]

    stopping = asyncio.create_task(hub.intake.stop(update.alert.identifier, AUTHOR))
    await asyncio.sleep(0)
    stopping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopping
    assert hub.stops.outcome(update.alert.identifier) is Outcome.CANCELLED


async def test_a_broken_glass_is_on_the_console_with_the_alert_itself(hub: Engine) -> None:
    """Also when the process dies before it can wake anybody."""
    draft = await hub.submit(a_message(level=Level.SECURE_LIFE))
    accepted = await hub.intake.accept(approval(draft, typed=Level.SECURE_LIFE, break_glass="決壊"), AUTHOR)
    ((_, _, topic, text),) = await hub.ledger.read(unacknowledged)
    assert topic == f"break-glass {accepted.number}"
    assert "決壊" in text


async def test_an_update_ends_what_it_updates_in_the_same_commit(hub: Engine) -> None:
    first = await hub.send()
    second = await hub.send(msg_type=MsgType.UPDATE, references=(first,))
    old, new = await asyncio.gather(
        *(hub.ledger.read(lambda conn, each=each: alerts.get(conn, KEYS, each)) for each in (first, second))
    )
    assert (old.stopped_as, new.alert.sequence) == (Outcome.SUPERSEDED, old.alert.sequence + 1)
    assert old.ended_at == new.alert.sent
    assert hub.stops.outcome(first) is Outcome.SUPERSEDED, "this process would have to find out by itself"
    in_force = await hub.ledger.read(lambda conn: alerts.active(conn, KEYS, at=hub.clock()))
    assert [each.alert.identifier for each in in_force] == [second]


async def test_sending_is_stopped_once(hub: Engine) -> None:
    alert = await hub.send()
    with pytest.raises(Forbidden):
        await hub.intake.stop(alert, VIEWER)
    await hub.intake.stop(alert, AUTHOR)
    with pytest.raises(Conflict):
        await hub.intake.stop(alert, AUTHOR)
    assert (await actions(hub)).count("alert.stop") == 1


async def test_whoever_stops_again_stops_here_too(tmp_path: Path) -> None:
    """The answer of the first stop was lost with its process: the second makes this one know of it at once."""
    async with engine(tmp_path, channels={"mail": mail(9)}) as hub:
        stopped, superseded = await hub.send(), await hub.send()
        await hub.intake.stop(stopped, AUTHOR)
        await hub.send(msg_type=MsgType.UPDATE, references=(superseded,))
    async with engine(tmp_path, channels={"mail": mail(9)}, owner="the next") as hub:
        for alert, outcome in ((stopped, Outcome.CANCELLED), (superseded, Outcome.SUPERSEDED)):
            with pytest.raises(Conflict, match="止めています"):
                await hub.intake.stop(alert, AUTHOR)
            assert hub.stops.outcome(alert) is outcome


async def test_an_alert_there_is_none_of_is_not_stopped(hub: Engine) -> None:
    with pytest.raises(BadInput, match="この配信はありません"):
        await hub.intake.stop("akishima.example-2026-9999", AUTHOR)


async def test_a_stop_and_an_update_at_once_leave_one_reason_and_nothing_to_send(hub: Engine) -> None:
    alert = await hub.send()
    draft = await hub.submit(a_message(msg_type=MsgType.UPDATE, references=(alert,)))
    ends = await asyncio.gather(
        hub.intake.stop(alert, AUTHOR), hub.intake.accept(approval(draft), APPROVER), return_exceptions=True
    )
    assert not [end for end in ends if isinstance(end, BaseException) and not isinstance(end, Conflict)]
    old = await hub.ledger.read(lambda conn: alerts.get(conn, KEYS, alert))
    assert old.stopped_as is hub.stops.outcome(alert)
    assert old.ended_at is not None


# --- the audit trail (I12) ---


async def test_the_audit_trail_names_who_did_what_and_holds_no_text(hub: Engine) -> None:
    await hub.intake.stop(await hub.send(), AUTHOR)
    rows = await hub.ledger.read(lambda conn: conn.execute(select(tables.audit)).all())
    assert {row.actor for row in rows} == {AUTHOR.login, APPROVER.login, SYSTEM.login}
    assert not any(a_message().infos[0].headline in row.detail for row in rows)
    assert all(isinstance(row.at, datetime) for row in rows)
    assert await hub.audited() == len(rows)
