"""Approval: what the second person states, and whether it lets a draft go (I10)."""

import msgspec

from hub.authorise import Action, Actor, authorise
from hub.draft import Draft
from hub.errors import BadInput, Conflict, Forbidden
from hub.evacuation import Level


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
    """Raises `Forbidden` when the actor's roles do not carry the right."""
    alone = approval.breaks_glass or not draft.message.needs_approval()
    authorise(actor, Action.COMPOSE if alone else Action.APPROVE)


def check(draft: Draft, approval: Approval, actor: Actor) -> None:
    """The approval is of this draft as it stands, by somebody who may give it.

    Raises:
        Conflict: the draft changed since it was read.
        Forbidden: an author approves without breaking glass, or somebody else breaks it.
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
    if approval.typed != draft.message.level:
        level = "なし" if draft.message.level is None else int(draft.message.level)
        raise BadInput(
            "$.typed",
            f"入力した数字がレベルと違います（提出はレベル{level}） / The digit does not match (submitted level is {level})",
        )
