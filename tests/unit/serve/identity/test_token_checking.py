from __future__ import annotations

import base64
import hashlib
import hmac
import json
import traceback

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from joserfc import jws

from eagleray.contracts.callers import Authentication, Role
from eagleray.errors import AuthenticationError
from eagleray.setting_groups.serving import OidcSettings
from serve.identity.key_set_following import Ages, KeySetFollower
from serve.identity.token_checking import TokenChecker
from tests.issuers import (
    AUDIENCE,
    EVERY,
    ISSUER,
    SETTINGS,
    make_claims,
    make_curve,
    make_rsa,
    sign,
    write_set,
)

AGES = Ages(min_interval_s=30, max_age_s=600, max_stale_s=3600)


class Fetches:
    """Gives a key set, and counts."""

    def __init__(self, data):
        self.data, self.n = data, 0

    def __call__(self):
        self.n += 1
        return self.data


@pytest.fixture
def fetch():
    return Fetches(write_set(make_rsa("one"), make_curve("two")))


@pytest.fixture
def checker(fetch, clock):
    return open_checker(fetch, clock)


def open_checker(fetch, clock, **changes):
    chosen = OidcSettings(**(SETTINGS.model_dump() | changes))
    return TokenChecker(chosen, KeySetFollower(fetch, AGES, clock.read()), clock.read())


def refuse(checker, text):
    with pytest.raises(AuthenticationError) as caught:
        checker.authenticate(text)
    assert str(caught.value) == "authentication failed: expected a valid API key or token"
    assert caught.value.fields == {}
    return caught.value.reason


def encode(value):
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.mark.parametrize(
    ("key", "algorithm", "kid"),
    [
        (make_rsa("one"), "RS256", "one"),
        (make_rsa("one"), "PS256", "one"),
        (make_curve("two"), "ES256", "two"),
    ],
    ids=["RS256", "PS256", "ES256"],
)
def test_a_token_tells_who_asks(checker, clock, key, algorithm, kid):
    caller = checker.authenticate(sign(key, make_claims(clock), algorithm=algorithm, kid=kid))
    assert caller.principal.subject == "ann"
    assert caller.principal.groups == {"rates", "credit desk"}
    assert caller.principal.zones == {"eu", "us"}
    assert caller.roles == {Role.READER}
    assert (caller.authentication, caller.key_id) == (Authentication.TOKEN, kid)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": "https://id.bank.example/"}, "token_invalid_claim_iss"),
        ({"iss": [ISSUER]}, "token_invalid_claim_iss"),
        ({"iss": None}, "token_missing_claim_iss"),
        ({"aud": "other"}, "token_invalid_claim_aud"),
        ({"aud": ["other", "another"]}, "token_invalid_claim_aud"),
        ({"aud": []}, "token_invalid_claim_aud"),
        ({"aud": {AUDIENCE: 1}}, "token_invalid_claim_aud"),
        ({"aud": "eagleray-admin"}, "token_invalid_claim_aud"),
        ({"aud": None}, "token_missing_claim_aud"),
        ({"sub": None}, "token_missing_claim_sub"),
        ({"sub": ""}, "token_invalid_claim_sub"),
        ({"sub": 5}, "token_invalid_claim_sub"),
        ({"exp": None}, "token_missing_claim_exp"),
        ({"exp": "tomorrow"}, "token_invalid_claim_exp"),
        ({"exp": True}, "token_invalid_claim_exp"),
        ({"exp": float("nan")}, "token_malformed"),
        ({"iat": None}, "token_missing_claim_iat"),
        ({"groups": 5}, "token_claim_malformed"),
        ({"groups": ["rates", 5]}, "token_claim_malformed"),
        ({"zones": {"eu": 1}}, "token_claim_malformed"),
        ({"roles": [""]}, "token_claim_malformed"),
    ],
)
def test_a_token_with_another_claim_is_refused(checker, clock, changes, reason):
    assert refuse(checker, sign(make_rsa("one"), make_claims(clock, **changes))) == reason


def test_an_audience_may_be_one_of_several(checker, clock):
    token = sign(make_rsa("one"), make_claims(clock, aud=["other", AUDIENCE]))
    assert checker.authenticate(token).principal.subject == "ann"


