from __future__ import annotations

import gc
import traceback
from dataclasses import replace
from types import FunctionType, ModuleType

import pytest
from pydantic import SecretStr

from eagleray.contracts.callers import Role
from eagleray.contracts.principals import Principal
from eagleray.errors import AuthenticationError, StoreError
from indexes.storage.local import LocalStore
from serve.identity import key_records
from serve.identity.key_checking import KeyChecker
from serve.identity.key_records import KeyFacts
from serve.identity.key_store import create_key, name_record, revoke_key
from serve.identity.key_texts import KeyText, make_key

PEPPER = SecretStr("salt and vinegar")
ANN = Principal(subject="ann", groups=frozenset({"rates"}), zones=frozenset({"eu"}))


class RemoteStore:
    """A local store that says it is a remote one, and notes what is asked of it."""

    def __init__(self, inner, url="s3://bucket/prefix"):
        self._inner, self.url, self.asked, self.is_down = inner, url, [], False

    def read(self, path):
        self._note("read", path)
        return self._inner.read(path)

    def exists(self, path):
        self._note("exists", path)
        return self._inner.exists(path)

    def _note(self, what, path):
        self.asked.append((what, path.split("/")[1]))
        if self.is_down:
            raise StoreError(path=path, detail="down")


@pytest.fixture
def store(tmp_path):
    return LocalStore(tmp_path / "store")


@pytest.fixture
def key(store, clock):
    return make(store, clock)


def make(store, clock, *, days=1):
    now = int(clock.now_s * 1e6)

    def describe(key_id):
        return KeyFacts(
            key_id=key_id,
            principal=ANN,
            roles=frozenset({Role.READER}),
            created=now,
            expires=now + days * 86_400_000_000,
        )

    return create_key(store, describe, pepper=PEPPER)[0]


def open_checker(store, clock, *, cache_s=15.0, pepper=PEPPER):
    return KeyChecker(store, pepper=pepper, cache_s=cache_s, clock=clock.read())


def refuse(checker, text):
    with pytest.raises(AuthenticationError) as caught:
        checker.authenticate(text)
    return caught.value


def make_wrong(key):
    return KeyText(key_id=key.key_id, secret=make_key().secret)


def test_a_key_tells_who_asks(store, clock, key):
    caller = open_checker(store, clock).authenticate(key.write())
    assert (caller.principal, caller.roles, caller.key_id) == (ANN, {Role.READER}, key.key_id)


def test_a_key_is_refused_from_the_moment_it_expires(store, clock, key):
    checker = open_checker(store, clock)
    clock.turn(86_399)
    checker.authenticate(key.write())
    clock.turn(1)
    assert refuse(checker, key.write()).reason == "key_expired"


def test_a_key_that_is_remembered_is_refused_from_the_moment_it_expires(store, clock, key):
    checker = open_checker(RemoteStore(store), clock, cache_s=300)
    clock.turn(86_399)
    checker.authenticate(key.write())
    clock.turn(1)
    assert refuse(checker, key.write()).reason == "key_expired"


def test_every_refusal_looks_the_same_and_says_why_in_the_log_alone(store, clock, key):
    checker = open_checker(store, clock)
    expired, revoked, damaged = (make(store, clock, days=days) for days in (0, 1, 1))
    revoke_key(store, revoked.key_id, now=1)
    store.write(name_record(damaged.key_id), b"{}")
    refusals = {
        "key_malformed": "er_nonsense",
        "key_unknown": make_key().write(),
        "key_wrong": make_wrong(key).write(),
        "key_expired": expired.write(),
        "key_revoked": revoked.write(),
        "key_damaged": damaged.write(),
    }
    errors = {reason: refuse(checker, text) for reason, text in refusals.items()}
    assert {reason: error.reason for reason, error in errors.items()} == {name: name for name in refusals}
    assert {(type(error), str(error), repr(error), str(error.fields)) for error in errors.values()} == {
        (AuthenticationError, str(errors["key_wrong"]), repr(errors["key_wrong"]), "{}")
    }


def test_a_key_made_with_another_pepper_is_refused(store, clock, key):
    assert refuse(open_checker(store, clock, pepper=None), key.write()).reason == "key_wrong"


def test_no_refusal_holds_a_secret(store, clock, key):
    wrong = make_wrong(key)
    for text in (wrong.write(), wrong.write()[:-1]):
        error = refuse(open_checker(store, clock), text)
        shown = "".join(traceback.format_exception(error)) + repr(vars(error))
        assert wrong.secret not in shown
        assert PEPPER.get_secret_value() not in shown


