"""How what is counted carries a belief forward in time.

Everything happens in the order of the devices' own time, and what happens at a moment depends only on what was
counted up to it. So a belief at any moment, carried on by what came after, is the belief that everything together
would have given: readings in any order, twice or late, give the same number.

Every `STEP` a door that has gone silent is stood in for by the others, in its usual share of them, with noise; when
it comes back and counts totals, what it did see replaces that.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from math import sqrt
from typing import NamedTuple

import msgspec

from shelters import filter as kalman
from shelters import heads
from shelters.belief import Belief, Count, alive
from shelters.device import Counts, Device
from shelters.doorway import Crossing, Seen, factor, guess_variance, missed_noise, share, turned

STEP = timedelta(minutes=5)

FORGET = timedelta(days=1)
"""A site of which nothing was heard for so long begins anew, its doors' factors too."""

SURPRISE = 3.0
"""Deviations from which the doors and a count contradict each other."""

BELOW_NOBODY = 5
"""By how many more than chance explains the doors may fall below nobody, before they are doubted."""

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


def carry(
    belief: Belief | None,
    *,
    crossings: Mapping[str, Iterable[Crossing]],
    counts: Iterable[Count],
    devices: Sequence[Device],
    until: datetime,
) -> Belief | None:
    """`belief` with what was counted after it, up to `until`. None: nothing was counted yet.

    Counters that are not among `devices` are not believed, nor what they said while they were registered to count
    otherwise.
    """
    events = list(_events(crossings, counts, devices, after=belief.to if belief else _EPOCH, until=until))
    if belief is None:
        if not events:
            return None
        belief = _unknown(min(event.at for event in events), devices)
    run = _Run(belief, devices)
    for event in sorted(events):
        run.take(event)
    return run.end(until)


def step_before(moment: datetime) -> datetime:
    """The end of the last step that ended by `moment`: the same in every process."""
    return moment - (moment - _EPOCH) % STEP


class _Event(NamedTuple):
    """Doors before heads at the same moment: whoever counts sees who has come in."""

    at: datetime
    heads: bool
    device: str
    what: Crossing | Count


def _events(
    crossings: Mapping[str, Iterable[Crossing]],
    counts: Iterable[Count],
    devices: Sequence[Device],
    *,
    after: datetime,
    until: datetime,
) -> Iterable[_Event]:
    for device in devices:
        for crossing in crossings.get(device.id, ()) if device.door else ():
            if after < crossing.at <= until and crossing.deltas == (device.counts is Counts.DOOR_DELTAS):
                yield _Event(crossing.at, False, device.id, crossing)
    for count in counts:
        if after < count.at <= until:
            yield _Event(count.at, True, count.device, count)


def _unknown(at: datetime, devices: Sequence[Device]) -> Belief:
    doors = [device for device in devices if device.door]
    return Belief(to=step_before(at) - STEP, heard_at=at, state=kalman.begun(*factor(doors)))


