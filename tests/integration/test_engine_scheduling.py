"""What was approved for a time: asked again, sent on a second yes, once, and never late without a word."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hub import slots
from hub.alert import Mode
from hub.approval import Approval
from hub.authorise import SYSTEM, Actor, Role
from hub.draft import Draft, State
from hub.errors import AlreadySent, BadInput, Conflict, Forbidden, Refused
from hub.evacuation import Level
from hub.ledger import alerts, audit, proof
from hub.ledger.alerts import Accepted
from hub.page import unacknowledged
from hub.schedule import ASK_BEFORE, BEHIND, FURTHEST, GIVE_UP_AFTER
from hub.scheduling import topic
from hub.testing.alerts import a_message
from tests.integration.engine import APPROVER, AUTHOR, KEYS, Engine, engine, mail

NOW = datetime(2026, 9, 12, 12, 47, tzinfo=UTC)
AT = datetime(2026, 9, 13, 1, 0, tzinfo=UTC)
"""10:00 in Japan, the next day."""
MINUTE = timedelta(minutes=1)
VIEWER = Actor(login="ono", name="小野", roles=frozenset({Role.VIEWER}))


class Hand:
    """Of a clock that a test moves."""

    now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Hand:
    return Hand()


@pytest.fixture
async def hub(tmp_path: Path, clock: Hand) -> AsyncIterator[Engine]:
    async with engine(tmp_path, channels={"mail": mail(9)}, clock=clock) as made:
        yield made


def approval(draft: str, typed: Level | None = None, **more: str) -> Approval:
    return Approval(draft=draft, version=2, typed=typed, **more)


async def scheduled(hub: Engine, mode: Mode = Mode.RESIDENT_DRILL, level: Level | None = None) -> Draft:
    draft = await hub.submit(a_message(mode=mode, level=level))
    return await hub.intake.schedule(approval(draft, level), AT, APPROVER)


async def sent(hub: Engine) -> list[Accepted]:
    return await hub.ledger.read(lambda conn: alerts.recent(conn, KEYS))


async def at(hub: Engine, clock: Hand, moment: datetime) -> None:
    """The beat of that moment, twice: what was done is not done again."""
    clock.now = moment
    await hub.intake.keep_times()
    await hub.intake.keep_times()


async def now(hub: Engine, draft: Draft) -> Draft:
    return await hub.intake.read(draft.id, AUTHOR)


async def test_it_asks_twice_and_without_an_answer_it_lapses_in_words(hub: Engine, clock: Hand) -> None:
    draft = await scheduled(hub)
    await at(hub, clock, AT - ASK_BEFORE - MINUTE)
    assert hub.pages == []
    for moment in (AT - ASK_BEFORE, AT - MINUTE, AT, AT + GIVE_UP_AFTER - MINUTE, AT + GIVE_UP_AFTER):
        await at(hub, clock, moment)
    before, due, over = [text for _, text in hub.pages]
    assert "10:00に送る予定" in before
    assert "予定の10:00になりました" in due
    assert "送りませんでした" in over
    assert {subject for subject, _ in hub.pages} == {topic(draft)}
    (left,) = await hub.ledger.read(unacknowledged)
    assert left[3] == over, "one row: the last word took the place of the questions"
    lapsed = await now(hub, draft)
    assert (lapsed.state, await sent(hub)) == (State.LAPSED, [])
    with pytest.raises(Conflict):
        await hub.intake.confirm(draft.id, APPROVER, seen=draft.version)


async def test_a_yes_before_the_time_sends_it_at_its_time_once(hub: Engine, clock: Hand) -> None:
    draft = await scheduled(hub)
    await at(hub, clock, AT - ASK_BEFORE)
    assert await hub.intake.confirm(draft.id, AUTHOR, seen=draft.version) is None
    assert await hub.ledger.read(unacknowledged) == [], "it was answered"
    await at(hub, clock, AT - MINUTE)
    assert await sent(hub) == []
    clock.now = AT
    await asyncio.gather(*(hub.intake.keep_times() for _ in range(3)))
    (accepted,) = await sent(hub)
    assert (accepted.alert.sent, accepted.alert.order.ordered_at) == (AT, AT)
    assert (accepted.author, accepted.approver) == (AUTHOR.login, APPROVER.login)
    (entry, *_) = await hub.ledger.read(lambda conn: audit.about(conn, [accepted.alert.identifier]))
    assert (entry.actor, entry.detail["confirmed_by"]) == (SYSTEM.login, AUTHOR.login)
    assert await hub.ledger.read(lambda conn: proof.differences(conn, KEYS)) == []
    assert len(hub.pages) == 1, "only the question"
    with pytest.raises(AlreadySent):
        await hub.intake.confirm(draft.id, AUTHOR, seen=draft.version)


async def test_a_yes_at_the_time_sends_it_now(hub: Engine, clock: Hand) -> None:
    draft = await scheduled(hub)
    await at(hub, clock, AT + 7 * MINUTE)
    ((_, text),) = hub.pages
    assert "予定の10:00に送れず、まだ送っていません（いま10:07）" in text, "a hub that was away says so"
    accepted = await hub.intake.confirm(draft.id, AUTHOR, seen=draft.version)
    assert accepted is not None
    assert (accepted.approver, (await now(hub, draft)).state) == (APPROVER.login, State.SENT)
    assert await hub.ledger.read(lambda conn: proof.differences(conn, KEYS)) == []
    await at(hub, clock, AT + GIVE_UP_AFTER)
    assert len(await sent(hub)) == 1


async def test_what_is_late_is_not_sent_on_the_earlier_yes(hub: Engine, clock: Hand) -> None:
    draft = await scheduled(hub)
    await at(hub, clock, AT - ASK_BEFORE)
    await hub.intake.confirm(draft.id, AUTHOR, seen=draft.version)
    await at(hub, clock, AT + BEHIND + MINUTE)
    assert await sent(hub) == []
    assert "まだ送っていません" in hub.pages[-1][1]
    assert await hub.intake.confirm(draft.id, APPROVER, seen=draft.version) is not None


async def test_what_cannot_be_sent_at_its_time_is_asked_about_again(
    hub: Engine, clock: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = await scheduled(hub)
    await at(hub, clock, AT - ASK_BEFORE)
    await hub.intake.confirm(draft.id, AUTHOR, seen=draft.version)
    grammar = {name: version + 1 for name, version in slots.VERSIONS.items()}
    monkeypatch.setattr(slots, "VERSIONS", grammar)  # the hub was updated since the approval
    await at(hub, clock, AT)
    assert (await sent(hub), len(hub.pages)) == ([], 2)
    with pytest.raises(Conflict, match="承認し直してください"):
        await hub.intake.confirm(draft.id, AUTHOR, seen=draft.version)
    assert (await now(hub, draft)).state is State.SCHEDULED


async def test_called_off_it_is_never_sent_and_can_be_used_again(hub: Engine, clock: Hand) -> None:
    draft = await scheduled(hub)
    await at(hub, clock, AT - ASK_BEFORE)
    await hub.intake.confirm(draft.id, AUTHOR, seen=draft.version)
    called_off = await hub.intake.call_off(draft.id, AUTHOR, seen=draft.version, reason="雨天")
    assert (called_off.state, "雨天" in called_off.note) == (State.LAPSED, True)
    await at(hub, clock, AT)
    assert await sent(hub) == []
    again = await hub.intake.save(called_off.message, AUTHOR, draft=draft.id, seen=called_off.version)
    assert (again.state, again.schedule, again.note) == (State.EDITING, None, "")
    submitted = await hub.intake.submit(draft.id, AUTHOR, seen=again.version)
    with pytest.raises(Conflict):
        await hub.intake.confirm(draft.id, AUTHOR, seen=submitted.version)


async def test_what_is_scheduled_is_not_sent_before_by_another_approval(hub: Engine) -> None:
    """Its text says the time it was approved for."""
    draft = await scheduled(hub)
    with pytest.raises(Conflict, match="取りやめてください"):
        await hub.intake.accept(Approval(draft=draft.id, version=draft.version, typed=None), APPROVER)
    assert await sent(hub) == []


async def test_before_it_asks_nobody_can_answer(hub: Engine, clock: Hand) -> None:
    draft = await scheduled(hub)
    clock.now = AT - ASK_BEFORE - MINUTE
    with pytest.raises(Conflict, match="09:45"):
        await hub.intake.confirm(draft.id, AUTHOR, seen=draft.version)
    with pytest.raises(Forbidden):
        await hub.intake.confirm(draft.id, VIEWER, seen=draft.version)


@pytest.mark.parametrize("level", [Level.EVACUATE, Level.SECURE_LIFE])
async def test_a_live_order_of_level_4_or_5_cannot_wait(hub: Engine, level: Level) -> None:
    draft = await hub.submit(a_message(level=level))
    with pytest.raises(Refused, match=rf"警戒レベル{int(level)}の本番は予約できません"):
        await hub.intake.schedule(approval(draft, level), AT, APPROVER)
    assert (await hub.intake.read(draft, AUTHOR)).state is State.SUBMITTED


async def test_a_drill_of_level_4_can(hub: Engine) -> None:
    assert (await scheduled(hub, Mode.STAFF_DRILL, Level.EVACUATE)).state is State.SCHEDULED


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        (NOW + ASK_BEFORE - MINUTE, "15分以上先"),
        (NOW - MINUTE, "15分以上先"),
        (NOW + FURTHEST + MINUTE, "92日先まで"),
    ],
)
async def test_a_time_is_neither_too_near_nor_too_far(hub: Engine, moment: datetime, words: str) -> None:
    draft = await hub.submit(a_message(level=None))
    with pytest.raises(BadInput, match=words):
        await hub.intake.schedule(approval(draft), moment, APPROVER)


async def test_it_takes_the_second_person_who_types_the_level(hub: Engine) -> None:
    draft = await hub.submit(a_message(level=Level.ELDERLY_EVACUATE))
    author = Actor(login=AUTHOR.login, name="佐藤", roles=frozenset(Role))
    with pytest.raises(Forbidden, match="作成した人は承認できません"):
        await hub.intake.schedule(approval(draft, Level.ELDERLY_EVACUATE), AT, author)
    with pytest.raises(BadInput, match="レベル3"):
        await hub.intake.schedule(approval(draft, Level.EVACUATE), AT, APPROVER)
    once = await hub.intake.schedule(approval(draft, Level.ELDERLY_EVACUATE), AT, APPROVER)
    assert await hub.intake.schedule(approval(draft, Level.ELDERLY_EVACUATE), AT, APPROVER) == once


async def test_a_hub_that_starts_anew_knows_what_was_scheduled(tmp_path: Path, clock: Hand) -> None:
    async with engine(tmp_path, channels={"mail": mail(9)}, clock=clock) as hub:
        draft = await scheduled(hub)
        await at(hub, clock, AT - ASK_BEFORE)
        await hub.intake.confirm(draft.id, AUTHOR, seen=draft.version)
    async with engine(tmp_path, channels={"mail": mail(9)}, clock=clock, owner="the next one") as hub:
        await at(hub, clock, AT)
        assert len(await sent(hub)) == 1
