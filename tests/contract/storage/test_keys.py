from __future__ import annotations

import threading

import pytest

from eagleray.contracts.callers import Role
from eagleray.contracts.principals import Principal
from eagleray.errors import AuthenticationError
from serve.identity.key_checking import KeyChecker
from serve.identity.key_records import KeyFacts
from serve.identity.key_store import create_key, list_keys, revoke_key
from serve.identity.key_texts import make_key


def describe(key_id):
    principal = Principal(subject="ann", zones=frozenset({"eu"}))
    return KeyFacts(
        key_id=key_id, principal=principal, roles=frozenset({Role.READER}), created=1, expires=2**62
    )


def refuse(checker, text):
    with pytest.raises(AuthenticationError) as caught:
        checker.authenticate(text)
    return caught.value.reason


def test_a_key_lives_and_ends_in_every_kind_of_store(store):
    assert list_keys(store) == []
    key, facts = create_key(store, describe, pepper=None)
    checker = KeyChecker(store, pepper=None, cache_s=0)
    assert checker.authenticate(key.write()) == facts.to_caller()
    assert refuse(checker, make_key().write()) == "key_unknown"
    assert revoke_key(store, key.key_id, now=2)
    assert not revoke_key(store, key.key_id, now=3)
    assert refuse(checker, key.write()) == "key_revoked"
    assert [(state.facts, state.is_revoked) for state in list_keys(store)] == [(facts, True)]


def test_of_those_who_revoke_at_once_in_every_kind_of_store_exactly_one_does(store):
    key, _ = create_key(store, describe, pepper=None)
    gate, outcomes = threading.Barrier(4), []

    def revoke():
        gate.wait()
        outcomes.append(revoke_key(store, key.key_id, now=2))

    threads = [threading.Thread(target=revoke) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [False, False, False, True]