def test_times_are_held_with_the_leeway_and_no_longer(checker, clock):
    now = int(clock.now_s)
    token = sign(make_rsa("one"), make_claims(clock, exp=now + 10))
    clock.turn(69)
    checker.authenticate(token)
    clock.turn(1)
    assert refuse(checker, token) == "token_expired"


@pytest.mark.parametrize("claim", ["nbf", "iat"])
def test_a_token_of_the_future_is_refused_until_the_leeway_reaches_it(checker, clock, claim):
    token = sign(make_rsa("one"), make_claims(clock, **{claim: int(clock.now_s) + 61}))
    assert refuse(checker, token) == f"token_invalid_claim_{claim}"
    clock.turn(1)
    checker.authenticate(token)


def test_a_token_that_was_changed_anywhere_is_refused(checker, clock):
    head, body, signature = sign(make_rsa("one"), make_claims(clock)).split(".")
    other = encode(make_claims(clock, sub="bob", roles=["admin"]))
    assert refuse(checker, f"{head}.{other}.{signature}") == "token_signature_wrong"
    flipped = ("A" if signature[0] != "A" else "B") + signature[1:]
    assert refuse(checker, f"{head}.{body}.{flipped}") == "token_signature_wrong"
    assert refuse(checker, f"{head}.{body}.") == "token_signature_wrong"
    assert refuse(checker, f"{encode({'alg': 'PS256', 'kid': 'one'})}.{body}.{signature}") == (
        "token_signature_wrong"
    )


def test_a_token_of_a_stranger_with_the_issuers_key_id_is_refused(checker, clock):
    assert refuse(checker, sign(make_rsa("stranger"), make_claims(clock))) == "token_signature_wrong"


@pytest.mark.parametrize(
    "name", ["none", "None", "NONE", "", "HS256", "HS512", "RS384", "rs256", None, ["RS256"]]
)
def test_an_algorithm_that_was_not_set_is_refused_before_any_key_is_looked_for(checker, clock, fetch, name):
    body = encode(make_claims(clock))
    for signature in ("", "AAAA"):
        token = f"{encode({'alg': name, 'kid': 'unknown'})}.{body}.{signature}"
        assert refuse(checker, token) == "token_algorithm_refused"
    assert fetch.n == 0


@pytest.mark.parametrize("form", ["pem", "jwk"])
def test_a_public_key_is_no_shared_secret(checker, clock, form):
    key = make_rsa("one")
    public = key.as_pem(private=False) if form == "pem" else json.dumps(key.as_dict(private=False)).encode()
    signed = f"{encode({'alg': 'HS256', 'kid': 'one'})}.{encode(make_claims(clock))}"
    signature = hmac.new(public, signed.encode(), hashlib.sha256).digest()
    assert refuse(checker, f"{signed}.{encode(signature)}") == "token_algorithm_refused"


def test_a_key_is_not_taken_for_a_signature_of_another_kind(checker, clock):
    token = sign(make_curve("two"), make_claims(clock), algorithm="ES256", kid="one")
    assert refuse(checker, token) == "token_key_unknown"
    token = sign(make_rsa("one"), make_claims(clock), kid="two")
    assert refuse(checker, token) == "token_key_unknown"


def test_a_key_that_the_token_brings_along_or_points_to_is_not_used(checker, clock):
    stranger = make_rsa("stranger")
    for header in ({"jwk": stranger.as_dict(private=False)}, {"jku": "https://evil.example/keys"}):
        head = {"alg": "RS256", "kid": "one"} | header
        body = sign(stranger, make_claims(clock)).split(".")[1]
        signed = f"{encode(head)}.{body}"
        signature = stranger.private_key.sign(signed.encode(), *_rs256())
        assert refuse(checker, f"{signed}.{encode(signature)}") in (
            "token_signature_wrong",
            "token_malformed",
        )


def _rs256():
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256

    return PKCS1v15(), SHA256()


@pytest.mark.parametrize(
    "header", [{"typ": "logout+jwt"}, {"typ": 5}, {"crit": ["exp"], "exp": 1}, {"b64": True}]
)
def test_a_token_of_another_kind_is_refused(checker, clock, header):
    claims = make_claims(clock)
    head = {"alg": "RS256", "kid": "one", "typ": "JWT"} | header
    signed = f"{encode(head)}.{encode(claims)}"
    token = f"{signed}.{encode(make_rsa('one').private_key.sign(signed.encode(), *_rs256()))}"
    assert refuse(checker, token) == "token_of_another_kind"


