from __future__ import annotations

import json
import logging

import pytest

from eagleray.cli import main
from indexes.storage.local import LocalStore
from serve.identity.key_checking import KeyChecker
from tests.small_collections import SPEC, put_small_snapshot


@pytest.fixture
def store(tmp_path):
    return tmp_path / "store"


@pytest.fixture
def ask(capsys, store):
    """Run `eagleray keys …` on a store; return the exit code and what it printed."""

    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            main(["keys", *arguments, "--store", str(store)])
        return ended.value.code, *capsys.readouterr()

    return run


def make(ask, *arguments):
    code, out, _ = ask("create", "ann", "--role", "reader", *arguments, "--json")
    assert code == 0
    return json.loads(out)


def make_with(ask, *arguments):
    return json.loads(ask("create", "bob", *arguments, "--json")[1])


def authenticate(store, key):
    return KeyChecker(LocalStore(store), pepper=None, cache_s=0).authenticate(key)


def test_a_key_is_made_and_lets_its_holder_in(ask, store):
    made = make(ask, "--role", "writer", "--group", "rates", "--zone", "eu", "--note", "nightly")
    assert (made["subject"], made["roles"], made["note"]) == ("ann", ["reader", "writer"], "nightly")
    caller = authenticate(store, made["key"])
    assert caller.roles == {"reader", "writer"}
    assert (caller.principal.groups, caller.principal.zones) == ({"rates"}, {"eu"})


def test_a_key_reads_no_zone_unless_told(ask, store):
    assert authenticate(store, make(ask)["key"]).principal.zones == frozenset()
    assert authenticate(store, make(ask, "--all-zones")["key"]).principal.zones is None


def test_people_are_told_all_where_a_key_is_not_bound_and_warned_where_it_reads_nothing(ask, store):
    lines = ask("create", "ann", "--role", "reader", "--all-zones")[1].splitlines()
    assert {"zones: all", "collections: all", f"store: {store.as_uri()}"} <= set(lines)
    assert not any("no zones" in line for line in lines)
    lines = ask("create", "ann", "--role", "reader")[1].splitlines()
    assert "warning: the key has no zones: its holder can read no row and write no document" in lines
    assert lines[-1] == "keep the key now: it cannot be shown again"
    assert not any("no zones" in warning for warning in make_with(ask, "--role", "admin")["warnings"])


def test_a_store_without_the_collections_of_a_key_is_told(ask, store):
    (warning,) = make(ask, "--all-zones")["warnings"]
    assert warning == f"{store.as_uri()} holds no collection yet; if that is not meant, check its name"
    put_small_snapshot(LocalStore(store))
    assert make(ask, "--all-zones", "--collection", SPEC.name)["warnings"] == []
    (warning,) = make(ask, "--all-zones", "--collection", "nots")["warnings"]
    assert warning == f"{store.as_uri()} does not hold nots yet; it has {SPEC.name}"


def test_a_key_sees_every_collection_unless_it_is_bound(ask, store):
    assert authenticate(store, make(ask)["key"]).collections is None
    bound = make(ask, "--collection", "notes", "--collection", "bonds")
    assert authenticate(store, bound["key"]).collections == {"notes", "bonds"}
    rows = json.loads(ask("list", "--json")[1])
    assert [row["collections"] for row in rows] == [None, ["bonds", "notes"]]
    assert "bonds notes" in ask("list")[1]


def test_a_key_is_shown_once_and_to_people_with_a_word_of_warning(ask):
    code, out, _ = ask("create", "ann", "--role", "reader")
    key = out.splitlines()[0].removeprefix("key: ")
    assert (code, key[:3], len(key)) == (0, "er_", 92)
    assert out.splitlines()[-1] == "keep the key now: it cannot be shown again"
    for arguments in (("list",), ("list", "--json")):
        _, out, _ = ask(*arguments)
        assert key[3:19] in out
        assert key[20:84] not in out


def test_a_revoked_key_lets_nobody_in_and_is_listed_as_such(ask, store):
    gone, kept = make(ask), make(ask)
    assert json.loads(ask("revoke", gone["key_id"], "--json")[1])["changed"] is True
    assert json.loads(ask("revoke", gone["key_id"], "--json")[1])["changed"] is False
    rows = {row["key_id"]: row["state"] for row in json.loads(ask("list", "--json")[1])}
    assert rows == {gone["key_id"]: "revoked", kept["key_id"]: "valid"}
    authenticate(store, kept["key"])
    with pytest.raises(Exception, match="authentication failed"):
        authenticate(store, gone["key"])


def test_a_whole_key_given_for_its_id_is_not_printed(ask):
    made = make(ask)
    for options in ((), ("--json",)):
        code, out, err = ask("revoke", made["key"], *options)
        assert code == 2
        assert made["key"][20:84] not in out + err


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("create", "ann"), "--role"),
        (("create", "ann", "--role", "king"), "'king' is not one of"),
        (("create", " ", "--role", "reader"), "a key needs a subject"),
        (("create", "ann", "--role", "reader", "--zone", "eu", "--all-zones"), "found both"),
        (("create", "ann", "--role", "reader", "--days", "0"), "greater than or equal to 1"),
        (("revoke", "0" * 16), "there is no key"),
    ],
)
def test_what_cannot_be_done_is_refused(ask, arguments, part):
    code, out, _ = ask(*arguments, "--json")
    assert code == 2
    assert part in json.loads(out)["error"]["message"]


def test_the_log_names_the_key_and_never_holds_it(ask, monkeypatch):
    monkeypatch.setenv("EAGLERAY_LOG__LEVEL", "debug")
    monkeypatch.setenv("EAGLERAY_LOG__FORMAT", "json")
    monkeypatch.setenv("EAGLERAY_AUTH__KEY_PEPPER", "vinegar")
    logging.getLogger("eagleray").setLevel(logging.DEBUG)
    _, out, err = ask("create", "ann", "--role", "reader", "--json")
    made, event = json.loads(out), json.loads(err)
    assert (event["event"], event["key_id"], event["roles"]) == ("key_created", made["key_id"], ["reader"])
    assert made["key"][20:84] not in err
    assert "vinegar" not in out + err
