"""Batches in any order of claims, crashes, takeovers, answers, receipts and stops: nobody is lost or doubled."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule
from sqlalchemy import StaticPool, create_engine, func, select

from hub import receipts
from hub.capabilities import Capabilities
from hub.channel import Receipt
from hub.delivery import FAILED, MERGED, REACHED, Batch, Outcome, ProviderRef, Result, Variant
from hub.gate import LEASE
from hub.keys import Keys
from hub.language import Language
from hub.ledger import alerts, batches, deployment, plans, tables
from hub.ledger.batches import Planned
from hub.ledger.plans import Cursor
from hub.ledger.tables import BatchState
from hub.outbound import Deployment
from hub.progress import Tally, progress
from hub.recipient import RecipientId
from hub.retry import batch_id, judge, key_of, unsent
from hub.testing.alerts import an_alert

KEYS = Keys(fields={"1": bytes(32)}, index=bytes(32), record=bytes(32))
NOW = datetime(2026, 11, 23, 12, 47, tzinfo=UTC)
ALERT = an_alert(sent=NOW)
VARIANT = Variant(Language.JA, None)
PEOPLE, SIZE = 12, 4
ANSWERS = [
    Outcome.ACCEPTED, Outcome.DELIVERED, Outcome.TEMPORARY, Outcome.THROTTLE, Outcome.CREDENTIALS,
    Outcome.AMBIGUOUS, Outcome.PERMANENT, Outcome.UNSUPPORTED, Outcome.NO_ADDRESS,
]  # fmt: skip
REPORTS = [Outcome.TEMPORARY, Outcome.PERMANENT, Outcome.DELIVERED, Outcome.ANSWERED]
CHANNEL = Capabilities(
    kind="mail", japanese="メール", batch_size=SIZE, max_attempts=3, receipt_wait=timedelta(minutes=5)
)


class Deliveries(RuleBasedStateMachine):
    claims = Bundle("claims")

    def __init__(self) -> None:
        super().__init__()
        self.engine = create_engine(
            "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}
        )
        tables.metadata.create_all(self.engine)
        self.conn = self.engine.connect()
        self.random = Random(0)
        self.refs = 0
        self.stopped: Outcome | None = None
        self.holders = 0
        self.given_back: set[str] = set()
        self.maybe: set[RecipientId] = set()
        """Nobody could say whether they were reached: what happens later must not forget it."""

    @initialize(resends=st.booleans())
    def an_alert_is_planned(self, resends: bool) -> None:
        self.capabilities = replace(CHANNEL, resends_ambiguous=resends)
        deployment.establish(self.conn, Deployment.REHEARSAL, "132071", at=NOW)
        alerts.insert_alert(
            self.conn, KEYS, ALERT, number="2026-0001", digest=bytes(32), author="a", approver="b",
            break_glass=None,
        )  # fmt: skip
        planned = [Planned(_batch(seq), NOW) for seq in range(PEOPLE // SIZE)]
        plans.advance(
            self.conn, ALERT.identifier, "mail", step=0, to=Cursor(after=PEOPLE), planned=planned,
            complete_at=NOW,
        )  # fmt: skip

    @rule(target=claims, choice=st.integers(0, 99))
    def a_worker_claims(self, choice: int) -> tuple[Batch, str] | None:
        ids = self.conn.execute(
            select(tables.batches.c.id).where(tables.batches.c.state == BatchState.PLANNED)
        )
        waiting = sorted(row.id for row in ids)
        if not waiting:
            return None
        self.holders += 1
        owner = f"worker {self.holders}"
        chosen = waiting[choice % len(waiting)]
        (batch,) = batches.claim(self.conn, [chosen], owner=owner, lease=LEASE)
        assert batches.claim(self.conn, [chosen], owner="another", lease=LEASE) == []
        return batch, owner

    @rule(claim=consumes(claims), outcomes=st.lists(st.sampled_from(ANSWERS), min_size=SIZE, max_size=SIZE))
    def a_gateway_answers(self, claim: tuple[Batch, str] | None, outcomes: list[Outcome]) -> None:
        if claim is not None:
            self._record(*claim, outcomes)

    @rule(claim=claims, outcomes=st.lists(st.sampled_from(ANSWERS), min_size=SIZE, max_size=SIZE))
    def a_gateway_answers_and_the_holder_says_it_again_later(
        self, claim: tuple[Batch, str] | None, outcomes: list[Outcome]
    ) -> None:
        if claim is not None:
            self._record(*claim, outcomes)

    @rule(claim=consumes(claims))
    def a_holder_gives_back(self, claim: tuple[Batch, str] | None) -> None:
        if claim is not None:
            batches.release(self.conn, claim[0], owner=claim[1], after=timedelta(0))
            self.given_back.add(claim[0].id)

    @rule(owner=st.integers(0, 20))
    def leases_of_all_but_one_run_out(self, owner: int) -> None:
        """The holders do not notice: their claims stay in the bundle, and they may answer late."""
        for batch, holder in batches.abandoned(self.conn, void_owners_but=f"worker {owner}"):
            self._record(batch, holder, [Outcome.AMBIGUOUS] * SIZE)

    @rule(number=st.integers(1, 40), outcome=st.sampled_from(REPORTS))
    def a_receipt_comes(self, number: int, outcome: Outcome) -> None:
        """Also one of a send that is not recorded yet, or never happens."""
        receipts.apply(
            self.conn, "mail", [Receipt(ref=_ref(number), outcome=outcome, at=NOW)], self.capabilities,
            now=NOW, random=self.random,
        )  # fmt: skip

    @rule(outcome=st.sampled_from([Outcome.CANCELLED, Outcome.SUPERSEDED]))
    def staff_stop_it(self, outcome: Outcome) -> None:
        if alerts.stop(self.conn, ALERT.identifier, outcome=outcome, at=NOW, actor="a"):
            batches.settle_unsent(self.conn, ALERT.identifier, outcome)
            self.stopped = outcome

    @invariant()
    def everybody_is_counted_once_and_the_sums_add_up(self) -> None:
        if not hasattr(self, "capabilities"):
            return
        seen = Counter(member for member, _ in self._known())
        assert seen == dict.fromkeys(range(1, PEOPLE + 1), 1)
        tally = self._tally()
        assert tally.planned == PEOPLE == tally.pending + _settled(tally)
        assert tally.failed == tally.reasons.total()

    @invariant()
    def nobody_has_more_tries_than_the_channel_gives(self) -> None:
        if hasattr(self, "capabilities"):
            spent = select(func.max(tables.batches.c.spent))
            assert self.conn.execute(spent).scalar_one() < CHANNEL.max_attempts

    @invariant()
    def nothing_of_a_stopped_alert_is_left_to_send(self) -> None:
        if self.stopped is not None:
            planned = select(tables.batches.c.id).where(tables.batches.c.state == BatchState.PLANNED)
            assert set(self.conn.execute(planned).scalars()) <= self.given_back

    def teardown(self) -> None:
        """The holders die, the alert expires: everybody ends in exactly one outcome."""
        if hasattr(self, "capabilities"):
            self._end()
            outcomes = dict(self._known())
            assert len(outcomes) == PEOPLE
            assert all(
                each in REACHED or each in FAILED or each is Outcome.AMBIGUOUS for each in outcomes.values()
            )
            unsent_for_sure = {Outcome.EXPIRED, Outcome.CANCELLED, Outcome.SUPERSEDED}
            assert not {member for member in self.maybe if outcomes[member] in unsent_for_sure}
            tally = self._tally(later=timedelta(hours=1))
            assert tally.done
            assert _settled(tally) == PEOPLE
        self.conn.close()
        self.engine.dispose()

    def _end(self) -> None:
        while found := batches.abandoned(self.conn, void_owners_but=""):
            for batch, holder in found:
                self._record(batch, holder, [Outcome.AMBIGUOUS] * SIZE)
        waiting = select(tables.batches.c.id).where(tables.batches.c.state == BatchState.PLANNED)
        while ids := list(self.conn.execute(waiting).scalars()):
            for batch in batches.claim(self.conn, ids, owner="reaper", lease=LEASE):
                self._record(batch, "reaper", [unsent(batch, Outcome.EXPIRED)] * SIZE)

    def _record(self, batch: Batch, owner: str, outcomes: list[Outcome]) -> None:
        results = {}
        for position, member in enumerate(batch.members):
            outcome = outcomes[position]
            taken = outcome in (Outcome.ACCEPTED, Outcome.DELIVERED)
            self.refs += taken
            ref = _ref(self.refs) if taken else None
            results[position] = Result(member, outcome, ref, alone=bool(position % 2))
        stopped = alerts.stopped(self.conn, [batch.alert], hold=True).get(batch.alert)
        verdict = judge(batch, results, self.capabilities, now=NOW, random=self.random, stopped_as=stopped)
        recorded = batches.Record(
            batch=batch,
            owner=owner,
            results=verdict.final,
            children=verdict.children,
            moved=verdict.moved,
            settles_at=NOW + timedelta(minutes=5),
            reached_between=(NOW, NOW),
            keep_refs=True,
        )
        wrote = batches.record(self.conn, [recorded])
        if wrote:
            self.maybe |= {each.recipient for each in results.values() if each.outcome is Outcome.AMBIGUOUS}
        refs = [result.ref for result in results.values() if result.ref]
        if wrote and refs:
            receipts.unpark(self.conn, "mail", refs, self.capabilities, now=NOW, random=self.random)

    def _known(self) -> list[tuple[int, Outcome]]:
        return [
            (member, MERGED[pair])
            for row in batches.of_alert(self.conn, ALERT.identifier)
            for member, pair in zip(row.members, zip(row.handover, row.receipt, strict=True), strict=True)
            if MERGED[pair] is not Outcome.MOVED
        ]

    def _tally(self, later: timedelta = timedelta(0)) -> Tally:
        return progress(self.conn, ALERT.identifier, {"mail": self.capabilities}, now=NOW + later)["mail"]


def _batch(seq: int) -> Batch:
    id_ = batch_id("machine", seq)
    return Batch(
        id=id_, alert=ALERT.identifier, version=1, mode=ALERT.mode, lane=ALERT.lane, channel="mail",
        variant=VARIANT, seq=seq,
        members=tuple(RecipientId(seq * SIZE + n) for n in range(1, SIZE + 1)),
        content_hash="0" * 64, idempotency_key=key_of(id_), expires=ALERT.expires,
    )  # fmt: skip


def _ref(number: int) -> ProviderRef:
    return ProviderRef(f"sid {number}")


def _settled(tally: Tally) -> int:
    return tally.accepted + tally.delivered + tally.answered + tally.ambiguous + tally.failed


TestDeliveries = Deliveries.TestCase
TestDeliveries.settings = settings(
    max_examples=40, stateful_step_count=25, suppress_health_check=list(HealthCheck)
)
