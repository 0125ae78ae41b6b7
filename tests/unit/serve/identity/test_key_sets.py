from __future__ import annotations

import json

import pytest
from joserfc.jwk import OctKey

from serve.identity.key_sets import parse_key_set, pick_key
from tests.issuers import make_curve, make_rsa, write_set

RSA = {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}


def pick(keys, kid, algorithm):
    found = pick_key(keys, key_id=kid, algorithm=algorithm)
    return None if found is None else found.key_id


def test_a_key_is_for_the_signatures_of_its_kind_and_curve():
    keys = parse_key_set(write_set(make_rsa("r"), make_curve("a"), make_curve("b", "P-384")))
    assert [(key.key_id, set(key.algorithms)) for key in keys] == [
        ("r", RSA),
        ("a", {"ES256"}),
        ("b", {"ES384"}),
    ]


def test_a_key_that_names_its_algorithm_is_for_that_one_alone():
    (key,) = parse_key_set(write_set(make_rsa("r"), alg="PS256"))
    assert key.algorithms == {"PS256"}
    assert parse_key_set(write_set(make_curve("a"), alg="RS256")) == ()
    assert parse_key_set(write_set(make_rsa("r"), alg="HS256")) == ()


@pytest.mark.parametrize(
    "words",
    [
        {"use": "enc"},
        {"key_ops": ["sign"]},
        {"key_ops": "verify"},
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kty": "OKP"},
        {"kty": None},
        {"n": "!!"},
        {"n": 5},
        {"e": "AQ"},
        {"kid": 5},
        {"d": "AQAB"},
    ],
)
def test_a_key_that_is_not_for_this_is_passed_over_and_the_rest_is_taken(words):
    good = make_rsa("good").as_dict(private=False)
    keys = parse_key_set(json.dumps({"keys": [{**good, "kid": "bad", **words}, good, None]}).encode())
    assert [key.key_id for key in keys] == ["good"]


def test_a_shared_secret_a_private_key_and_a_short_key_are_passed_over():
    private = make_rsa("r").as_dict(private=True)
    secret = OctKey.generate_key(256).as_dict()
    short = {**make_rsa("r").as_dict(private=False), "n": "AQAB" * 40}
    assert parse_key_set(json.dumps({"keys": [private, secret, short]}).encode()) == ()


@pytest.mark.parametrize("data", [b"", b"<html>", b"[]", b'{"keys": {}}', b"\xff", b"[" * 100_000, b"{}"])
def test_what_is_no_key_set_is_refused(data):
    with pytest.raises(ValueError):
        parse_key_set(data)


def test_a_token_that_names_no_key_gets_the_only_one_that_fits():
    keys = parse_key_set(write_set(make_rsa("r"), make_curve("a")))
    assert (pick(keys, "", "PS256"), pick(keys, "", "ES256")) == ("r", "a")
    assert pick(keys, "r", "ES256") is None
    two = parse_key_set(write_set(make_rsa("r"), make_rsa("s")))
    assert (pick(two, "", "RS256"), pick(two, "s", "RS256")) == (None, "s")


def test_an_id_that_two_keys_share_names_neither():
    keys = parse_key_set(write_set(make_rsa("r"), make_rsa("s"), kid="same"))
    assert pick(keys, "same", "RS256") is None
