"""Who may do what, and on which kinds of alert. Every act of staff passes here, whichever screen or command
it came from."""

from enum import StrEnum

import msgspec

from hub.errors import Forbidden
from hub.hazard import Hazard


class Role(StrEnum):
    """Held by accounts; a person may hold several. The rights follow the city's departments."""

    COMPOSER = "composer"  # 起案
    APPROVER = "approver"  # 承認
    SHELTERS = "shelters"  # 避難所
    PHONES = "phones"  # 電話対応
    WELFARE = "welfare"  # 福祉
    ADMIN = "admin"  # 管理
    VIEWER = "viewer"  # 閲覧


class Action(StrEnum):
    VIEW = "view"
    COMPOSE = "compose"
    APPROVE = "approve"
    STOP = "stop"
    TICK = "tick"
    REPORT_SHELTER = "report_shelter"
    INVITE_SHELTER = "invite_shelter"  # links by which a shelter's staff report without an account
    COUNT_CALLS = "count_calls"
    EDIT_ANSWERS = "edit_answers"
    SET_STAGE = "set_stage"  # how far the 災害対策本部 has grown
    CALL_STAFF = "call_staff"  # 参集: call, call again, cancel, end
    ANSWER_FOR = "answer_for"  # write down what somebody said who rang back
    SEE_NEEDS = "see_needs"  # who said by telephone that they cannot get away, or need help; their numbers
    TRY_CALL = "try_call"  # one call to a registered number, so that both know it
    CONFIGURE = "configure"  # on-call list, thresholds, groups of towns
    ADMINISTER = "administer"


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody signed in, or the hub itself (`SYSTEM`)."""

    login: str
    name: str
    roles: frozenset[Role]
    department: str = ""
    """Code of their 課 (`hub.organisation`); empty: of none."""
    hazards: frozenset[Hazard] = frozenset()
    """The kinds of alert that their rights are limited to; empty: not limited."""

    def may_touch(self, hazard: Hazard) -> bool:
        """Whether alerts of this kind are theirs to compose, approve and stop."""
        return not self.hazards or hazard in self.hazards


SYSTEM = Actor(login="yobikake", name="よびかけ", roles=frozenset())
"""The hub, in audit rows of what nobody did by hand. It holds no right."""

RIGHTS: dict[Action, frozenset[Role]] = {
    Action.VIEW: frozenset(Role),
    Action.COMPOSE: frozenset({Role.COMPOSER, Role.APPROVER}),
    Action.APPROVE: frozenset({Role.APPROVER}),
    Action.STOP: frozenset({Role.COMPOSER, Role.APPROVER}),
    Action.TICK: frozenset({Role.COMPOSER, Role.APPROVER}),
    Action.REPORT_SHELTER: frozenset({Role.SHELTERS, Role.COMPOSER, Role.APPROVER}),
    Action.INVITE_SHELTER: frozenset({Role.SHELTERS, Role.APPROVER}),
    Action.COUNT_CALLS: frozenset({Role.PHONES, Role.COMPOSER, Role.APPROVER}),
    Action.EDIT_ANSWERS: frozenset({Role.COMPOSER, Role.APPROVER}),
    Action.SET_STAGE: frozenset({Role.COMPOSER, Role.APPROVER}),
    Action.CALL_STAFF: frozenset({Role.COMPOSER, Role.APPROVER}),
    Action.ANSWER_FOR: frozenset({Role.PHONES, Role.COMPOSER, Role.APPROVER}),
    Action.SEE_NEEDS: frozenset({Role.WELFARE, Role.COMPOSER, Role.APPROVER}),
    Action.TRY_CALL: frozenset({Role.PHONES, Role.WELFARE, Role.COMPOSER, Role.APPROVER}),
    Action.CONFIGURE: frozenset({Role.APPROVER, Role.ADMIN}),
    Action.ADMINISTER: frozenset({Role.ADMIN}),
}


def may(actor: Actor, action: Action) -> bool:
    return bool(actor.roles & RIGHTS[action])


def authorise(actor: Actor, action: Action, hazard: Hazard | None = None) -> None:
    """Raises `Forbidden` when none of the actor's roles carries the right, or it is limited to other kinds of
    alert than `hazard`. What takes no alert gives none."""
    if not may(actor, action):
        needed = "、".join(sorted(RIGHTS[action]))
        raise Forbidden(
            f"この操作の権限がありません（必要：{needed}） / You may not do this ({action}); it takes: {needed}"
        )
    if hazard is not None and not actor.may_touch(hazard):
        own = "、".join(each.japanese for each in Hazard if each in actor.hazards)
        raise Forbidden(
            f"「{hazard.japanese}」はあなたの担当ではありません（担当：{own}）。防災担当に頼んでください / "
            f"Alerts about {hazard} are not yours; yours: {', '.join(sorted(actor.hazards))}. Ask disaster management"
        )
