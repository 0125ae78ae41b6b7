from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eagleray.contracts.times import OPEN_END
from indexes.writing.reconciliation import NOBODY, find_unread, reconcile_document
from indexes.writing.versions import DeliveredVersion, DocumentPlan, Held, VersionChange, name_reissue

NOW = 1000


def deliver(version, known_from, *, groups=(), known_to=OPEN_END, key="f"):
    return DeliveredVersion(version=version, known_from=known_from, known_to=known_to, groups=groups, key=key)


def hold(version, known_from, known_to=OPEN_END, *, groups=(), is_due=True, unread=""):
    return Held(
        version=version,
        known_from=known_from,
        known_to=known_to,
        groups=groups,
        is_due=is_due,
        unread=unread,
    )


def apply_plan(held, plan: DocumentPlan):
    after = {item.version: item for item in held}
    for change in plan.changes:
        old = after[change.version]
        after[change.version] = Held(
            version=old.version,
            known_from=old.known_from,
            known_to=old.known_to if change.known_to is None else change.known_to,
            groups=old.groups if change.groups is None else change.groups,
            is_due=True,
        )
    for item in plan.additions:
        assert item.version not in after
        after[item.version] = Held(
            version=item.version,
            known_from=item.known_from,
            known_to=item.known_to,
            groups=item.groups,
            is_due=True,
        )
    return list(after.values())


def test_a_new_document_is_added_as_delivered():
    plan = reconcile_document([deliver("a", 5)], [], now=NOW)
    assert [(item.version, item.known_from, item.known_to) for item in plan.additions] == [("a", 5, OPEN_END)]
    assert plan.changes == ()


def test_the_same_content_again_changes_nothing():
    plan = reconcile_document([deliver("a", 9)], [hold("a", 5)], now=NOW)
    assert plan == DocumentPlan(n_repeated=1)


def test_a_changed_document_closes_its_older_version_at_its_own_known_from():
    plan = reconcile_document([deliver("b", 20)], [hold("a", 5)], now=NOW)
    assert plan.changes == (VersionChange(version="a", known_to=20),)
    assert plan.additions[0].known_from == 20


def test_a_relabelled_version_is_what_its_source_says_now_and_not_what_its_name_says():
    relabelled = [replace(hold("a", 5), content="b")]
    assert reconcile_document([deliver("b", 5)], relabelled, now=NOW) == DocumentPlan(n_repeated=1)
    undone = reconcile_document([deliver("a", 5)], relabelled, now=NOW)
    assert [(item.version, item.known_from) for item in undone.additions] == [(name_reissue("a", NOW), NOW)]
    assert undone.changes == (VersionChange(version="a", known_to=NOW),)


def test_a_correction_that_claims_the_same_moment_becomes_known_now():
    plan = reconcile_document([deliver("b", 5)], [hold("a", 5)], now=NOW)
    assert plan.additions[0].known_from == NOW
    assert plan.changes == (VersionChange(version="a", known_to=NOW),)


@pytest.mark.parametrize(
    ("deliveries", "removed_at", "expected"),
    [
        ([], (), "desk/2.txt"),  # the newest is gone: is the one before still what its file holds?
        ([deliver("b", 15)], (), "desk/2.txt"),  # put back with a date before that one's
        ([deliver("b", 25)], (), ""),  # put back with a date after it
        ([deliver("d", 40)], (), ""),  # a newer version ends the newest
        ([deliver("c", 30)], (), ""),
        ([], (50,), ""),  # the source says that the document is gone
    ],
)
def test_what_stands_in_a_part_that_was_not_read_has_to_be_read_before_a_document_ends(
    deliveries, removed_at, expected
):
    held = [
        hold("a", 10, 20, is_due=False, unread="desk/1.txt"),
        hold("a2", 20, 30, is_due=False, unread="desk/2.txt"),
        hold("c", 30),
    ]
    plan = reconcile_document(deliveries, held, now=NOW, removed_at=removed_at)
    assert find_unread(deliveries, held, plan, removed_at=removed_at) == expected


