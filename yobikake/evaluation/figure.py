"""A figure of an evaluation, with the goal that it has to reach."""

import msgspec


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """`goal` is what it must reach, at least or at most; None: it is there to compare with."""

    value: float
    at_most: float | None = None
    at_least: float | None = None

    @property
    def met(self) -> bool | None:
        if self.at_most is None and self.at_least is None:
            return None
        return (self.at_most is None or self.value <= self.at_most) and (
            self.at_least is None or self.value >= self.at_least
        )