@pytest.mark.parametrize("header", [{"typ": "at+jwt"}, {"typ": None}, {"nonce": "x"}])
def test_a_token_with_a_usual_header_is_taken(checker, clock, header):
    token = sign(make_rsa("one"), make_claims(clock), **header)
    assert checker.authenticate(token).key_id == "one"


def test_a_token_that_names_no_key_is_checked_with_the_only_one_that_fits(checker, fetch, clock):
    token = sign(make_rsa("one"), make_claims(clock), kid=None)
    assert checker.authenticate(token).key_id == "one"
    fetch.data = write_set(make_rsa("one"), make_rsa("three"))
    assert refuse(open_checker(fetch, clock), token) == "token_key_unknown"


def test_a_token_of_a_new_key_is_taken_after_rotation_and_of_the_old_one_refused(checker, fetch, clock):
    old = sign(make_rsa("one"), make_claims(clock, exp=int(clock.now_s) + 10_000))
    checker.authenticate(old)
    fetch.data = write_set(make_rsa("three"))
    clock.turn(30)
    checker.authenticate(sign(make_rsa("three"), make_claims(clock), kid="three"))
    assert refuse(checker, old) == "token_key_unknown"
    assert fetch.n == 2


def test_what_a_token_does_not_say_is_not_granted(checker, clock):
    caller = checker.authenticate(
        sign(make_rsa("one"), make_claims(clock, groups=None, zones=None, roles=None))
    )
    assert (caller.principal.groups, caller.principal.zones, caller.roles) == (set(), set(), set())


def test_a_token_without_roles_makes_a_reader_only_where_the_setting_says_so(fetch, clock):
    checker = open_checker(fetch, clock, is_reader_by_default=True)
    key = make_rsa("one")
    assert checker.authenticate(sign(key, make_claims(clock, roles=None))).roles == {Role.READER}
    assert checker.authenticate(sign(key, make_claims(clock, roles=[]))).roles == set()
    assert checker.authenticate(sign(key, make_claims(clock, roles="king writer"))).roles == {Role.WRITER}
    assert checker.authenticate(sign(key, make_claims(clock, roles="READER"))).roles == set()


def test_a_claim_bounds_its_bearer_to_collections_where_one_is_named(fetch, clock):
    for name, claims, seen in (
        ("", {"c": "notes"}, None),
        ("c", {"c": "notes bonds"}, {"notes", "bonds"}),
        ("c", {"c": ["notes"]}, {"notes"}),
        ("c", {}, set()),
    ):
        checker = open_checker(fetch, clock, collections_claim=name)
        caller = checker.authenticate(sign(make_rsa("one"), make_claims(clock, **claims)))
        assert caller.collections == seen


def test_claims_have_the_names_that_are_set_and_zones_may_play_no_part(fetch, clock):
    checker = open_checker(
        fetch, clock, groups_claim="https://bank.example/groups", roles_claim="r", zones_claim=""
    )
    claims = make_claims(clock, **{"https://bank.example/groups": "a b", "r": "admin"})
    caller = checker.authenticate(sign(make_rsa("one"), claims))
    assert (caller.principal.groups, caller.principal.zones, caller.roles) == ({"a", "b"}, None, {Role.ADMIN})


def test_claims_that_are_no_object_are_refused(checker):
    for payload in (b"[]", b"null", b"", b"\xff", b"[" * 12_000):
        signed = f"{encode({'alg': 'RS256', 'kid': 'one'})}.{encode(payload)}"
        token = f"{signed}.{encode(make_rsa('one').private_key.sign(signed.encode(), *_rs256()))}"
        assert refuse(checker, token) == "token_malformed"


@given(
    text=st.one_of(
        st.text(),
        st.from_regex(r"[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*", fullmatch=True),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.sampled_from(["alg", "RS256", "kid", "one"]),
            lambda inner: (
                st.lists(inner)
                | st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "b64"]), inner)
            ),
        ).map(lambda header: f"{encode(header)}.e30.AAAA"),
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
def test_whatever_is_sent_gets_the_one_refusal(checker, text):
    refuse(checker, text)


