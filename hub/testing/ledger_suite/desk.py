"""What staff tick, telephone and report."""

import asyncio
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import update

from hub.authorise import Actor
from hub.errors import BadInput, Conflict
from hub.hazard import Hazard
from hub.ledger import (
    Ledger,
    answers,
    calls,
    drafts,
    replies,
    reports,
    tables,
    ticks,
)
from hub.ledger.answers import Answer
from hub.recipient import RecipientId
from hub.reply import Given, Reply, counts
from hub.testing.alerts import a_message
from hub.testing.ledger_suite.rows import APPROVER, AUTHOR, NOW, accepted_alert, an_intake


class DeskSuite:
    async def test_a_sheet_is_ticked_by_one(self, ledger: Ledger) -> None:
        await accepted_alert(ledger)
        staff = Actor(login="sato", name="佐藤", roles=frozenset())
        ends = await asyncio.gather(
            *(ledger.write(lambda conn: ticks.tick(conn, "a-1", "radio", staff, at=NOW)) for _ in range(5)),
            return_exceptions=True,
        )
        assert sorted(type(end).__name__ for end in ends) == ["Conflict"] * 4 + ["NoneType"]

    async def test_of_all_who_change_an_answer_at_once_one_does_and_all_versions_stay(
        self, ledger: Ledger
    ) -> None:
        first = Answer("q-1", 1, "水は？", "拝島会館です。", Hazard.FLOOD, withdrawn=False, at=NOW, by="sato")
        await ledger.write(lambda conn: answers.write(conn, first))
        nexts = [
            first._replace(version=2, reply=f"{number}階です。", at=NOW + timedelta(minutes=1))
            for number in range(5)
        ]
        ends = await asyncio.gather(
            *(ledger.write(partial(answers.write, answer=each)) for each in nexts), return_exceptions=True
        )
        assert sorted(type(end).__name__ for end in ends) == ["Conflict"] * 4 + ["NoneType"]
        newest, oldest = await ledger.read(lambda conn: answers.versions(conn, "q-1"))
        assert (newest in nexts, oldest) == (True, first)
        later = first._replace(id="a-2", at=NOW + timedelta(hours=1))
        await ledger.write(lambda conn: answers.write(conn, later))
        assert await ledger.read(answers.current) == [newest, later]

    async def test_a_call_counts_once_and_not_when_it_is_taken_back(self, ledger: Ledger) -> None:
        at = NOW.replace(minute=59, second=59)
        calling = [("c-1", "q-1", at), ("c-2", "q-1", at), ("c-3", "", at + timedelta(seconds=1))]
        for call, answer, when in calling * 2:
            await ledger.write(lambda conn: calls.count(conn, call, answer, AUTHOR, at=when))  # noqa: B023
        hour = NOW.replace(minute=0, second=0, microsecond=0)
        assert await ledger.read(partial(calls.by_hour, since=hour)) == {
            hour: {"q-1": 2},
            hour + timedelta(hours=1): {"": 1},
        }
        with pytest.raises(Conflict):
            await ledger.write(lambda conn: calls.undo(conn, "c-1", APPROVER, at=at))
        await ledger.write(lambda conn: calls.undo(conn, "c-1", AUTHOR, at=at))
        with pytest.raises(Conflict):
            await ledger.write(lambda conn: calls.undo(conn, "c-1", AUTHOR, at=at))
        assert (await ledger.read(partial(calls.by_hour, since=hour)))[hour] == {"q-1": 1}
        assert await ledger.read(partial(calls.by_hour, since=at + timedelta(hours=1))) == {}

    async def test_every_version_that_was_submitted_is_kept(self, ledger: Ledger) -> None:
        intake = await an_intake(ledger)
        draft = await intake.save(a_message(), AUTHOR)
        await intake.submit(draft.id, AUTHOR, seen=1)
        await intake.send_back(draft.id, APPROVER, seen=2, reason="時刻を直してください")
        await intake.save(a_message(valid_for_s=3600), AUTHOR, draft=draft.id, seen=3)
        await intake.submit(draft.id, AUTHOR, seen=4)
        kept = await ledger.read(lambda conn: drafts.submitted(conn, draft.id))
        assert [(each.version, each.message.valid_for_s) for each in kept] == [(5, 3600), (2, 6 * 3600)]

    async def test_a_report_is_locked_once_and_only_added_to(self, ledger: Ledger) -> None:
        await accepted_alert(ledger)
        with pytest.raises(Conflict):
            await ledger.write(lambda conn: reports.add(conn, "a-1", "早い", AUTHOR, at=NOW))
        ends = await asyncio.gather(
            *(
                ledger.write(partial(reports.lock, alert="a-1", payload=b"%d" % each, actor=AUTHOR, at=NOW))
                for each in range(5)
            ),
            return_exceptions=True,
        )
        assert sorted(type(end).__name__ for end in ends) == ["Conflict"] * 4 + ["Locked"]
        assert await ledger.read(lambda conn: reports.find(conn, "a-1")) in ends
        await asyncio.gather(
            *(
                ledger.write(partial(reports.add, alert="a-1", text="訂正", actor=AUTHOR, at=NOW))
                for _ in range(3)
            )
        )
        notes = await ledger.read(lambda conn: reports.notes(conn, "a-1"))
        assert [each.number for each in notes] == [1, 2, 3]
        await ledger.write(lambda conn: conn.execute(update(tables.reports).values(payload=b"other")))
        with pytest.raises(BadInput, match="SHA-256"):
            await ledger.read(lambda conn: reports.find(conn, "a-1"))

    async def test_a_key_reported_twice_is_one_reply_and_the_last_one_counts(self, ledger: Ledger) -> None:
        await accepted_alert(ledger)

        async def say(reply: Reply) -> bool:
            given = Given(RecipientId(7), reply, NOW)
            return await ledger.write(lambda conn: replies.put(conn, "a-1", given))

        kept = await asyncio.gather(*(say(Reply.CANNOT) for _ in range(5)))
        assert sorted(kept) == [False] * 4 + [True]
        assert await say(Reply.SHELTER)
        found = await ledger.read(lambda conn: replies.of_alert(conn, "a-1"))
        assert [each.reply for each in found] == [Reply.CANNOT, Reply.SHELTER]
        assert counts(found) == {Reply.SHELTER: 1}
