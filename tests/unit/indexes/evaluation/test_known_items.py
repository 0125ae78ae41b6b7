from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from eagleray.contracts.collections import Collection
from eagleray.contracts.principals import ANONYMOUS, Principal
from eagleray.contracts.times import OPEN_END
from indexes.evaluation.known_items import N_TITLE_WORDS, N_WORDS, make_known_items
from indexes.lexical.analysis import ENGLISH
from indexes.segments.segment_files import list_texts
from indexes.snapshots.catalog import put_collection, put_snapshot
from indexes.snapshots.opened import open_snapshot
from indexes.storage import open_store
from tests.small_collections import DAY, SPEC, make_manifest, make_rows, make_vectors, put_segment

EVERYBODY = Principal(subject="all", groups=frozenset({"rates", "credit"}))


def put_notes(store, *, groups=("rates",), title="Desk note of team {} about swaps"):
    """Write two segments: open rows, a closed one, rows of a group, a title and a sentence each."""
    rng = np.random.default_rng(3)
    put_collection(store, SPEC)
    rows = make_rows(rng, n_documents=60)
    for row in rows:
        number = int(row["doc_id"].split("-")[1])
        row["title"] = title.format(number % 7)
        row["groups"] = list(groups) if number % 2 else []
        row["known_to"] = row["known_from"] + DAY if number % 5 == 0 else OPEN_END
    digests = [put_segment(store, part, make_vectors(rng, len(part))) for part in (rows[:70], rows[70:])]
    return open_snapshot(Collection(store, SPEC.name), put_snapshot(store, make_manifest(store, digests)))


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    return put_notes(open_store(tmp_path_factory.mktemp("known") / "store"))


def make(opened, *, principal=EVERYBODY, n=50, snapshot=""):
    return make_known_items(
        opened.segments, snapshot=snapshot or opened.snapshot_id, principal=principal, n=n
    )


def list_rows(opened):
    """Return (doc_id, title, body, is_open, is_public) of every row."""
    found = []
    for view in opened.segments:
        texts, bits = list_texts(view.rows), np.unpackbits(view.group_bits[0], bitorder="little")
        for place, row in enumerate(view.rows.to_pylist()):
            is_open = int(view.known_to[place]) == OPEN_END
            found.append((row["doc_id"], row["title"], texts[place], is_open, bool(bits[place])))
    return found


def test_the_same_snapshot_makes_the_same_questions_and_another_makes_others(opened):
    assert make(opened) == make(opened)
    assert len(make(opened, n=10)) == 10
    assert make(opened, snapshot="f" * 64) != make(opened)


def test_a_question_is_words_of_the_title_and_of_a_row_of_the_one_document_that_answers_it(opened):
    for question in make(opened):
        (document,) = question.relevant
        words = question.request.query.split()
        named, asked = words[:N_TITLE_WORDS], words[N_TITLE_WORDS:]
        assert len(asked) == N_WORDS
        mine = [(title, body) for doc, title, body, *_ in list_rows(opened) if doc == document]
        assert any(
            set(named) <= set(title.split()) and set(asked) <= set(body.split()) for title, body in mine
        )


def test_no_word_is_one_that_a_single_row_holds(opened):
    rows = [row for row in list_rows(opened) if row[3]]
    frequencies = Counter(term for row in rows for term in set(ENGLISH.find_terms(row[2])))
    for question in make(opened):
        asked = ENGLISH.find_terms(" ".join(question.request.query.split()[N_TITLE_WORDS:]))
        assert all(frequencies[term] > 1 for term in asked)


def test_questions_are_made_of_all_segments_but_only_of_open_rows_that_the_caller_may_see(opened):
    rows = list_rows(opened)
    for principal in (EVERYBODY, ANONYMOUS):
        allowed = {
            doc for doc, *_, is_open, is_public in rows if is_open and (is_public or principal is EVERYBODY)
        }
        made = make(opened, principal=principal, n=1_000)
        assert {doc for question in made for doc in question.relevant} == allowed
        assert all(question.request.principal == principal for question in made)
    nowhere = Principal(subject="else", zones=frozenset({"elsewhere"}))
    assert make(opened, principal=nowhere) == []


def test_words_that_only_a_hidden_row_shares_count_as_held_once(tmp_path):
    opened = put_notes(open_store(tmp_path / "store"), groups=("secret",))
    rows = [row for row in list_rows(opened) if row[3] and row[4]]
    frequencies = Counter(term for row in rows for term in set(ENGLISH.find_terms(row[2])))
    for question in make(opened, principal=ANONYMOUS):
        asked = ENGLISH.find_terms(" ".join(question.request.query.split()[N_TITLE_WORDS:]))
        assert all(frequencies[term] > 1 for term in asked)
