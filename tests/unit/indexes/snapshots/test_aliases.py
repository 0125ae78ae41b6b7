from __future__ import annotations

import logging
import threading

import hypothesis.strategies as st
import pytest
from hypothesis import given

from eagleray.contracts.collections import Collection
from eagleray.contracts.manifests import AliasEntry
from eagleray.errors import ConflictError, InputError, IntegrityError, NotPublishedError
from indexes.snapshots.aliases import (
    AliasMove,
    alias_history,
    find_standing,
    list_aliases,
    move_alias,
    read_alias,
    rollback,
)
from indexes.storage.local import LocalStore

A, B, C = "a" * 64, "b" * 64, "c" * 64


@pytest.fixture
def store(tmp_path):
    store = LocalStore(tmp_path)
    for snapshot in (A, B, C):
        store.write(f"notes/snapshots/{snapshot}.json", b"{}")
    return store


def publish(store, snapshot, expected, *, now=1, name="live"):
    move = AliasMove(expected=expected, snapshot=snapshot, reason="publish run-1", now=now)
    return move_alias(Collection(store, "notes"), name, move=move)


def test_a_move_is_read_back_and_kept_in_the_history(store):
    assert read_alias(Collection(store, "notes"), "live") is None
    first, second = publish(store, A, None, now=1), publish(store, B, A, now=2)
    assert read_alias(Collection(store, "notes"), "live") == second
    assert alias_history(Collection(store, "notes"), "live") == (first, second)
    assert (second.sequence, second.previous, second.moved_at) == (2, A, 2)
    assert store.exists("notes/aliases/live/000000000002.json")


def test_each_move_is_logged_once_and_a_refused_one_is_not(store, caplog):
    with caplog.at_level(logging.INFO):
        publish(store, A, None)
        publish(store, B, A)
        rollback(Collection(store, "notes"), "live", run="r-1", now=3)
        with pytest.raises(ConflictError):
            publish(store, C, B)
    events = [record.msg for record in caplog.records]
    assert {(event["event"], event["collection"], event["alias"]) for event in events} == {
        ("alias_moved", "notes", "live")
    }
    assert [(event["previous"], event["snapshot"], event["reason"]) for event in events] == [
        (None, A, "publish run-1"),
        (A, B, "publish run-1"),
        (B, A, "rollback r-1"),
    ]
    assert [event["sequence"] for event in events] == [1, 2, 3]


@pytest.mark.parametrize("expected", [None, B])
def test_a_move_from_elsewhere_than_the_current_snapshot_conflicts(store, expected):
    publish(store, A, None)
    with pytest.raises(ConflictError) as caught:
        publish(store, C, expected)
    assert (caught.value.expected, caught.value.found) == (expected, A)
    assert read_alias(Collection(store, "notes"), "live").snapshot == A


def test_an_alias_never_points_to_a_snapshot_that_is_not_there(store):
    with pytest.raises(NotPublishedError, match="no such snapshot"):
        publish(store, "d" * 64, None)


def test_of_publishers_at_once_exactly_one_wins_each_round(store):
    current = None
    for snapshot in (A, B, C, A, B):
        gate, outcomes = threading.Barrier(8), []

        def race(gate=gate, outcomes=outcomes, snapshot=snapshot, expected=current):
            gate.wait()
            try:
                outcomes.append(publish(store, snapshot, expected))
            except ConflictError as error:
                outcomes.append(error)

        threads = [threading.Thread(target=race) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        winners = [outcome for outcome in outcomes if isinstance(outcome, AliasEntry)]
        assert len(outcomes) == 8
        assert len(winners) == 1
        current = snapshot
    assert [entry.snapshot for entry in alias_history(Collection(store, "notes"), "live")] == [A, B, C, A, B]


class ForgetfulStore(LocalStore):
    """Makes the object, then says that somebody else did, as a retried request would."""

    def create(self, path, data):
        super().create(path, data)
        return False


def test_a_move_whose_answer_was_lost_is_still_this_publishers_move(store, tmp_path):
    assert publish(ForgetfulStore(tmp_path), A, None) == read_alias(Collection(store, "notes"), "live")


def test_rolling_back_twice_goes_back_twice(store):
    publish(store, A, None)
    publish(store, B, A)
    publish(store, C, B)
    assert rollback(Collection(store, "notes"), "live", run="ops", now=5).snapshot == B
    assert rollback(Collection(store, "notes"), "live", run="ops", now=6).snapshot == A
    assert alias_history(Collection(store, "notes"), "live")[-1].reason == "rollback ops"
    with pytest.raises(NotPublishedError, match="no earlier snapshot"):
        rollback(Collection(store, "notes"), "live", run="ops", now=7)
    publish(store, C, A)
    assert rollback(Collection(store, "notes"), "live", run="", now=8).snapshot == A


def test_an_alias_that_never_moved_cannot_go_back(store):
    with pytest.raises(NotPublishedError):
        rollback(Collection(store, "notes"), "live", run="ops", now=1)


@given(st.lists(st.sampled_from([A, B, C, "back"])))
def test_standing_publications_are_a_stack(moves):
    stack, history = [], []
    for move in moves:
        if move == "back" and len(stack) < 2:
            continue
        reason = "publish"
        if move == "back":
            stack.pop()
            reason, move = "rollback", stack[-1]
        else:
            stack.append(move)
        entry = AliasEntry(sequence=len(history) + 1, snapshot=move, previous=None, moved_at=0, reason=reason)
        history.append(entry)
    # a publication of what is current already changes nothing that a reader could see
    assert find_standing(history)[-1:] == stack[-1:]
    assert len(find_standing(history)) == len(stack)


def test_a_gap_in_the_log_is_an_integrity_error(store):
    publish(store, A, None)
    publish(store, B, A)
    publish(store, C, B)
    store.delete("notes/aliases/live/000000000002.json")
    assert read_alias(Collection(store, "notes"), "live").snapshot == C
    with pytest.raises(IntegrityError, match="000000000002"):
        alias_history(Collection(store, "notes"), "live")


def test_a_move_copied_to_another_number_is_an_integrity_error(store):
    publish(store, A, None)
    data = store.read("notes/aliases/live/000000000001.json")
    store.write("notes/aliases/live/000000000002.json", data)
    with pytest.raises(IntegrityError, match="000000000002"):
        read_alias(Collection(store, "notes"), "live")


@pytest.mark.parametrize("name", ["", "Live", "a/b", "../up", "x" * 64, "deadbeef", A, "-x"])
def test_names_that_are_no_alias_are_refused(store, name):
    with pytest.raises(InputError, match="expected 1 to 63"):
        publish(store, A, None, name=name) if name else read_alias(Collection(store, "notes"), name)


def test_aliases_are_listed_by_name(store):
    publish(store, A, None, name="live")
    publish(store, A, None, name="canary")
    assert list_aliases(Collection(store, "notes")) == ("canary", "live")


def test_a_rollback_from_elsewhere_than_the_current_snapshot_conflicts(store):
    publish(store, A, None)
    publish(store, B, A)
    with pytest.raises(ConflictError):
        rollback(Collection(store, "notes"), "live", run="", now=5, expected=A)
    assert rollback(Collection(store, "notes"), "live", run="", now=6, expected=B).snapshot == A
    with pytest.raises(ConflictError):
        rollback(Collection(store, "notes"), "other", run="", now=7, expected=A)
