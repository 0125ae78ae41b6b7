from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import SecretStr

from eagleray.contracts.callers import Authentication, Role
from eagleray.contracts.principals import Principal
from eagleray.errors import IntegrityError
from indexes.snapshots.seals import seal
from serve.identity.key_records import KeyFacts, KeyRecord, decode_record, encode_record, hash_key
from serve.identity.key_texts import make_key

ANN = Principal(subject="ann", groups=frozenset({"rates", "credit"}), zones=frozenset({"eu"}))


@pytest.fixture
def key():
    return make_key()


@pytest.fixture
def facts(key):
    return KeyFacts(
        key_id=key.key_id, principal=ANN, roles=frozenset({Role.READER}), created=1, expires=2, note="n"
    )


@pytest.mark.parametrize("zones", [None, frozenset(), frozenset({"eu", "us"})])
def test_a_record_is_read_back(key, facts, zones):
    facts = replace(facts, principal=replace(ANN, zones=zones))
    record = KeyRecord(facts=facts, hashed=hash_key(key, facts, pepper=None))
    data = encode_record(record, name="a")
    assert decode_record(data, name="a") == record
    assert key.secret.encode() not in data
    with pytest.raises(IntegrityError):
        decode_record(data, name="b")


@pytest.mark.parametrize(
    "change",
    [
        {"roles": frozenset({Role.ADMIN})},
        {"expires": 3},
        {"principal": replace(ANN, zones=None)},
        {"principal": replace(ANN, groups=frozenset())},
        {"key_id": "0" * 16},
        {"collections": frozenset({"notes"})},
    ],
)
def test_a_record_whose_facts_were_changed_no_longer_matches_its_key(key, facts, change):
    hashed = hash_key(key, facts, pepper=None)
    assert KeyRecord(facts=facts, hashed=hashed).matches(key, pepper=None)
    assert not KeyRecord(facts=replace(facts, **change), hashed=hashed).matches(key, pepper=None)


def test_a_record_bounds_its_holder_to_collections(key, facts):
    bound = replace(facts, collections=frozenset({"notes", "bonds"}))
    record = KeyRecord(facts=bound, hashed=hash_key(key, bound, pepper=None))
    read = decode_record(encode_record(record, name="a"), name="a")
    assert read.facts.to_caller().collections == {"notes", "bonds"}
    assert not replace(read, facts=facts).matches(key, pepper=None)


def test_the_facts_of_a_key_that_is_bound_to_none_are_those_of_keys_made_before_there_were_bounds(facts):
    names = {"key_id", "subject", "groups", "zones", "roles", "created", "expires", "note"}
    assert facts.to_json().keys() == names
    assert facts.to_caller().collections is None


def test_a_key_matches_with_its_own_pepper_alone(key, facts):
    pepper = SecretStr("salt and vinegar")
    record = KeyRecord(facts=facts, hashed=hash_key(key, facts, pepper=pepper))
    assert record.matches(key, pepper=pepper)
    assert not record.matches(key, pepper=None)
    assert not record.matches(key, pepper=SecretStr("salt"))
    assert not record.matches(make_key(), pepper=pepper)


def test_a_record_becomes_a_caller(facts):
    caller = facts.to_caller()
    assert caller.principal == ANN
    assert (caller.roles, caller.key_id) == ({Role.READER}, facts.key_id)
    assert caller.authentication is Authentication.API_KEY


@pytest.mark.parametrize("entry", [None, [], {}, {"facts": {}, "hash": ""}, {"facts": None, "hash": ""}])
def test_sealed_bytes_that_are_no_record_are_damage(entry):
    with pytest.raises(IntegrityError, match="a key's record"):
        decode_record(seal(entry, name="a"), name="a")


def test_the_hash_is_not_shown(key, facts):
    record = KeyRecord(facts=facts, hashed=hash_key(key, facts, pepper=None))
    assert record.hashed not in repr(record)
