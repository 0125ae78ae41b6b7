from __future__ import annotations

import pytest

from eagleray.contracts.callers import ALLOWED, Action, Authentication, Caller, Role
from eagleray.contracts.principals import Principal

TABLE = {
    "reader": {"inspect", "search", "ask"},
    "writer": {"inspect", "operate", "ingest"},
    "publisher": {"inspect", "operate", "examine", "publish"},
    "auditor": {"inspect", "operate", "examine", "read_audit"},
    "admin": {"inspect", "operate", "administer"},
}


def make_caller(*roles):
    return Caller(
        principal=Principal(subject="ann"), roles=frozenset(roles), authentication=Authentication.API_KEY
    )


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("action", Action)
def test_a_role_allows_what_the_table_says_and_nothing_else(role, action):
    assert make_caller(role).may(action) == (action.value in TABLE[role.value])


def test_a_caller_without_roles_may_do_nothing():
    assert [action for action in Action if make_caller().may(action)] == []


@pytest.mark.parametrize("role", Role)
def test_whoever_may_search_may_ask_and_nobody_else(role):
    assert make_caller(role).may(Action.ASK) == make_caller(role).may(Action.SEARCH)


def test_roles_add_up():
    caller = make_caller(Role.WRITER, Role.AUDITOR)
    assert {action for action in Action if caller.may(action)} == {
        Action.INSPECT,
        Action.OPERATE,
        Action.EXAMINE,
        Action.INGEST,
        Action.READ_AUDIT,
    }


def test_every_action_is_allowed_to_somebody_and_the_table_cannot_be_changed():
    assert frozenset().union(*ALLOWED.values()) == frozenset(Action)
    with pytest.raises(TypeError):
        ALLOWED[Role.READER] = frozenset(Action)