def test_an_older_version_that_is_read_again_becomes_the_document_where_the_newest_is_gone():
    plan = reconcile_document([deliver("a", 10)], [hold("a", 10, 30), hold("c", 30)], now=NOW)
    assert plan.changes == (VersionChange(version="c", known_to=NOW),)
    assert [(item.delivery.version, item.known_from, item.known_to) for item in plan.additions] == [
        ("a", NOW, OPEN_END)
    ]


def test_a_removed_document_is_closed_when_the_run_began():
    plan = reconcile_document([], [hold("a", 5)], now=NOW)
    assert plan.changes == (VersionChange(version="a", known_to=NOW),)


def test_a_document_whose_file_was_not_read_stays_open():
    assert reconcile_document([], [hold("a", 5, is_due=False)], now=NOW) == DocumentPlan()


def test_two_texts_for_the_same_moment_are_both_set_aside():
    plan = reconcile_document([deliver("a", 5), deliver("b", 5)], [], now=NOW)
    assert [item.version for item in plan.conflicts] == ["a", "b"]
    assert plan.additions == ()


def test_a_conflict_leaves_the_held_version_open():
    plan = reconcile_document([deliver("b", 7), deliver("c", 7)], [hold("a", 5)], now=NOW)
    assert plan.changes == ()
    assert len(plan.conflicts) == 2


def test_content_that_comes_back_gets_a_name_of_its_own():
    plan = reconcile_document([deliver("a", 1), deliver("b", 2), deliver("a", 3)], [], now=NOW)
    versions = [item.version for item in plan.additions]
    assert versions[:2] == ["a", "b"]
    assert len(set(versions)) == 3
    assert [item.known_to for item in plan.additions] == [2, 3, OPEN_END]


def test_a_removed_document_that_is_delivered_again_is_visible_again():
    plan = reconcile_document([deliver("a", 5)], [hold("a", 5, 20)], now=NOW)
    assert [(item.known_from, item.known_to) for item in plan.additions] == [(NOW, OPEN_END)]


def test_a_late_older_version_ends_where_the_newer_begins():
    plan = reconcile_document([deliver("old", 3)], [hold("a", 5, is_due=False)], now=NOW)
    assert [(item.known_from, item.known_to) for item in plan.additions] == [(3, 5)]
    assert plan.changes == ()


def test_a_file_put_back_with_its_old_date_is_what_the_source_holds_now():
    held = [hold("a", 1, 2), hold("b", 2)]
    plan = reconcile_document([deliver("a", 1)], held, now=NOW)
    assert plan.changes == (VersionChange(version="b", known_to=NOW),)
    assert [(item.known_from, item.known_to) for item in plan.additions] == [(NOW, OPEN_END)]
    assert plan.n_repeated == 0
    after = apply_plan(held, plan)
    assert reconcile_document([deliver("a", 1)], after, now=NOW + 10) == DocumentPlan(n_repeated=1)
    newer = reconcile_document([deliver("b", NOW + 20)], after, now=NOW + 30)
    assert [(item.known_from, item.known_to) for item in newer.additions] == [(NOW + 20, OPEN_END)]


def test_another_text_with_an_older_date_is_history_and_what_the_source_holds_now():
    plan = reconcile_document([deliver("c", 1)], [hold("b", 2)], now=NOW)
    assert plan.changes == (VersionChange(version="b", known_to=NOW),)
    assert [(item.known_from, item.known_to) for item in plan.additions] == [(1, 2), (NOW, OPEN_END)]
    assert plan.n_repeated == 0


def test_a_history_that_holds_the_open_version_withdraws_nothing():
    plan = reconcile_document([deliver("a", 1), deliver("b", 2)], [hold("a", 1, 2), hold("b", 2)], now=NOW)
    assert plan == DocumentPlan(n_repeated=2)


def test_a_conflict_withdraws_nothing():
    batch = [deliver("a", 1), deliver("b", 2), deliver("c", 2)]
    plan = reconcile_document(batch, [hold("a", 1, 2), hold("b", 2)], now=NOW)
    assert plan.changes == ()
    assert plan.additions == ()