class _Run:
    """A belief on its way. Movements are summed, and given to the filter at each step and each count."""

    def __init__(self, belief: Belief, devices: Sequence[Device]) -> None:
        self._devices = {device.id: device for device in devices}
        self._doors = [device for device in devices if device.door]
        self._noise_each = {door.id: missed_noise(door) for door in self._doors}
        self._patience = {door.id: door.patience for door in self._doors}
        self._begin(belief)

    def _begin(self, belief: Belief) -> None:
        self._at = belief.heard_at
        self._next_step = step_before(belief.to) + STEP
        self._state = belief.state
        self._counted_at = belief.counted_at
        known = {door.id for door in self._doors}
        self._seen = {
            door: msgspec.structs.replace(seen) for door, seen in belief.doors.items() if door in known
        }
        self._heads = dict(belief.heads)
        self._site_in, self._site_out = belief.entered, belief.left
        self._guessed, self._contradicted, self._flipped = belief.guessed, belief.contradicted, belief.flipped
        self._in = self._out = self._noise = 0.0
        lasts = [seen.at + self._patience[door] for door, seen in self._seen.items()]
        self._light_until = max((*lasts, self._lit_by_count()), default=belief.to)

    def take(self, event: _Event) -> None:
        if event.at > self._at + FORGET:
            self._begin(_unknown(event.at, list(self._devices.values())))
        self._step_to(event.at)
        self._at = event.at
        if isinstance(event.what, Crossing):
            self._cross(self._devices[event.device], event.what)
        else:
            self._count(event.what)

    def end(self, until: datetime) -> Belief:
        self._step_to(until)
        if self._next_step == until:
            self._step()
        self._hand_over()
        return Belief(
            to=until,
            heard_at=self._at,
            state=self._state,
            counted_at=self._counted_at,
            doors=self._seen,
            heads=self._heads,
            entered=self._site_in,
            left=self._site_out,
            guessed=self._guessed,
            contradicted=self._contradicted,
            flipped=self._flipped,
        )

    def _step_to(self, moment: datetime) -> None:
        """Every step that ends before `moment`. One that ends at it takes what happened then along."""
        while self._next_step < moment:
            if not self._step():  # nobody lives, and nothing changes until somebody reports
                ended = step_before(moment)
                self._next_step = max(self._next_step, ended if ended == moment else ended + STEP)

    def _step(self) -> bool:
        """The end of a step. Whether any door lived at it."""
        at, self._next_step = self._next_step, self._next_step + STEP
        self._hand_over()
        living = self._living(at)
        silent = [door for door in self._doors if door not in living]
        if self._counted_at is not None and living and not all(self._make_up(door, at) for door in silent):
            self._lose()
        for seen in self._seen.values():
            seen.end_step(usual=not silent)
        if living:
            self._state = kalman.drifted(self._state)
        return bool(living)

    def _living(self, at: datetime) -> list[Device]:
        return [door for door in self._doors if alive(self._seen, door, at, self._counted_at)]

    def _hand_over(self) -> None:
        """What was summed, to the filter."""
        if not (self._in or self._out or self._noise):
            return
        self._state = kalman.moved(self._state, self._in, self._out, self._noise)
        self._in = self._out = self._noise = 0.0
        if self._counted_at is None:  # nobody knows how many there are, and fewer than nobody means nothing
            return
        if self._state.people < -(SURPRISE * self._state.deviation + BELOW_NOBODY):
            self._contradict(None)
        self._state = kalman.not_below_nobody(self._state)

    def _move(self, entered: float, left: float, noise: float) -> None:
        self._in += entered
        self._out += left
        self._noise += noise

    # A door reports

    def _cross(self, door: Device, crossing: Crossing) -> None:
        patience = self._patience[door.id]
        if crossing.at > self._light_until:
            self._notice_darkness()
        self._light_until = max(self._light_until, crossing.at + patience)
        seen = self._seen.get(door.id)
        if seen is None or seen.deltas != crossing.deltas:
            seen = self._meet(door, crossing)
        elif crossing.begins_after(seen.at) or (
            crossing.at - seen.at > patience and self._missed(door, seen, crossing)
        ):
            self._fill_gap(door, seen, crossing)
        else:
            totals = door.counts is Counts.DOOR_TOTALS
            passed = seen.grown(crossing) if totals else (crossing.entered, crossing.left)
            self._count_in(door, seen, *passed, fraction=self._new_part(door, seen, crossing))
        seen.at, seen.entered, seen.left = crossing.at, crossing.entered, crossing.left
        seen.known_at(self._site_in, self._site_out)

    def _meet(self, door: Device, crossing: Crossing) -> Seen:
        """Its first reading. Totals only tell from where they go on."""
        seen = self._seen[door.id] = Seen(
            crossing.at, 0, 0, self._site_in, self._site_out, deltas=crossing.deltas
        )
        if self._counted_at is not None and crossing.at - self._counted_at > door.patience:
            self._lose()
        if door.counts is Counts.DOOR_DELTAS:
            fraction = self._after_count(crossing.at - door.interval, crossing.at)
            self._count_in(door, seen, crossing.entered, crossing.left, fraction=fraction)
        return seen

    def _count_in(self, door: Device, seen: Seen, entered: float, left: float, *, fraction: float) -> None:
        """What a door counted, of which `fraction` was after the count. What was made up meanwhile gives way."""
        entered, left, split = (
            entered * fraction,
            left * fraction,
            (entered + left) * fraction * (1 - fraction),
        )
        noise = self._noise_each[door.id] * (entered + left) + split - seen.made_variance
        self._move(entered - seen.made_in, left - seen.made_out, noise)
        self._site_in += entered
        self._site_out += left
        seen.step_in += entered
        seen.step_out += left
        seen.since_in += entered
        seen.since_out += left

    def _new_part(self, door: Device, seen: Seen, crossing: Crossing) -> float:
        """How much of a reading's time lies after the count: as much of what it counted does."""
        since = seen.at if door.counts is Counts.DOOR_TOTALS else max(seen.at, crossing.at - door.interval)
        return self._after_count(since, crossing.at)

    def _after_count(self, since: datetime, at: datetime) -> float:
        if self._counted_at is None or self._counted_at <= since:
            return 1.0
        return (at - self._counted_at) / (at - since)

    # Silence

    def _notice_darkness(self) -> None:
        """At the first reading after a moment when no door lived: nobody could stand in for anybody."""
        for seen in self._seen.values():
            seen.dark = True

    def _lit_by_count(self) -> datetime:
        """A count says what came before it, and no door can have missed anything at once."""
        patience = min(self._patience.values(), default=timedelta(0))
        return self._counted_at + patience if self._counted_at else self._at

    def _missed(self, door: Device, seen: Seen, crossing: Crossing) -> bool:
        """Whether people passed whom this reading does not tell of. Totals bridge a gap unless they began anew."""
        since = max(seen.at, self._counted_at or seen.at)
        bridged = door.counts is Counts.DOOR_TOTALS and not seen.began_anew(crossing)
        return crossing.at - since > door.patience and not bridged

    def _fill_gap(self, door: Device, seen: Seen, crossing: Crossing) -> None:
        """It is back, and cannot tell what it missed: what was made up stays, for good."""
        if self._counted_at is not None:
            if seen.dark or not self._make_up(door, crossing.at):
                self._lose()
            self._guessed += seen.made_in + seen.made_out

    def _make_up(self, door: Device, at: datetime) -> bool:
        """Let the living stand in for `door` since its last reading. Whether they can."""
        usual = share(self._seen, door.id, [each for each in self._living(at) if each is not door])
        if usual is None:
            return False
        seen = self._seen[door.id]
        entered = max(0.0, usual * (self._site_in - seen.site_in) - seen.made_in)
        left = max(0.0, usual * (self._site_out - seen.site_out) - seen.made_out)
        variance = guess_variance(seen.made_in + entered, seen.made_out + left)
        self._move(entered, left, max(0.0, variance - seen.made_variance))
        seen.made_in += entered
        seen.made_out += left
        seen.made_variance = max(variance, seen.made_variance)
        return True

    def _lose(self) -> None:
        """Something was missed: how many are inside is not known until the next count."""
        self._counted_at = None

    # Somebody, or something, counts heads

    def _count(self, count: Count) -> None:
        self._hand_over()
        if count.by_people:
            variance = heads.by_people(count.people)
            self._believe(float(count.people), variance, variance, by_people=True)
        elif count.device in self._devices:
            self._heads[count.device] = count
            seen = heads.seen(self._heads, self._devices, count)
            if seen is not None:
                self._believe(seen.people, seen.alone, seen.again, by_people=False)

    def _believe(self, people: float, alone: float, variance: float, *, by_people: bool) -> None:
        """`alone`: its variance by itself; `variance`: what it adds to the counts just before it."""
        if self._counted_at is None:
            self._state = kalman.rebased(self._state, people, alone)
            self._contradicted, self._flipped = False, ()
            self._settle()
            return
        gap = people - self._state.people
        if abs(gap) > SURPRISE * sqrt(self._state.pp + variance):
            self._contradict(people)
            self._state = kalman.rebased(self._state, people, alone + (gap / SURPRISE) ** 2)
            self._settle()
            return
        left = variance / (self._state.pp + variance)
        self._state = kalman.counted(self._state, people, variance)
        for seen in self._seen.values():  # part of what was made up is corrected by this count
            seen.made_variance *= left * left
        if by_people:
            self._contradicted, self._flipped = False, ()
            self._settle()

    def _settle(self) -> None:
        """From a count on: what was missed or made up before it is of no more interest."""
        self._counted_at, self._guessed = self._at, 0.0
        self._light_until = max(self._light_until, self._lit_by_count())
        for seen in self._seen.values():
            seen.known_at(self._site_in, self._site_out)
            seen.since_in = seen.since_out = 0.0

    def _contradict(self, people: float | None) -> None:
        """`people` were counted, which the doors make improbable; None: they say fewer than nobody."""
        self._contradicted = True
        gap = None if people is None else people - self._state.people
        self._flipped = turned(self._seen, self._state, gap) or self._flipped
