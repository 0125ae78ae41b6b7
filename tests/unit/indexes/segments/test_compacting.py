from __future__ import annotations

import json
import random

import numpy as np
import pytest

from eagleray.contracts.collections import Collection
from eagleray.digests import canonical_json
from eagleray.errors import InputError
from indexes.segments import attribute_columns
from indexes.segments import rows as rows_module
from indexes.segments.compacting import compact_segments
from indexes.segments.opened_segment import open_segment
from indexes.storage.local import LocalStore
from tests.small_collections import SPEC, make_codebook, make_rows, make_vectors, put_segment


class Killed(BaseException):
    """The process died."""


class DyingStore(LocalStore):
    """A store whose process dies at an upload or a write."""

    n_left = 10**9

    def _step(self):
        if self.n_left <= 0:
            raise Killed
        self.n_left -= 1

    def upload(self, local, path):
        self._step()
        super().upload(local, path)

    def write(self, path, data):
        self._step()
        super().write(path, data)


@pytest.fixture
def store(tmp_path):
    return DyingStore(tmp_path)


@pytest.fixture
def parts():
    """Rows and vectors of three segments whose times overlap and whose attributes differ."""
    rng = np.random.default_rng(3)
    rows = [make_rows(rng, n_documents=8, first=20 * number) for number in range(3)]
    for number, part in enumerate(rows):
        for place, row in enumerate(part):
            odd = [7, 1.5, "x", True, ["a"], "2019-03-01", -0.0][(number + place) % 7]
            more = {f"only {number}": place, "odd": odd} | ({"rare": number} if place == 3 else {})
            row["attributes"] = canonical_json(json.loads(row["attributes"]) | more).decode()
    return [(part, make_vectors(rng, len(part))) for part in rows]


@pytest.mark.parametrize("max_columns", [512, 4])
@pytest.mark.parametrize("has_lists", [False, True])
def test_segments_become_the_very_one_that_holds_all_their_rows(
    store, parts, has_lists, max_columns, monkeypatch
):
    for module in (attribute_columns, rows_module):
        monkeypatch.setattr(module, "MAX_COLUMNS", max_columns)
    codebook = make_codebook(np.random.default_rng(1)) if has_lists else None
    digests = [put_segment(store, rows, vectors) for rows, vectors in parts]
    rows = [row for part, _ in parts for row in part]
    vectors = np.concatenate([vectors for _, vectors in parts])
    at_once = put_segment(store, rows, vectors, codebook=codebook)
    for order in (digests, digests[::-1]):
        assert compact_segments(Collection(store, SPEC.name), order, codebook=codebook) == at_once


def test_segments_of_other_zones_stay_apart(store, parts):
    rows, vectors = parts[0]
    one = put_segment(store, rows, vectors)
    elsewhere = [{**row, "zone": "tokyo", "chunk_id": row["chunk_id"] + 1} for row in rows]
    other = put_segment(store, elsewhere, vectors, zone="tokyo")
    with pytest.raises(InputError, match="have another zone; only segments that agree"):
        compact_segments(Collection(store, SPEC.name), [one, other])
    with pytest.raises(InputError, match="share a chunk"):
        compact_segments(Collection(store, SPEC.name), [one, one])


def test_a_compaction_killed_at_any_moment_leaves_what_there_was_and_goes_on(store, parts):
    digests = [put_segment(store, rows, vectors) for rows, vectors in parts]
    before = {
        digest: open_segment(Collection(store, SPEC.name), digest).vectors.tobytes() for digest in digests
    }
    drawn = random.Random(4)  # noqa: S311 - draws moments, not secrets
    for _ in range(20):
        store.n_left = drawn.randrange(7)
        with pytest.raises(Killed):
            compact_segments(Collection(store, SPEC.name), digests)
        store.n_left = 10**9
        for digest, vectors in before.items():
            assert open_segment(Collection(store, SPEC.name), digest).vectors.tobytes() == vectors
    whole = compact_segments(Collection(store, SPEC.name), digests)
    assert open_segment(Collection(store, SPEC.name), whole).n_rows == sum(len(rows) for rows, _ in parts)
