"""What of a store in a service is pickled: never its keys."""

from __future__ import annotations

import pickle

import pytest
from pydantic import SecretStr

from eagleray.setting_groups.engine import S3Settings
from indexes.storage import open_store

SECRET = "planted-secret-3b7e"
OPENED = S3Settings(access_key_id=SecretStr("id"), secret_access_key=SecretStr(SECRET))


def find_settings():
    """Give the settings in any process that has this module."""
    return OPENED


def test_a_store_with_keys_is_not_pickled_unless_a_copy_can_ask_for_them():
    with pytest.raises(pickle.PicklingError, match="s3://desk/notes: expected `shared`"):
        pickle.dumps(open_store("s3://desk/notes", s3=OPENED))


def test_a_copy_asks_for_the_settings_and_can_be_copied_again():
    store = open_store("s3://desk/notes", s3=OPENED, shared=find_settings)
    sent = pickle.dumps(store)
    again = pickle.dumps(pickle.loads(sent))  # noqa: S301 - our own bytes
    assert again == sent
    assert SECRET.encode() not in sent
    assert pickle.loads(again).url == "s3://desk/notes"  # noqa: S301 - our own bytes


def test_a_store_without_keys_is_pickled_as_it_is():
    sent = pickle.dumps(open_store("s3://desk/notes", s3=S3Settings(region="eu-west-2")))
    assert pickle.loads(sent).url == "s3://desk/notes"  # noqa: S301 - our own bytes