def test_a_wrong_id_takes_the_same_steps_as_a_wrong_secret(store, clock, key, monkeypatch):
    steps = []

    def count(kind, function):
        def counted(*args, **given):
            steps.append(kind)
            return function(*args, **given)

        return counted

    monkeypatch.setattr(key_records, "hash_key", count("hash", key_records.hash_key))
    monkeypatch.setattr(key_records, "unseal", count("unseal", key_records.unseal))
    remote = RemoteStore(store)
    checker = open_checker(remote, clock)
    checker.authenticate(key.write())
    taken = []
    for text in (make_wrong(key).write(), make_key().write(), make_wrong(key).write()):
        steps.clear()
        remote.asked.clear()
        refuse(checker, text)
        taken.append((sorted(steps), list(remote.asked)))
    assert taken == [(["hash", "unseal"], [("read", "records"), ("exists", "revoked")])] * 3


def test_a_local_store_is_asked_at_every_use_so_a_revocation_counts_at_once(store, clock, key):
    checker = open_checker(store, clock, cache_s=300)
    checker.authenticate(key.write())
    revoke_key(store, key.key_id, now=1)
    assert refuse(checker, key.write()).reason == "key_revoked"


def test_a_remote_store_is_asked_again_once_its_word_is_too_old(store, clock, key):
    remote = RemoteStore(store)
    checker = open_checker(remote, clock, cache_s=15)
    checker.authenticate(key.write())
    revoke_key(store, key.key_id, now=1)
    clock.turn(14.9)
    checker.authenticate(key.write())
    assert len(remote.asked) == 2
    clock.turn(0.1)
    assert refuse(checker, key.write()).reason == "key_revoked"
    assert refuse(checker, key.write()).reason == "key_revoked"


def test_a_revocation_while_the_store_answers_slowly_counts_within_the_bound(store, clock, key):
    class Slow(RemoteStore):
        def exists(self, path):
            found = super().exists(path)
            clock.turn(10)
            return found

    checker = open_checker(Slow(store), clock, cache_s=15)
    checker.authenticate(key.write())
    revoke_key(store, key.key_id, now=1)
    clock.turn(5)
    assert refuse(checker, key.write()).reason == "key_revoked"


def test_setting_the_wall_clock_back_does_not_delay_a_revocation(store, clock, key):
    checker = open_checker(RemoteStore(store), clock, cache_s=15)
    checker.authenticate(key.write())
    revoke_key(store, key.key_id, now=1)
    clock.now_s -= 3600
    clock.elapsed_s += 15
    assert refuse(checker, key.write()).reason == "key_revoked"


def test_a_store_that_is_down_lets_nobody_in_beyond_the_bound(store, clock, key):
    remote = RemoteStore(store)
    checker = open_checker(remote, clock, cache_s=15)
    checker.authenticate(key.write())
    remote.is_down = True
    clock.turn(14)
    checker.authenticate(key.write())
    clock.turn(1)
    with pytest.raises(StoreError):
        checker.authenticate(key.write())


def list_held(thing, *, but):
    """Return every text and all bytes that an object holds, however deep, leaving out what is not its own."""
    found, seen, waiting = [], {id(but)}, [thing]
    while waiting:
        item = waiting.pop()
        if id(item) in seen or isinstance(item, type | ModuleType | FunctionType):
            continue
        seen.add(id(item))
        if isinstance(item, str | bytes):
            found.append(item)
        waiting += gc.get_referents(item)
    return found


def test_guesses_are_not_remembered_and_keys_are_not_kept_as_text(store, clock, key):
    remote = RemoteStore(store)
    checker = open_checker(remote, clock)
    checker.authenticate(key.write())
    held = list_held(checker, but=remote)
    assert key.key_id in held
    assert not any(key.secret in str(text) for text in held)
    assert [len(text) for text in held if isinstance(text, bytes)] == [32]
    for _ in range(20):
        refuse(checker, make_key().write())
    assert sorted(map(str, list_held(checker, but=remote))) == sorted(map(str, held))


def test_a_record_given_another_role_by_hand_is_refused(store, clock, key):
    record = key_records.decode_record(store.read(name_record(key.key_id)), name=name_record(key.key_id))
    forged = replace(record, facts=replace(record.facts, roles=frozenset(Role)))
    store.write(name_record(key.key_id), key_records.encode_record(forged, name=name_record(key.key_id)))
    assert refuse(open_checker(store, clock), key.write()).reason == "key_wrong"
