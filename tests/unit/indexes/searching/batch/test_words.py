from __future__ import annotations

import itertools

import numpy as np
import pytest

from eagleray.contracts.collections import Collection
from eagleray.contracts.indexes import TextField
from indexes.searching.batch.columns import join_columns
from indexes.searching.batch.views import count_view, make_view
from indexes.searching.batch.words import WordFinder
from indexes.segments.opened_segment import open_segment
from indexes.snapshots.patches import read_patch
from indexes.storage import open_store
from tests.small_collections import DAY, SPEC, make_rows, make_vectors, put_changes, put_segment

TERMS = ["swap", "repo", "bond", "vega", "note", "absent"]


@pytest.fixture
def opened(tmp_path, rng):
    """Two segments with a patch, their columns, and a view of most rows."""
    store = open_store(tmp_path)
    parts = [make_rows(rng, n_documents=20, first=first) for first in (0, 20)]
    digests = [put_segment(store, rows, make_vectors(rng, len(rows))) for rows in parts]
    closed = [(row["chunk_id"], row["known_from"] + DAY, None) for row in parts[0][::3]]
    tables = [read_patch(Collection(store, SPEC.name), put_changes(store, closed)).changes]
    segments = [open_segment(Collection(store, SPEC.name), digest, patches=tables) for digest in digests]
    columns = join_columns(segments)
    return segments, columns, make_view(columns, rng.random(columns.n_rows) < 0.8)


def count_by_hand(segments, columns, view, field, term, time):
    count = 0
    for part, segment in enumerate(segments):
        postings = segment.postings[field]
        first, last = postings.find_range(term)
        for row in postings.rows[first:last]:
            number = int(columns.starts[part]) + int(row)
            is_visible = columns.known_from[number] <= time < columns.known_to[number]
            count += is_visible and view.places[number] >= 0
    return count


@pytest.mark.parametrize("max_bytes", [0, 300, 1 << 20])
def test_a_word_counts_its_visible_rows_whatever_is_kept(opened, max_bytes):
    segments, columns, view = opened
    finder = WordFinder(segments, columns, view, max_bytes=max_bytes)
    times = np.arange(-1, 50, 7) * DAY
    counts = count_view(view, times)
    for field, term in list(itertools.product(TextField, TERMS)) * 2:
        _, visible = finder.find(field, term).count(counts.prefixes, times)
        expected = [count_by_hand(segments, columns, view, field, term, time) for time in times]
        assert visible.tolist() == expected
        assert finder.n_bytes <= max_bytes
    for field, term in ((TextField.BODY, "swap"), (TextField.TITLE, "note"), (TextField.HEADING, "note")):
        assert count_by_hand(segments, columns, view, field, term, 49 * DAY) > 5


def test_places_ascend_and_carry_the_row_s_own_counts(opened):
    segments, columns, view = opened
    word = WordFinder(segments, columns, view, max_bytes=0).find(TextField.BODY, "swap")
    assert (np.diff(word.places) > 0).all()
    for place, frequency, length in zip(word.places, word.frequencies, word.lengths, strict=True):
        number = int(view.numbers[place])
        part = int(columns.find_parts(np.array([number]))[0])
        row = number - int(columns.starts[part])
        assert length == segments[part].postings[TextField.BODY].lengths[row]
        text = segments[part].rows["text"][row].as_py()
        assert text.split().count("swap") == frequency
