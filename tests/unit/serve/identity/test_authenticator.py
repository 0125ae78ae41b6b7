from __future__ import annotations

import pytest
from pydantic import SecretStr

from eagleray.contracts.callers import Authentication, Caller, Role
from eagleray.contracts.principals import Principal, name_private_group
from eagleray.errors import AuthenticationError, ExposureError, InputError
from eagleray.setting_groups.serving import AuthSettings
from indexes.storage.local import LocalStore
from serve.identity.authenticator import Authenticator, open_authenticator
from serve.identity.key_records import KeyFacts
from serve.identity.key_store import create_key
from tests.issuers import AUDIENCE, ISSUER, make_claims, make_rsa, sign, write_set

PEPPER = SecretStr("vinegar")


@pytest.fixture
def store(tmp_path):
    return LocalStore(tmp_path / "store")


@pytest.fixture
def key(store):
    def describe(key_id):
        principal = Principal(subject="loader")
        return KeyFacts(
            key_id=key_id, principal=principal, roles=frozenset({Role.WRITER}), created=0, expires=2**62
        )

    return create_key(store, describe, pepper=PEPPER)[0].write()


@pytest.fixture
def open_one(store, clock, tmp_path):
    """Return what opens an authenticator with some settings, at some host."""

    def run(host="127.0.0.1", **chosen):
        (tmp_path / "keys.json").write_bytes(write_set(make_rsa("one")))
        return open_authenticator(AuthSettings(**chosen), store=store, host=host, clock=clock.read())

    return run


@pytest.fixture
def oidc(tmp_path):
    return {"issuer": ISSUER, "audience": AUDIENCE, "key_set": str(tmp_path / "keys.json")}


def refuse(authenticator, credential):
    with pytest.raises(AuthenticationError) as caught:
        authenticator.authenticate(credential)
    return caught.value.reason


def test_keys_and_tokens_are_both_accepted(open_one, oidc, key, clock):
    authenticator = open_one("0.0.0.0", api_keys=True, key_pepper=PEPPER, oidc=oidc)  # noqa: S104 - never listened on
    assert authenticator.authenticate(key).authentication is Authentication.API_KEY
    token = sign(make_rsa("one"), make_claims(clock))
    assert authenticator.authenticate(token).authentication is Authentication.TOKEN
    assert refuse(authenticator, "") == "nothing_shown"


def test_a_server_that_nobody_could_ask_is_not_started(open_one):
    with pytest.raises(InputError, match="no caller could be authenticated: set"):
        open_one()


def test_a_kind_that_is_not_accepted_is_refused(open_one, key, clock, oidc):
    token = sign(make_rsa("one"), make_claims(clock))
    by_keys = open_one(api_keys=True, key_pepper=PEPPER)
    assert [refuse(by_keys, shown) for shown in (token, "Bearer")] == ["kind_not_accepted"] * 2
    assert refuse(open_one(oidc=oidc), key) == "kind_not_accepted"


def test_in_development_nothing_shown_is_enough_but_what_is_shown_must_be_right(open_one, key):
    authenticator = open_one(is_development=True, api_keys=True, key_pepper=SecretStr("other"))
    assert authenticator.authenticate("").authentication is Authentication.DEVELOPMENT
    assert refuse(authenticator, key) == "key_wrong"
    assert refuse(authenticator, " ") == "kind_not_accepted"


def test_none_is_opened_beyond_loopback_without_authentication(open_one):
    with pytest.raises(ExposureError):
        open_one("0.0.0.0")  # noqa: S104 - never listened on


def test_settings_do_not_show_the_pepper():
    assert "vinegar" not in repr(AuthSettings(key_pepper=PEPPER))


class Knows:
    """Takes every credential for a caller of given groups."""

    def __init__(self, *groups):
        principal = Principal(subject="ben", groups=frozenset(groups))
        self.caller = Caller(principal=principal, roles=frozenset(), authentication=Authentication.TOKEN)

    def authenticate(self, text):
        return self.caller


def test_no_credential_claims_the_private_group_of_a_subject():
    for name in ("ann", "ben"):
        authenticator = Authenticator(tokens=Knows("rates", name_private_group(name)))
        assert authenticator.authenticate("token").principal.groups == {"rates"}
