"""Approval: what the second person states, and whether it lets a draft go (I10)."""

from datetime import datetime, timedelta

import msgspec

from hub.authorise import Action, Actor, authorise, may
from hub.draft import Draft
from hub.errors import BadInput, Conflict, Forbidden, Refused
from hub.evacuation import Level

ALONE_AFTER = timedelta(minutes=3)
"""How long somebody else is given to answer before an author may send alone."""


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """What the second person states. `typed` is the level's digit they typed (no level: None).

    `break_glass`: an author sends alone, with this reason; logged, and everyone is paged (I10).
    """

    draft: str
    version: int
    typed: Level | None
    break_glass: str | None = None

    @property
    def breaks_glass(self) -> bool:
        """A reason of blanks is none."""
        return bool(self.break_glass and self.break_glass.strip())


def may_send(draft: Draft, approval: Approval, actor: Actor) -> None:
    """Raises `Forbidden` when the actor's roles do not carry the right, or not for this kind of alert."""
    right = Action.COMPOSE if approval.breaks_glass else _right(draft)
    authorise(actor, right, draft.message.hazard)


def may_approve(actor: Actor, draft: Draft) -> bool:
    """Whether they may send it without breaking glass: as the second person, by its authors as they stand now; and
    what needs none, as whoever may compose it."""
    theirs = actor.login not in draft.authors or not draft.message.needs_approval()
    return theirs and may(actor, _right(draft)) and actor.may_touch(draft.message.hazard)


def _right(draft: Draft) -> Action:
    return Action.APPROVE if draft.message.needs_approval() else Action.COMPOSE


def alone_from(draft: Draft) -> datetime | None:
    """From when on an author may send it alone: level 5 at once, everything else once somebody else has had
    `ALONE_AFTER` to answer. None: it waits for nobody yet.

    It counts from the submission of this version and from nothing else: since then everybody who may approve
    could have. Asking somebody else meanwhile, or paging those on call, starts it neither anew nor earlier, or an
    author could be kept waiting for ever, or not at all.
    """
    if draft.submitted_at is None:
        return None
    at_once = draft.message.level is Level.SECURE_LIFE
    return draft.submitted_at if at_once else draft.submitted_at + ALONE_AFTER


def check(draft: Draft, approval: Approval, actor: Actor, *, now: datetime) -> None:
    """The approval is of this draft as it stands, by somebody who may give it.

    Raises:
        Conflict: the draft changed since it was read.
        Forbidden: an author approves without breaking glass, or somebody else breaks it.
        Refused: the glass is broken before anybody could have answered (`alone_from`).
        BadInput: the typed digit is not the level.
    """
    if draft.version != approval.version:
        raise Conflict(
            "ほかの人が先に変更しました。新しい内容を確認してください / Someone changed this. Review the new version"
        )
    is_author = actor.login in draft.authors
    if approval.breaks_glass and not is_author:
        raise Forbidden(
            "1人で配信できるのは、作成した人だけです / Only an author of this draft can send it alone"
        )
    if is_author and draft.message.needs_approval() and not approval.breaks_glass:
        raise Forbidden("作成した人は承認できません / The author cannot approve")
    opens = alone_from(draft)
    if approval.breaks_glass and opens is not None and now < opens:
        seconds = -int((now - opens).total_seconds() // 1)
        raise Refused(
            f"提出から3分はほかの人を待ちます。あと{seconds}秒で1人で配信できます。レベル5は待ちません / "
            f"Others are given 3 minutes to answer: {seconds} s to go. Level 5 does not wait"
        )
    if approval.typed != draft.message.level:
        raise BadInput("$.typed", wrong_level(draft.message.level))


def wrong_level(level: Level | None) -> str:
    shown = "なし" if level is None else int(level)
    return f"入力した数字がレベルと違います（提出はレベル{shown}） / The digit does not match (submitted level is {shown})"
