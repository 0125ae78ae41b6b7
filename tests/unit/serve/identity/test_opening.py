from __future__ import annotations

import pytest
from pydantic import SecretStr

from eagleray.contracts.callers import Authentication, Role
from eagleray.contracts.principals import Principal
from eagleray.errors import AuthenticationError, ExposureError
from eagleray.setting_groups.serving import AuthSettings
from indexes.storage.local import LocalStore
from serve.identity.key_records import KeyFacts
from serve.identity.key_store import create_key
from serve.identity.opening import open_authenticator
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
def open_door(store, clock, tmp_path):
    """Return what opens an authenticator with some settings, at some host."""

    def open_one(host="127.0.0.1", **chosen):
        (tmp_path / "keys.json").write_bytes(write_set(make_rsa("one")))
        return open_authenticator(AuthSettings(**chosen), store=store, host=host, clock=clock.read())

    return open_one


@pytest.fixture
def oidc(tmp_path):
    return {"issuer": ISSUER, "audience": AUDIENCE, "key_set": str(tmp_path / "keys.json")}


def refuse(door, credential):
    with pytest.raises(AuthenticationError) as caught:
        door.authenticate(credential)
    return caught.value.reason


def test_keys_and_tokens_open_the_same_door(open_door, oidc, key, clock):
    door = open_door("0.0.0.0", api_keys=True, key_pepper=PEPPER, oidc=oidc)  # noqa: S104 - never listened on
    assert door.authenticate(key).authentication is Authentication.API_KEY
    token = sign(make_rsa("one"), make_claims(clock))
    assert door.authenticate(token).authentication is Authentication.TOKEN
    assert refuse(door, "") == "nothing_shown"


def test_without_settings_nobody_is_let_in(open_door, key, clock):
    door = open_door()
    assert refuse(door, "") == "nothing_shown"
    for credential in (key, sign(make_rsa("one"), make_claims(clock)), "Bearer"):
        assert refuse(door, credential) == "kind_not_accepted"


def test_in_development_nothing_shown_is_enough_but_what_is_shown_must_be_right(open_door, key):
    door = open_door(is_development=True, api_keys=True, key_pepper=SecretStr("other"))
    assert door.authenticate("").authentication is Authentication.DEVELOPMENT
    assert refuse(door, key) == "key_wrong"
    assert refuse(door, " ") == "kind_not_accepted"


def test_no_door_is_opened_beyond_loopback_without_authentication(open_door):
    with pytest.raises(ExposureError):
        open_door("0.0.0.0")  # noqa: S104 - never listened on


def test_settings_do_not_show_the_pepper():
    assert "vinegar" not in repr(AuthSettings(key_pepper=PEPPER))
