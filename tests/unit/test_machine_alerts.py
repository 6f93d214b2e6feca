"""The hub against a model of the world: who really got what, and what the ledger may say of it.

Alerts are accepted, planned, claimed, sent, reported on, stopped, updated and corrected in any order,
by the hub's own functions over a database in memory. The gateway is the model's: it knows what it took.
Holders die before, while and after they send, and are taken over; receipts come late, twice and before
the record of their send. Whatever happened, at the end

- everybody of an audience has one outcome, and the sums add up (I2);
- nobody got an alert twice but by one flagged resend (I3);
- no outcome says more or less than what may be true (I3, I8);
- a correction went to whoever got, or may have got, what it corrects, and to nobody else (I5);
- each draft was sent at most once, the audit chain is whole and agrees with the alerts (I1, I12).

One assumption: a gateway that refuses for good, or returns a message, speaks of the address. Nothing
that was sent there earlier counts as arrived.
"""

import asyncio
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import Connection, Engine, StaticPool, create_engine, event, select

from hub import receipts
from hub.cap import MsgType
from hub.capabilities import Capabilities
from hub.channel import Content, Receipt
from hub.codec import RecordCodec
from hub.delivery import MERGED, REACHED, Batch, BatchId, Outcome, ProviderRef, Result, Variant
from hub.draft import Message, State
from hub.errors import AlreadySent, Conflict
from hub.fanout import Fanout
from hub.gate import LEASE, Stops
from hub.intake import Approval, Intake
from hub.ledger import alerts, audit, batches, deployment, drafts, lives, proof, register, tables
from hub.ledger.alerts import Accepted
from hub.ledger.tables import BatchState
from hub.outbound import Deployment
from hub.prepared import draft_id
from hub.progress import progress
from hub.recipient import Reached, RecipientId
from hub.render import render
from hub.retry import judge, unsent
from hub.testing.alerts import a_message
from tests.integration.engine import APPROVER, AUTHOR, CORRECTION, KEYS, PlainSlots, residents

T = TypeVar("T")

NOW = datetime(2026, 11, 23, 12, 47, tzinfo=UTC)
PEOPLE, SIZE, MOST_ALERTS = 10, 3, 5
CHANNEL = Capabilities(
    kind="mail", japanese="メール", batch_size=SIZE, max_attempts=3, receipt_wait=timedelta(minutes=5)
)
NOT_TAKEN = [Outcome.TEMPORARY, Outcome.THROTTLE, Outcome.CREDENTIALS, Outcome.PERMANENT, Outcome.NO_ADDRESS]
TAKEN = [Outcome.ACCEPTED, Outcome.DELIVERED, Outcome.AMBIGUOUS]
ANSWERS = [(True, outcome) for outcome in TAKEN] + [
    (False, outcome) for outcome in [*NOT_TAKEN, Outcome.AMBIGUOUS]
]
"""What the gateway did with a recipient, and what its holder learned of it."""
REPORTS = [Outcome.TEMPORARY, Outcome.PERMANENT, Outcome.DELIVERED, Outcome.ANSWERED]

STAFF = ["send", "update", "correct", "correct", "stop", "again"]
FATES = ["records", "records", "sends", "sends", "is taken over", "gives back", "waits"]
"""Of a holder: "sends" leaves what it learned in its memory."""

HAPPENS = {"claim": 8, "go on": 6, "receipt": 6, "plan": 2, "staff": 1, "extend": 1}
"""And how often, each beside the others."""
WHILE = 15

Answers = list[tuple[bool, Outcome]]
answers = st.lists(st.sampled_from(ANSWERS), min_size=SIZE, max_size=SIZE)


@dataclass(slots=True)
class Try:
    """One request for one recipient that the gateway took, until it says that it did not arrive."""

    alert: str
    recipient: RecipientId
    ref: ProviderRef
    arrived: bool | None = None
    """None: nobody has said yet."""
    returned: bool = False
    """The last receipt was that it came back, and the hub found the place it belongs to."""
    retried: bool = False
    """A receipt was that it did not arrive this time."""


