from __future__ import annotations

import multiprocessing
import threading
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import pytest

from eagleray.contracts.callers import Role
from eagleray.contracts.principals import Principal
from eagleray.errors import InputError, StoreError
from indexes.storage.local import LocalStore
from serve.identity.key_records import KeyFacts
from serve.identity.key_store import create_key, is_revoked, list_keys, read_record, revoke_key
from serve.identity.key_texts import KeyText, make_key


@pytest.fixture
def store(tmp_path):
    return LocalStore(tmp_path / "store")


def describe(key_id, *, created=1):
    principal = Principal(subject="ann", zones=frozenset())
    return KeyFacts(
        key_id=key_id, principal=principal, roles=frozenset({Role.READER}), created=created, expires=100
    )


def create(store, **given):
    return create_key(store, describe, pepper=None, **given)


def create_and_revoke_one(root, n_keys):
    """Make keys and revoke the first, in a process of its own; return their ids."""
    store = LocalStore(root)
    ids = [create(store)[0].key_id for _ in range(n_keys)]
    revoke_key(store, ids[0], now=5)
    return ids


def test_a_key_is_kept_without_its_secret(store, tmp_path):
    key, facts = create(store)
    assert read_record(store, key.key_id).facts == facts
    assert read_record(store, key.key_id).matches(key, pepper=None)
    kept = [path for path in (tmp_path / "store").rglob("*") if path.is_file()]
    assert [path.name for path in kept] == [f"{key.key_id}.json"]
    assert key.secret not in kept[0].read_text()


def test_an_id_that_is_taken_is_not_taken_over(store):
    first, second = make_key(), make_key()
    create(store, make=lambda: first)
    rival = KeyText(key_id=first.key_id, secret=second.secret)
    offered = iter([rival, second])
    assert create(store, make=lambda: next(offered))[0] == second
    assert read_record(store, first.key_id).matches(first, pepper=None)
    with pytest.raises(StoreError, match="taken"):
        create(store, make=lambda: rival)


def test_a_revocation_stays_and_its_repetition_changes_nothing(store):
    key, _ = create(store)
    assert not is_revoked(store, key.key_id)
    assert revoke_key(store, key.key_id, now=5)
    assert not revoke_key(store, key.key_id, now=6)
    assert is_revoked(store, key.key_id)
    assert store.read(f"_keys/revoked/{key.key_id}.json") == b'{"revoked":5}'


def test_a_key_that_is_not_there_cannot_be_revoked(store):
    with pytest.raises(InputError, match="there is no key 0000000000000000; `eagleray keys list`"):
        revoke_key(store, "0" * 16, now=5)


def test_a_whole_key_given_for_its_id_is_not_repeated(store):
    key, _ = create(store)
    with pytest.raises(InputError, match="expected a key's id") as caught:
        revoke_key(store, key.write(), now=5)
    assert key.secret not in f"{caught.value!r} {caught.value.fields}"
    assert not is_revoked(store, key.key_id)


def test_keys_are_listed_oldest_first_with_those_revoked(store):
    made = [
        create_key(store, partial(describe, created=created), pepper=None)[0].key_id for created in (3, 1, 2)
    ]
    revoke_key(store, made[2], now=5)
    assert [(state.facts.key_id, state.is_revoked) for state in list_keys(store)] == [
        (made[1], False),
        (made[2], True),
        (made[0], False),
    ]


def test_a_store_without_keys_has_none(store):
    assert list_keys(store) == []


def test_of_threads_that_revoke_at_once_exactly_one_does(store):
    for _ in range(5):
        key, _ = create(store)
        gate, outcomes = threading.Barrier(6), []

        def revoke(gate=gate, outcomes=outcomes, key_id=key.key_id):
            gate.wait()
            outcomes.append(revoke_key(store, key_id, now=5))

        threads = [threading.Thread(target=revoke) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcomes) == [False] * 5 + [True]
        assert is_revoked(store, key.key_id)


def test_processes_that_make_and_revoke_at_once_lose_nothing(store, tmp_path):
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        made = list(pool.map(create_and_revoke_one, [tmp_path / "store"] * 2, [10, 10]))
    assert {state.facts.key_id for state in list_keys(store)} == set(made[0]) | set(made[1])
    revoked = {state.facts.key_id for state in list_keys(store) if state.is_revoked}
    assert revoked == {made[0][0], made[1][0]}
