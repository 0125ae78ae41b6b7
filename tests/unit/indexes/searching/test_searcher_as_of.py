"""Any history of a collection: versions superseded, late, deleted and regrouped, as segments and patches."""

from __future__ import annotations

import tempfile
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
from hypothesis import given, settings

from eagleray.contracts.collections import Collection
from eagleray.contracts.hits import Granularity, SearchMode, SearchRequest
from eagleray.contracts.principals import ANONYMOUS, Principal
from eagleray.contracts.times import OPEN_END
from eagleray.embedders.hashing import HashingEmbedder
from indexes.searching.searcher import Searcher
from indexes.segments.opened_segment import open_segment
from indexes.segments.segment_files import list_texts
from indexes.snapshots.patches import read_patch
from indexes.storage import open_store
from tests.small_collections import SPEC, make_rows, make_table, put_changes, put_segment

EMBEDDER = HashingEmbedder()
K = 4

MOMENT = st.integers(0, 9)
DOCUMENT = st.integers(0, 2)
GROUPS = st.sets(st.sampled_from(["desk", "rates"])).map(sorted)
TEXT = st.lists(st.sampled_from(["swap", "curve", "repo", "margin"]), min_size=1, max_size=5).map(" ".join)
WRITE = st.tuples(st.just("write"), DOCUMENT, MOMENT, GROUPS, st.lists(TEXT, min_size=1, max_size=2))
EVENT = st.one_of(
    WRITE,
    st.tuples(st.just("delete"), DOCUMENT, MOMENT),
    st.tuples(st.just("regroup"), DOCUMENT, GROUPS),
)
FIRST = st.lists(WRITE, min_size=4, max_size=8)
LATER = st.lists(st.lists(EVENT, min_size=1, max_size=4), max_size=3)
QUESTION = st.tuples(TEXT, st.none() | st.integers(-1, 10), GROUPS)


class History:
    """The rows that a plain loop over the events leaves, and the same as segments and patches."""

    def __init__(self, folder):
        self.store = open_store(folder)
        self.rows, self.segments, self.patches = [], [], []

    def deliver(self, events):
        """Take the events in turn: new rows become a segment, changes of older ones a patch."""
        before = [(row, row["known_to"], row["groups"]) for row in self.rows]
        for name, document, *details in events:
            held = [row for row in self.rows if row["doc_id"] == f"doc-{document}"]
            getattr(self, name)(held, document, *details)
        if len(self.rows) > len(before):
            self.segments.append(put_rows(self.store, self.rows[len(before) :]))
        changes = [
            (
                row["chunk_id"],
                None if row["known_to"] == end else row["known_to"],
                None if row["groups"] == groups else row["groups"],
            )
            for row, end, groups in before
            if (row["known_to"], row["groups"]) != (end, groups)
        ]
        if changes:
            self.patches.append(put_changes(self.store, changes))

    def write(self, held, document, start, groups, texts):
        """Add a version that ends the one before it and ends where a later one begins."""
        if any(row["known_from"] == start for row in held):
            return
        for row in held:
            if row["known_from"] < start < row["known_to"]:
                row["known_to"] = start
        end = min((row["known_from"] for row in held if row["known_from"] > start), default=OPEN_END)
        for ordinal, text in enumerate(texts):
            rng = np.random.default_rng([document, start, ordinal])
            row = make_rows(rng, n_documents=1, first=document, known_from=start, known_to=end)[0]
            self.rows.append({**row, "text": text, "groups": groups, "attributes": "{}"})

    def delete(self, held, document, moment):
        """End the open version."""
        for row in held:
            if row["known_to"] == OPEN_END:
                row["known_to"] = max(moment, row["known_from"] + 1)

    def regroup(self, held, document, groups):
        """Give every version other readers."""
        for row in held:
            row["groups"] = groups

    def open(self):
        patches = [read_patch(Collection(self.store, SPEC.name), digest).changes for digest in self.patches]
        return make_searcher(self.store, self.segments, patches)

    def rebuild(self, folder, as_of, groups):
        """Return a searcher of the rows visible then to these groups, as if there had been no others."""
        visible = [
            {**row, "known_to": OPEN_END, "groups": []}
            for row in self.rows
            if (not row["groups"] or set(groups) & set(row["groups"]))
            and (
                row["known_to"] == OPEN_END if as_of is None else row["known_from"] <= as_of < row["known_to"]
            )
        ]
        store = open_store(folder)
        return make_searcher(store, [put_rows(store, visible)] if visible else [])


def put_rows(store, rows):
    vectors = EMBEDDER.embed_passages(list_texts(make_table(rows)))
    return put_segment(store, rows, vectors)


def make_searcher(store, segments, patches=()):
    views = [open_segment(Collection(store, SPEC.name), digest, patches=patches) for digest in segments]
    return Searcher("s" * 64, views, embedder=EMBEDDER)


def ask(searcher, **question):
    response = searcher.search(SearchRequest(k=K, **question))
    about = response.explanation
    hits = [
        (hit.chunk_id, hit.score, hit.dense, hit.lexical, hit.relevance, hit.text) for hit in response.hits
    ]
    held = {term: number for term, number in about.document_frequencies.items() if number}
    return hits, response.relevant, about.n_visible, about.average_length, held


@settings(max_examples=30, deadline=None)
@given(FIRST, LATER, st.lists(QUESTION, min_size=1, max_size=3))
def test_any_history_answers_like_an_index_of_only_what_the_caller_could_know(first, later, questions):
    with tempfile.TemporaryDirectory() as name:
        history = History(Path(name) / "store")
        for events in (first, *later):
            history.deliver(events)
        searcher = history.open()
        for number, (query, as_of, groups) in enumerate(questions):
            rebuilt = history.rebuild(Path(name) / str(number), as_of, groups)
            principal = Principal(subject="somebody", groups=frozenset(groups))
            for mode in SearchMode:
                for granularity in Granularity:
                    how = {"query": query, "mode": mode, "granularity": granularity}
                    found = ask(searcher, **how, as_of=as_of, principal=principal)
                    assert found == ask(rebuilt, **how, principal=ANONYMOUS)
