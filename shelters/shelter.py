"""A shelter's life: the steps by which a site opens, and closes again.

    未開設 → 開設準備(○時予定) → 職員到着 → 解錠 → 安全確認 → 受入開始 ⇄ 一時停止 ⇄ 満員 → 閉鎖

Residents are told of 受入開始, 満員 and 「○時開設予定」 only. 満員 is a decision of staff, never of a number,
and people in danger are taken in even then.
"""

from datetime import datetime
from enum import StrEnum

import msgspec

from hub.errors import HubError
from shelters.site import SiteCode


class Stage(StrEnum):
    """Where a shelter stands."""

    UNOPENED = "unopened"
    PREPARING = "preparing"
    STAFF_ARRIVED = "staff_arrived"
    UNLOCKED = "unlocked"
    SAFETY_CHECKED = "safety_checked"
    RECEIVING = "receiving"
    PAUSED = "paused"
    FULL = "full"
    CLOSED = "closed"

    @property
    def japanese(self) -> str:
        return JAPANESE[self]

    @property
    def opening(self) -> bool:
        """Being opened: nobody is sent there yet."""
        return self in OPENING


OPENING = frozenset({Stage.PREPARING, Stage.STAFF_ARRIVED, Stage.UNLOCKED, Stage.SAFETY_CHECKED})
OPENING_ORDER = (
    Stage.PREPARING,
    Stage.STAFF_ARRIVED,
    Stage.UNLOCKED,
    Stage.SAFETY_CHECKED,
    Stage.RECEIVING,
)
"""The steps by which a site opens, none of them left out."""
INHABITED = frozenset({Stage.RECEIVING, Stage.PAUSED, Stage.FULL})
"""People may be inside, whether they were counted or not."""

JAPANESE = {
    Stage.UNOPENED: "未開設",
    Stage.PREPARING: "開設準備",
    Stage.STAFF_ARRIVED: "職員到着",
    Stage.UNLOCKED: "解錠",
    Stage.SAFETY_CHECKED: "安全確認",
    Stage.RECEIVING: "受入開始",
    Stage.PAUSED: "一時停止",
    Stage.FULL: "満員",
    Stage.CLOSED: "閉鎖",
}

TRANSITIONS: dict[Stage, tuple[Stage, ...]] = {
    Stage.UNOPENED: (Stage.PREPARING,),
    Stage.PREPARING: (Stage.STAFF_ARRIVED, Stage.CLOSED),
    Stage.STAFF_ARRIVED: (Stage.UNLOCKED, Stage.CLOSED),
    Stage.UNLOCKED: (Stage.SAFETY_CHECKED, Stage.CLOSED),
    Stage.SAFETY_CHECKED: (Stage.RECEIVING, Stage.CLOSED),
    Stage.RECEIVING: (Stage.PAUSED, Stage.FULL, Stage.CLOSED),
    Stage.PAUSED: (Stage.RECEIVING, Stage.FULL, Stage.CLOSED),
    Stage.FULL: (Stage.RECEIVING, Stage.PAUSED, Stage.CLOSED),
    Stage.CLOSED: (Stage.PREPARING,),
}
"""What may follow. No step of an opening can be left out; any of them may be called off."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step of one site. `number` counts a site's steps from 1: a screen names the last one it saw."""

    site: SiteCode
    number: int
    stage: Stage
    at: datetime
    """When it happened, by the clock of whoever did it."""
    by: str
    opens_at: datetime | None = None
    """○時予定, while it is being opened."""
    note: str = ""


class IllegalStep(HubError):
    """The step does not follow from where the shelter stands, or people are inside."""


def check(now: Stage, to: Stage, *, people: int | None) -> None:
    """Whether a shelter may go from `now` to `to` with `people` inside (None: not known).

    Raises:
        IllegalStep: says what stands in the way and what may be done instead.
    """
    if to not in TRANSITIONS[now]:
        nexts = "・".join(stage.japanese for stage in TRANSITIONS[now])
        raise IllegalStep(
            f"いまは「{now.japanese}」です。「{to.japanese}」へは進めません。次にできるのは {nexts} です / "
            f"{to.value} does not follow {now.value}; next may be {', '.join(TRANSITIONS[now])}"
        )
    if to is Stage.CLOSED:
        _check_empty(now, people)


def _check_empty(now: Stage, people: int | None) -> None:
    if people:
        raise IllegalStep(
            f"人がいる間は閉められません（{people}人） / {people} people are inside: it cannot be closed"
        )
    if people is None and now in INHABITED:
        raise IllegalStep(
            "人数が不明なため閉められません。中にだれもいないことを確かめ、0人と報告してください / "
            "The head count is not known: make sure nobody is inside, report 0, then close"
        )
