"""A group on one topic: its members, and which of them reads which partition from where."""

import asyncio

from hub.bus.journal import PARTITIONS


class Seat:
    """A member's place in its group.

    `positions` are the partitions it reads and the offset it reads next in each. `generation` grows
    whenever they are dealt anew; what was being read at that moment must be thrown away.
    """

    def __init__(self) -> None:
        self.positions: dict[int, int] = {}
        self.generation = 0
        self.closed = False
        self.changed = asyncio.Event()
        """Set when there may be something to read, or when this seat is closed."""

    def close(self) -> None:
        self.closed = True
        self.changed.set()

    def _give_up(self, most: int) -> None:
        for partition in list(self.positions)[most:]:
            del self.positions[partition]
            self.generation += 1

    def _take(self, partition: int, start: int) -> None:
        self.positions[partition] = start
        self.generation += 1
        self.changed.set()


class Group:
    """Deals the partitions whenever a member comes or goes; members keep what they can.

    A partition that changes hands is read again from what is committed. More members than
    partitions: the last ones wait.
    """

    def __init__(self, committed: list[int] | None = None) -> None:
        self.committed = committed or [0] * PARTITIONS
        self._seats: list[Seat] = []

    def join(self) -> Seat:
        seat = Seat()
        self._seats.append(seat)
        self._deal()
        return seat

    def leave(self, seat: Seat) -> None:
        seat.close()
        self._seats.remove(seat)
        self._deal()

    def wake(self) -> None:
        for seat in self._seats:
            seat.changed.set()

    def close(self) -> None:
        for seat in self._seats:
            seat.close()

    def commit(self, following: dict[int, int]) -> None:
        for partition, offset in following.items():
            self.committed[partition] = max(self.committed[partition], offset)

    def _deal(self) -> None:
        for index, seat in enumerate(self._seats):
            seat._give_up(self._quota(index))
        held = {partition for seat in self._seats for partition in seat.positions}
        free = [partition for partition in range(PARTITIONS) if partition not in held]
        for index, seat in enumerate(self._seats):
            for _ in range(self._quota(index) - len(seat.positions)):
                partition = free.pop()
                seat._take(partition, self.committed[partition])

    def _quota(self, index: int) -> int:
        each, rest = divmod(PARTITIONS, len(self._seats))
        return each + (index < rest)