def test_new_groups_on_the_same_content_are_a_change_of_groups_only():
    plan = reconcile_document([deliver("a", 5, groups=("desk",))], [hold("a", 5)], now=NOW)
    assert plan.changes == (VersionChange(version="a", groups=("desk",)),)
    assert plan.additions == ()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ((), ("desk",), ("desk",)),
        (("desk",), (), ("desk",)),
        (("credit", "desk"), ("desk", "rates"), ("desk",)),
        (("credit",), ("desk",), (NOBODY,)),
    ],
)
def test_who_may_not_read_the_newest_version_reads_no_older_one(old, new, expected):
    held = [hold("a", 5, groups=old)]
    plan = reconcile_document([deliver("b", 20, groups=new)], held, now=NOW)
    after = {item.version: item for item in apply_plan(held, plan)}
    assert (after["a"].groups, after["b"].groups) == (expected, new)


def test_older_versions_follow_when_the_newest_one_is_regrouped_and_back():
    held = [hold("a", 5, 20), hold("b", 20)]
    for groups in (("desk",), ()):
        held = apply_plan(held, reconcile_document([deliver("b", 20, groups=groups)], held, now=NOW))
        assert [item.groups for item in held] == [groups, groups]


deliveries = st.lists(
    st.builds(
        deliver,
        st.sampled_from("abc"),
        st.integers(1, 8),
        groups=st.sampled_from([(), ("desk",)]),
        known_to=st.sampled_from([OPEN_END, OPEN_END, 50]),
    ),
    min_size=1,
    max_size=6,
)


@given(runs=st.lists(deliveries, min_size=1, max_size=4), seed=st.randoms(use_true_random=False))
def test_at_no_time_are_two_versions_visible_and_order_does_not_matter(runs, seed):
    held = []
    for number, batch in enumerate(runs):
        now = NOW + 10 * number
        plan = reconcile_document(batch, held, now=now)
        shuffled = list(batch)
        seed.shuffle(shuffled)
        assert reconcile_document(shuffled, held, now=now) == plan
        before = held
        held = apply_plan(held, plan)
        intervals = sorted((item.known_from, item.known_to) for item in held)
        assert all(start < end for start, end in intervals)
        assert all(left[1] <= right[0] for left, right in pairwise(intervals))
        newest = max(held, key=lambda item: item.known_from, default=None)
        for item in held:
            assert not newest.groups or item.groups == newest.groups
        past = {(item.version, item.known_from) for item in before}
        assert past <= {(item.version, item.known_from) for item in held}


@given(batch=deliveries)
def test_delivering_the_same_again_changes_nothing(batch):
    held = apply_plan([], reconcile_document(batch, [], now=NOW))
    again = reconcile_document(batch, held, now=NOW + 10)
    assert again.additions == ()
    assert again.changes == ()


def test_what_was_known_before_a_document_was_removed_ends_there():
    held = [hold("a", 5, is_due=False)]
    plan = reconcile_document([], held, now=NOW, removed_at=[40, 30])
    assert plan.changes == (VersionChange(version="a", known_to=30),)
    assert reconcile_document([], apply_plan(held, plan), now=NOW, removed_at=[30]) == DocumentPlan()


def test_a_removal_from_before_a_version_says_nothing_of_it():
    assert reconcile_document([], [hold("a", 50, is_due=False)], now=NOW, removed_at=[50]) == DocumentPlan()


def test_a_document_that_is_there_again_after_its_removal_is_a_new_version_from_then_on():
    held = [hold("a", 5, is_due=False)]
    plan = reconcile_document([deliver("a", 60)], held, now=NOW, removed_at=[30])
    assert plan.changes == (VersionChange(version="a", known_to=30),)
    assert [(item.known_from, item.known_to) for item in plan.additions] == [(60, OPEN_END)]
    assert reconcile_document(
        [deliver("a", 60)], apply_plan(held, plan), now=NOW, removed_at=[30]
    ) == DocumentPlan(n_repeated=1)


def test_a_version_that_is_delivered_together_with_its_removal_is_known_until_then():
    plan = reconcile_document([deliver("a", 5), deliver("b", 50)], [], now=NOW, removed_at=[30, 70])
    assert [(item.version, item.known_to) for item in plan.additions] == [("a", 30), ("b", 70)]