@dataclass(slots=True)
class Claim:
    """A holder, as it sees itself: it may have been taken over without knowing."""

    batch: Batch
    owner: str
    results: dict[int, Result] = field(default_factory=dict)
    sent: bool = False
    over: bool = False


class Memory:
    """A ledger in memory: each work is one transaction."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    async def write(self, work: Callable[[Connection], T]) -> T:
        with self.engine.begin() as conn:
            return work(conn)

    read = write


class Silent:
    """A bus that brings nothing: everything is claimed from the ledger."""

    async def publish_many(self, topic: str, records: Sequence[tuple[str, bytes]]) -> None:
        """Taken, and forgotten."""


class Hub(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.engine = _copy_of(_registered())
        self.loop = asyncio.new_event_loop()
        self.random = Random(0)
        self.stops = Stops()
        ledger: Any = Memory(self.engine)
        bus: Any = Silent()
        records = RecordCodec(KEYS)
        self.intake = Intake(
            ledger=ledger, records=records, keys=KEYS, stops=self.stops, sender="akishima.example",
            clock=self.clock, page=lambda *_: None, relay=lambda: None, prepare=CORRECTION,
        )  # fmt: skip
        self.capabilities = CHANNEL
        self.fanout = Fanout(
            ledger=ledger, transport=bus, records=records, keys=KEYS,
            capabilities={"mail": CHANNEL}, render=self.render, clock=self.clock,
        )  # fmt: skip
        self.ticks = 0
        self.holders = 0
        self.sent: list[Accepted] = []
        self.drafts: list[tuple[str, Approval]] = []
        self.planned: set[str] = set()
        self.stopped: set[str] = set()
        self.claims: list[Claim] = []
        self.tries: list[Try] = []
        self.doubtful: defaultdict[str, set[RecipientId]] = defaultdict(set)
        """Of whom a holder, or its silence, said that something may have been sent."""
        self.refs = 0

    def clock(self) -> datetime:
        self.ticks += 1
        return NOW + timedelta(milliseconds=self.ticks)

    async def render(self, accepted: Accepted, variant: Variant) -> Content:
        return render(accepted.alert, variant, PlainSlots(), self.clock, number=accepted.number)

    @initialize(resends=st.booleans(), acts=st.lists(st.sampled_from(STAFF), max_size=2))
    def an_alert_is_out(self, resends: bool, acts: list[str]) -> None:
        """And perhaps something was done about it before anybody planned it."""
        self.capabilities = replace(CHANNEL, resends_ambiguous=resends)
        self._send(a_message())
        for act in acts:
            self.staff_act(act, 0)
        self.one_is_planned(0)

    # --- staff ---

    @rule(act=st.sampled_from(STAFF), which=st.integers(0, 9))
    def staff_act(self, act: str, which: int) -> None:
        earlier = self._pick(self.sent, which).alert.identifier
        match act:
            case "again":
                self._approve_again(which)
            case "stop":
                self._stop(earlier)
            case _ if len(self.sent) == MOST_ALERTS:
                pass
            case "send":
                self._send(a_message())
            case "update":
                self._send(a_message(msg_type=MsgType.UPDATE, references=(earlier,)))
                self.stopped.add(earlier)
            case "correct":
                self._correct(earlier)

    @rule(which=st.integers(0, 9))
    def one_is_planned(self, which: int) -> None:
        """The hub's own, once nothing of what it follows is on its way any more."""
        if waiting := self._waiting():
            self._plan(self._pick(waiting, which))

    @rule()
    def latecomers_are_added(self) -> None:
        self._run(self.fanout.extend())

    # --- sending ---

    @rule(which=st.integers(0, 99), fate=st.sampled_from(FATES), answered=answers)
    def a_worker_takes_a_batch(self, which: int, fate: str, answered: Answers) -> None:
        waiting = self._in(BatchState.PLANNED)
        if waiting:
            self._go_on(self._claim(self._pick(waiting, which)), fate, answered)

    @precondition(lambda self: self.claims)
    @rule(which=st.integers(0, 99), fate=st.sampled_from(FATES), answered=answers)
    def a_holder_goes_on(self, which: int, fate: str, answered: Answers) -> None:
        self._go_on(self._pick(self.claims, which), fate, answered)

    @precondition(lambda self: self.tries)
    @rule(which=st.integers(0, 99), outcome=st.sampled_from(REPORTS))
    def a_receipt_comes(self, which: int, outcome: Outcome) -> None:
        """Twice, or before its send is recorded. Of two that contradict each other, one kind: a message that
        was returned turns out to have arrived."""
        one = self._pick(self.tries, which)
        arrived = outcome in REACHED
        if (
            one.arrived is not None
            and one.arrived != arrived
            and not (arrived and one.returned and not one.retried)
        ):
            return
        if outcome is Outcome.PERMANENT and self._proven(one.alert, one.recipient):
            return
        one.arrived = arrived
        if outcome is Outcome.PERMANENT:
            self._refused_for_good(one.alert, one.recipient)
        with self.engine.begin() as conn:
            found = receipts.apply(
                conn, "mail", [Receipt(ref=one.ref, outcome=outcome, at=NOW)], self.capabilities,
                now=self.clock(), random=self.random,
            )  # fmt: skip
        one.returned = bool(found) and outcome is Outcome.PERMANENT
        one.retried |= outcome is Outcome.TEMPORARY

    @rule(seed=st.integers(0, 2**32))
    def a_while_passes(self, seed: int) -> None:
        """Much happens. Single steps alone seldom come far: most of what is drawn is drawn too early."""
        random = Random(seed)
        for _ in range(WHILE):
            which, fate = random.randrange(100), random.choice(FATES)
            answered = random.choices(ANSWERS, k=SIZE)
            match random.choices(list(HAPPENS), HAPPENS.values())[0]:
                case "claim":
                    self.a_worker_takes_a_batch(which, fate, answered)
                case "go on" if self.claims:
                    self.a_holder_goes_on(which, fate, answered)
                case "receipt" if self.tries:
                    self.a_receipt_comes(which, random.choice(REPORTS))
                case "plan":
                    self.one_is_planned(which)
                case "staff":
                    self.staff_act(random.choice(STAFF), which)
                case "extend":
                    self.latecomers_are_added()

    # --- what always holds ---

    @invariant()
    def everybody_is_counted_once(self) -> None:
        with self.engine.begin() as conn:
            for accepted in self.sent:
                identifier = accepted.alert.identifier
                counted = Counter(member for member, _ in _known(conn, identifier))
                assert set(counted.values()) <= {1}
                tally = progress(conn, identifier, {"mail": self.capabilities}, now=self.clock())["mail"]
                assert tally.planned == counted.total()
                assert tally.planned == tally.pending + (
                    tally.accepted + tally.delivered + tally.answered + tally.ambiguous + tally.failed
                )

    @invariant()
    def every_alert_has_the_draft_of_its_correction(self) -> None:
        with self.engine.begin() as conn:
            for accepted in self.sent:
                made = drafts.find(conn, draft_id(accepted.alert.identifier))
                assert (made is None) == accepted.alert.correction

    def teardown(self) -> None:
        """The holders die, everything is planned and ends; then the model is held against the ledger."""
        try:
            self._end()
            with self.engine.begin() as conn:
                for accepted in self.sent:
                    self._compare(conn, accepted)
                assert len(alerts.recent(conn, KEYS)) == len(self.sent)
                audit.verify(conn, KEYS)
                assert proof.differences(conn, KEYS) == []
        finally:
            self.loop.close()
            self.engine.dispose()

    def _end(self) -> None:
        with self.engine.begin() as conn:
            for claim in self.claims:
                lives.end(conn, claim.owner)
        self.claims.clear()
        while True:
            self._take_over()
            for accepted in self._waiting():
                self._plan(accepted)
            self._run(self.fanout.extend())
            if not self._expire() and not self._waiting():
                return

    def _compare(self, conn: Connection, accepted: Accepted) -> None:
        alert = accepted.alert
        outcomes = dict(_known(conn, alert.identifier))
        tries = [one for one in self.tries if one.alert == alert.identifier]
        believed = {one.recipient for one in tries if not one.returned}
        may_have_got = {one.recipient for one in tries if one.arrived is not False}
        for recipient, outcome in outcomes.items():
            assert outcome in REACHED or outcome in MUST_NOT_HAVE_GOT or outcome is Outcome.AMBIGUOUS
            if outcome in REACHED:
                assert recipient in believed, f"{outcome.name}, and the gateway knows nothing of it"
            if outcome in MUST_NOT_HAVE_GOT:
                assert recipient not in may_have_got, f"{outcome.name}, and it may have arrived"
        if isinstance(alert.targeting.audience, Reached):
            if alert.identifier not in self.stopped:
                assert outcomes.keys() >= self._must_hear_of(accepted)
            assert outcomes.keys() <= self._may_hear_of(accepted)
        else:
            assert outcomes.keys() == set(range(1, PEOPLE + 1))

    def _must_hear_of(self, correction: Accepted) -> set[RecipientId]:
        """Whoever may have got one of what it corrects."""
        chain = set(self._chain(correction))
        return {one.recipient for one in self.tries if one.alert in chain and one.arrived is not False}

    def _may_hear_of(self, correction: Accepted) -> set[RecipientId]:
        """Of whom a holder, its silence or a receipt said that something may have been sent."""
        chain = set(self._chain(correction))
        reported = {one.recipient for one in self.tries if one.alert in chain and one.arrived}
        return reported.union(*(self.doubtful[alert] for alert in chain))

    def _chain(self, accepted: Accepted) -> list[str]:
        by_identifier = {each.alert.identifier: each for each in self.sent}
        found: list[str] = []
        while isinstance(audience := accepted.alert.targeting.audience, Reached):
            found.append(audience.identifier)
            accepted = by_identifier[audience.identifier]
        return found

    # --- how it is done ---

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def _pick(self, some: Sequence[T], which: int) -> T:
        return some[which % len(some)]

    def _approve_again(self, which: int) -> None:
        """Their answer was lost: they learn what was sent, and nothing is sent."""
        identifier, approval = self._pick(self.drafts, which)
        with pytest.raises(AlreadySent) as told:
            self._run(self.intake.accept(approval, APPROVER))
        assert told.value.alert == identifier

    def _stop(self, identifier: str) -> None:
        if identifier in self.stopped:
            with pytest.raises(Conflict):
                self._run(self.intake.stop(identifier, AUTHOR))
        else:
            self._run(self.intake.stop(identifier, AUTHOR))
            self.stopped.add(identifier)

    def _correct(self, identifier: str) -> None:
        """By the one that was prepared; of a correction, or the second of an alert, by a new one."""
        draft = self._run(self.intake.correct(identifier, AUTHOR))
        self._approve(self._run(self.intake.submit(draft.id, AUTHOR, seen=draft.version)).id)
        self.stopped.add(identifier)

    def _plan(self, accepted: Accepted) -> None:
        self._run(self.fanout.plan(accepted.alert.identifier))
        self.planned.add(accepted.alert.identifier)

    def _claim(self, id_: BatchId) -> Claim:
        self.holders += 1
        owner = f"worker {self.holders}"
        with self.engine.begin() as conn:
            lives.begin(conn, owner, lasting=timedelta(hours=1))
            (batch,) = batches.claim(conn, [id_], owner=owner, lease=LEASE)
            assert batches.claim(conn, [id_], owner="another", lease=LEASE) == []
        self.claims.append(Claim(batch, owner))
        return self.claims[-1]

    def _go_on(self, claim: Claim, fate: str, answered: Answers) -> None:
        """A holder does one thing: what it was about to, or what happens to it."""
        if fate == "gives back" and not claim.sent:
            self.claims.remove(claim)
            with self.engine.begin() as conn:
                batches.release(conn, claim.batch, owner=claim.owner, after=timedelta(0))
        elif fate == "is taken over":
            self._lose(claim)
        elif fate != "waits":
            if not claim.sent and not claim.over:
                self._give_to_the_gateway(claim, answered)
            if fate == "records":
                self.claims.remove(claim)
                self._record(claim.batch, claim.owner, claim.results)

    def _give_to_the_gateway(self, claim: Claim, answered: Answers) -> None:
        """What the gateway did is done; what the holder learned is in its memory alone. Of a stopped alert
        the gate lets nothing pass."""
        claim.sent = True
        for position, recipient in enumerate(claim.batch.members):
            taken, outcome = answered[position]
            if self.stops.outcome(claim.batch.alert) is not None:
                taken, outcome = False, unsent(claim.batch, Outcome.CANCELLED)
            if outcome in FOR_GOOD and self._proven(claim.batch.alert, recipient):
                outcome = Outcome.TEMPORARY
            ref = self._take(claim.batch, recipient) if taken else None
            if outcome in FOR_GOOD:
                self._refused_for_good(claim.batch.alert, recipient)
            if outcome is Outcome.DELIVERED:
                self.tries[-1].arrived = True
            if outcome in TAKEN:
                self.doubtful[claim.batch.alert].add(recipient)
            known = ref if outcome in (Outcome.ACCEPTED, Outcome.DELIVERED) else None
            claim.results[position] = Result(recipient, outcome, known)

    def _lose(self, claim: Claim) -> None:
        """It died, or seems to have: what it had sent, it may still try to record. It sends nothing any more:
        its fence."""
        claim.over = True
        if not claim.sent:
            self.claims.remove(claim)
        with self.engine.begin() as conn:
            lives.end(conn, claim.owner)
        self._take_over()

    def _send(self, message: Message) -> None:
        draft = self._run(self.intake.save(message, AUTHOR))
        self._approve(self._run(self.intake.submit(draft.id, AUTHOR, seen=1)).id)

    def _approve(self, draft: str) -> None:
        with self.engine.begin() as conn:
            found = drafts.get(conn, draft)
        assert found.state is State.SUBMITTED
        approval = Approval(draft=draft, version=found.version, typed=found.message.level)
        accepted = self._run(self.intake.accept(approval, APPROVER))
        self.sent.append(accepted)
        self.drafts.append((accepted.alert.identifier, approval))

    def _waiting(self) -> list[Accepted]:
        """Alerts that can be planned now."""
        held = {claim.batch.alert for claim in self.claims if not claim.over}
        return [
            each
            for each in self.sent
            if each.alert.identifier not in self.planned
            and not held & {*each.alert.references, *self._chain(each)}
        ]

    def _in(self, state: BatchState) -> list[BatchId]:
        with self.engine.begin() as conn:
            found = conn.execute(select(tables.batches.c.id).where(tables.batches.c.state == state))
            return sorted(found.scalars())

    def _take(self, batch: Batch, recipient: RecipientId) -> ProviderRef:
        """The gateway takes it. A second time only what says of itself that it is a repeat."""
        before = [
            one
            for one in self.tries
            if (one.alert, one.recipient) == (batch.alert, recipient) and one.arrived is not False
        ]
        assert batch.resend or not before, "sent twice, and not flagged"
        assert len(before) < 2, "sent a third time"
        self.refs += 1
        one = Try(batch.alert, recipient, ProviderRef(f"sid {self.refs}"))
        self.tries.append(one)
        return one.ref

    def _refused_for_good(self, alert: str, recipient: RecipientId) -> None:
        for one in self.tries:
            if (one.alert, one.recipient) == (alert, recipient) and one.arrived is None:
                one.arrived = False

    def _proven(self, alert: str, recipient: RecipientId) -> bool:
        return any(one.arrived for one in self.tries if (one.alert, one.recipient) == (alert, recipient))

    def _take_over(self) -> None:
        with self.engine.begin() as conn:
            found = batches.abandoned(conn)
        for batch, owner in found:
            self.doubtful[batch.alert].update(batch.members)
            self._record(batch, owner, _all(batch, Outcome.AMBIGUOUS))

    def _expire(self) -> int:
        """The reaper ends what is still planned. Returns how many batches."""
        waiting = self._in(BatchState.PLANNED)
        for id_ in waiting:
            with self.engine.begin() as conn:
                (batch,) = batches.claim(conn, [id_], owner="reaper", lease=LEASE)
            self._record(batch, "reaper", _all(batch, unsent(batch, Outcome.EXPIRED)))
        return len(waiting)

    def _record(self, batch: Batch, owner: str, results: dict[int, Result]) -> None:
        now = self.clock()
        refs = [result.ref for result in results.values() if result.ref]
        with self.engine.begin() as conn:
            stopped = alerts.stopped(conn, [batch.alert], hold=True).get(batch.alert)
            verdict = judge(
                batch, results, self.capabilities, now=now, random=self.random, stopped_as=stopped
            )
            recorded = batches.Record(
                batch=batch,
                owner=owner,
                results=verdict.final,
                children=verdict.children,
                moved=verdict.moved,
                settles_at=now,
                reached_between=(now, now),
                keep_refs=True,
            )
            wrote = batches.record(conn, [recorded])
            if wrote and refs:
                receipts.unpark(conn, "mail", refs, self.capabilities, now=now, random=self.random)


