"""Who may do what."""

import pytest

from hub.authorise import RIGHTS, SYSTEM, Action, Actor, Role, authorise, may
from hub.errors import Forbidden
from hub.hazard import Hazard


def holding(*roles: Role) -> Actor:
    return Actor(login="a", name="a", roles=frozenset(roles))


MAY: dict[Role, set[Action]] = {
    Role.VIEWER: {Action.VIEW},
    Role.SHELTERS: {Action.VIEW, Action.REPORT_SHELTER, Action.INVITE_SHELTER},
    Role.PHONES: {Action.VIEW, Action.COUNT_CALLS, Action.ANSWER_FOR, Action.TRY_CALL},
    Role.WELFARE: {Action.VIEW, Action.SEE_NEEDS, Action.TRY_CALL},
    Role.ADMIN: {Action.VIEW, Action.CONFIGURE, Action.ADMINISTER},
    Role.COMPOSER: {
        Action.VIEW,
        Action.COMPOSE,
        Action.STOP,
        Action.TICK,
        Action.REPORT_SHELTER,
        Action.COUNT_CALLS,
        Action.EDIT_ANSWERS,
        Action.SET_STAGE,
        Action.CALL_STAFF,
        Action.ANSWER_FOR,
        Action.SEE_NEEDS,
        Action.TRY_CALL,
    },
    Role.APPROVER: set(Action) - {Action.ADMINISTER},
}


@pytest.mark.parametrize("role", Role)
def test_each_role_has_its_rights_and_no_others(role: Role) -> None:
    assert {action for action in Action if may(holding(role), action)} == MAY[role]


def test_rights_add_up() -> None:
    both = holding(Role.ADMIN, Role.SHELTERS)
    assert {action for action in Action if may(both, action)} == MAY[Role.ADMIN] | MAY[Role.SHELTERS]


def test_whoever_runs_the_machines_sends_nothing() -> None:
    for action in (Action.COMPOSE, Action.APPROVE, Action.STOP):
        with pytest.raises(Forbidden):
            authorise(holding(Role.ADMIN), action)


@pytest.mark.parametrize("actor", [SYSTEM, holding()])
@pytest.mark.parametrize("action", Action)
def test_without_a_role_there_is_no_right(actor: Actor, action: Action) -> None:
    with pytest.raises(Forbidden):
        authorise(actor, action)


def test_every_action_says_whom_it_takes() -> None:
    assert RIGHTS.keys() == set(Action)
    with pytest.raises(Forbidden, match=r"権限がありません.*approver"):
        authorise(holding(Role.COMPOSER), Action.APPROVE)


def test_a_right_may_be_limited_to_kinds_of_alert() -> None:
    waterworks = Actor(
        login="a", name="a", roles=frozenset({Role.APPROVER}), hazards=frozenset({Hazard.WATER})
    )
    for action in (Action.COMPOSE, Action.APPROVE, Action.STOP):
        authorise(waterworks, action, Hazard.WATER)
        authorise(holding(Role.APPROVER), action, Hazard.FLOOD)
        with pytest.raises(
            Forbidden, match=r"「洪水」はあなたの担当ではありません（担当：断水・給水）.*flood are not yours"
        ):
            authorise(waterworks, action, Hazard.FLOOD)
    with pytest.raises(Forbidden, match="権限がありません"):
        authorise(waterworks, Action.ADMINISTER, Hazard.WATER)
