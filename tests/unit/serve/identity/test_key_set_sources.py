from __future__ import annotations

import pytest

from eagleray.errors import InputError
from serve.identity.key_set_following import open_key_set_source


@pytest.mark.parametrize("write", [str, lambda path: path.as_uri()])
def test_a_file_is_read_anew_each_time(tmp_path, write):
    path = tmp_path / "our keys.json"
    path.write_bytes(b"old")
    fetch = open_key_set_source(write(path), timeout_s=1)
    assert fetch() == b"old"
    path.write_bytes(b"new")
    assert fetch() == b"new"


def test_a_file_that_is_not_there_or_too_long_is_an_error(tmp_path):
    fetch = open_key_set_source(str(tmp_path / "keys.json"), timeout_s=1)
    with pytest.raises(OSError, match="keys.json"):
        fetch()
    (tmp_path / "keys.json").write_bytes(b" " * ((1 << 20) + 1))
    with pytest.raises(OSError, match="longer than"):
        fetch()


@pytest.mark.parametrize(
    "where",
    [
        "http://id.bank.example/keys",
        "http://10.0.0.1/keys",
        "ftp://127.0.0.1/keys",
        "https:///keys",
        "http://",
    ],
)
def test_an_address_that_others_could_answer_for_is_refused(where):
    with pytest.raises(InputError, match="expected https://"):
        open_key_set_source(where, timeout_s=1)


def test_a_password_in_an_address_is_not_repeated():
    with pytest.raises(InputError) as caught:
        open_key_set_source("http://ann:hunter2@id.bank.example/keys?k=hunter2", timeout_s=1)
    assert "hunter2" not in str(caught.value)