FOR_GOOD = frozenset({Outcome.PERMANENT, Outcome.NO_ADDRESS})
MUST_NOT_HAVE_GOT = frozenset(
    {Outcome.PERMANENT, Outcome.EXPIRED, Outcome.CANCELLED, Outcome.SUPERSEDED, Outcome.NO_ADDRESS}
)


def _all(batch: Batch, outcome: Outcome) -> dict[int, Result]:
    return {position: Result(member, outcome) for position, member in enumerate(batch.members)}


def _known(conn: Connection, alert: str) -> list[tuple[RecipientId, Outcome]]:
    return [
        (member, MERGED[pair])
        for row in batches.of_alert(conn, alert)
        for member, pair in zip(row.members, zip(row.handover, row.receipt, strict=True), strict=True)
        if MERGED[pair] is not Outcome.MOVED
    ]


@cache
def _registered() -> Engine:
    """A database with everybody in it; copied for each run."""
    engine = _in_memory()
    tables.metadata.create_all(engine)
    with engine.begin() as conn:
        deployment.establish(conn, Deployment.REHEARSAL, "132071", at=NOW)
        register.add(conn, KEYS, residents(PEOPLE), at=NOW)
        register.rebuild(conn, KEYS)
    return engine


def _copy_of(engine: Engine) -> Engine:
    copy = _in_memory()
    _raw(engine).backup(_raw(copy))
    return copy


def _in_memory() -> Engine:
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _: object) -> None:
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def _begin(conn: Connection) -> None:
        conn.exec_driver_sql("BEGIN")

    return engine


def _raw(engine: Engine) -> sqlite3.Connection:
    found = engine.raw_connection().driver_connection
    assert isinstance(found, sqlite3.Connection)
    return found


TestHub = Hub.TestCase
TestHub.settings = settings(max_examples=15, stateful_step_count=10, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize("tens", range(10))
def test_long_walks(tens: int) -> None:
    """Further than hypothesis goes by itself. One that fails names its seed and is walked again by it."""
    for seed in range(10 * tens, 10 * tens + 10):
        random, hub = Random(seed), Hub()
        note = f"seed {seed}"
        try:
            Hub.an_alert_is_out(hub, random.random() < 0.7, random.choices(STAFF, k=random.randrange(2)))
            for _ in range(4):
                Hub.a_while_passes(hub, random.randrange(2**32))
                hub.everybody_is_counted_once()
                hub.every_alert_has_the_draft_of_its_correction()
            hub.teardown()
        except Exception as e:
            e.add_note(note)
            raise
