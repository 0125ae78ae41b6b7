"""Texts that one cannot tell apart are one in filters and in counts, except in the names of documents."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from eagleray.contracts.collections import Collection
from eagleray.digests import canonical_json
from indexes.masks.columns import evaluate_filter
from indexes.masks.grammar import parse_filter
from indexes.masks.text_columns import normalise_column
from indexes.segments.opened_segment import open_segment
from indexes.storage.local import LocalStore
from tests.small_collections import SPEC, make_rows, make_vectors, put_segment

COMPOSED, DECOMPOSED, BROKEN = (
    "Soci\u00e9t\u00e9",
    "Socie\u0301te\u0301",
    "So\u00adci\u00e9t\u200b\u00e9\ufeff",
)
FORMS = [COMPOSED, DECOMPOSED, BROKEN, "Societe"]


@pytest.fixture(scope="module")
def view(tmp_path_factory):
    rows = make_rows(np.random.default_rng(3), n_documents=4)
    for number, row in enumerate(rows):
        held = FORMS[number % 4]
        row["attributes"] = canonical_json({"s": held, "tags": [held, "x"]}).decode()
    store = LocalStore(tmp_path_factory.mktemp("store"))
    digest = put_segment(store, rows, make_vectors(np.random.default_rng(1), len(rows)))
    return open_segment(Collection(store, SPEC.name), digest)


@pytest.mark.parametrize("written", [COMPOSED, DECOMPOSED, BROKEN])
@pytest.mark.parametrize(
    "condition",
    [
        's = "{}"',
        's in ("{}", "y")',
        's starts with "{}"',
        'tags contains "{}"',
        'tags = "{}"',
        'not s != "{}"',
    ],
)
def test_every_form_finds_every_form(view, condition, written):
    selected = evaluate_filter(parse_filter(condition.format(written)), view)
    held = view.rows["attr.string.s"].to_pylist()
    assert selected.tolist() == [value != "Societe" for value in held]
    assert 0 < selected.sum() < len(held)


def test_names_of_documents_are_compared_character_by_character():
    values = pa.array([COMPOSED, DECOMPOSED, None])
    assert normalise_column("doc_id", values) is values
    assert normalise_column("title", values).to_pylist() == [COMPOSED, COMPOSED, None]
    numbers = pa.array([1, 2])
    assert normalise_column("n", numbers) is numbers