def test_a_text_without_end_is_refused(checker):
    assert refuse(checker, "a" * 1_000_000) == "token_malformed"


def test_a_token_of_many_groups_is_taken_up_to_a_length(checker, clock):
    for n_groups, is_taken in ((1_400, True), (1_700, False)):
        claims = make_claims(clock, groups=[f"group-{number:06d}" for number in range(n_groups)])
        token = sign(make_rsa("one"), claims)
        assert (len(token) <= 32_768) == is_taken
        if is_taken:
            assert len(checker.authenticate(token).principal.groups) == n_groups
        else:
            assert refuse(checker, token) == "token_malformed"


def test_no_refusal_holds_the_token(checker, clock):
    good = sign(make_rsa("one"), make_claims(clock, exp=1))
    head, body, signature = good.split(".")
    for text in (good, f"{head}.{body}.AAAA", f"{head}.{body}", f"{head[1:]}.{body}.{signature}"):
        with pytest.raises(AuthenticationError) as caught:
            checker.authenticate(text)
        shown = "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value))
        assert body not in shown
        assert signature not in shown


@pytest.mark.parametrize("names", ["none", "HS256", "RS256 HS256", "EdDSA", "", " "])
def test_settings_refuse_algorithms_of_shared_secrets(names):
    with pytest.raises(ValueError, match="expected some of ES256"):
        OidcSettings(algorithms=names)


@pytest.mark.parametrize("missing", ["issuer", "audience", "key_set"])
def test_settings_refuse_an_issuer_by_half(missing):
    whole = {"issuer": ISSUER, "audience": AUDIENCE, "key_set": "keys.json"}
    with pytest.raises(ValueError, match="together, or none"):
        OidcSettings(**(whole | {missing: ""}))


ODD = {
    "nan": "NaN",
    "infinite": "1e400",
    "huge": "1" * 5_000,
    "true": "true",
    "nul": '"a\\u0000b"',
    "half-a-pair": '"\\ud800"',
    "controls": '"a\\u001b[31m"',
    "deep": "[" * 900 + "]" * 900,
    "long": '"' + "x" * 2_000 + '"',
    "object": "{}",
    "mixed": '["a", 1]',
    "list-of-nul": '["a\\u0000"]',
    "list-of-half": '["\\ud800"]',
}


@pytest.mark.parametrize("claim", ["sub", "exp", "iat", "nbf", "iss", "aud", "groups", "zones", "roles"])
@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_a_signed_token_with_an_odd_claim_is_refused(checker, clock, claim, odd):
    payload = json.dumps(make_claims(clock, **{claim: "@"})).replace('"@"', odd)
    refuse(checker, sign_bytes(payload.encode()))


def test_claims_are_read_one_way_alone(checker, clock):
    plain = json.dumps(make_claims(clock))
    assert checker.authenticate(sign_bytes(plain.encode())).principal.subject == "ann"
    for odd in (
        plain.encode("utf-16"),
        plain.encode("utf-16-le"),
        b"\xef\xbb\xbf" + plain.encode(),
        plain[:-1].encode() + b', "sub": "ben"}',
        b"\xff" + plain.encode(),
        plain.encode() + b"x",
        b"[" * 20_000,
        b"",
    ):
        assert refuse(checker, sign_bytes(odd)) == "token_malformed"


@pytest.mark.parametrize("word", ["alg", "kid", "typ", "crit", "b64"])
@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_a_token_with_an_odd_header_is_refused(checker, clock, word, odd):
    _, payload, signature = sign(make_rsa("one"), make_claims(clock)).split(".")
    header = json.dumps({"alg": "RS256", "typ": "JWT", "kid": "one", word: "@"}).replace('"@"', odd)
    refuse(checker, f"{encode(header.encode())}.{payload}.{signature}")
    for other in (header.encode("utf-16"), b"\xff\xfe\x00", b"[" * 20_000, b"[]", b""):
        refuse(checker, f"{encode(other)}.{payload}.{signature}")


def sign_bytes(payload):
    """Return a token of the issuer with bytes in the place of claims."""
    registry = jws.JWSRegistry(algorithms=EVERY, strict_check_header=False)
    words = {"alg": "RS256", "typ": "JWT", "kid": "one"}
    return jws.serialize_compact(words, payload, make_rsa("one"), algorithms=EVERY, registry=registry)
