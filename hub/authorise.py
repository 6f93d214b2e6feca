"""Who may do what. Every act of staff passes here, whichever screen or command it came from."""

from enum import StrEnum

import msgspec

from hub.errors import Forbidden


class Role(StrEnum):
    """Held by accounts; a person may hold several. The rights follow the city's departments."""

    COMPOSER = "composer"  # 起案
    APPROVER = "approver"  # 承認
    SHELTERS = "shelters"  # 避難所
    ADMIN = "admin"  # 管理
    VIEWER = "viewer"  # 閲覧


class Action(StrEnum):
    VIEW = "view"
    COMPOSE = "compose"
    APPROVE = "approve"
    STOP = "stop"
    TICK = "tick"
    REPORT_SHELTER = "report_shelter"
    ADMINISTER = "administer"


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody signed in, or the hub itself (`SYSTEM`)."""

    login: str
    name: str
    roles: frozenset[Role]


SYSTEM = Actor(login="yobikake", name="よびかけ", roles=frozenset())
"""The hub, in audit rows of what nobody did by hand. It holds no right."""

RIGHTS: dict[Action, frozenset[Role]] = {
    Action.VIEW: frozenset(Role),
    Action.COMPOSE: frozenset({Role.COMPOSER, Role.APPROVER}),
    Action.APPROVE: frozenset({Role.APPROVER}),
    Action.STOP: frozenset({Role.COMPOSER, Role.APPROVER}),
    Action.TICK: frozenset({Role.COMPOSER, Role.APPROVER}),
    Action.REPORT_SHELTER: frozenset({Role.SHELTERS, Role.COMPOSER, Role.APPROVER}),
    Action.ADMINISTER: frozenset({Role.ADMIN}),
}


def may(actor: Actor, action: Action) -> bool:
    return bool(actor.roles & RIGHTS[action])


def authorise(actor: Actor, action: Action) -> None:
    """Raises `Forbidden` when none of the actor's roles carries the right."""
    if not may(actor, action):
        needed = "、".join(sorted(RIGHTS[action]))
        raise Forbidden(
            f"この操作の権限がありません（必要：{needed}） / You may not do this ({action}); it takes: {needed}"
        )
