from __future__ import annotations

import pytest

from eagleray.embedders.configured_embedder import find_tokenizer
from eagleray.models import batching
from eagleray.models.batching import slice_texts
from eagleray.models.libraries import import_library
from eagleray.models.tokenizing import read_counter
from eagleray.setting_groups.engine import EmbedderSettings

TEXTS = ["", "coupon of the 2029 notes", "\u200b", ". " * 300, "Zürich re\u00adcapitalization", "x" * 200]


@pytest.fixture(scope="module")
def path():
    return find_tokenizer(EmbedderSettings())


def test_tokens_are_counted_as_the_model_makes_them(path, monkeypatch):
    monkeypatch.setattr(batching, "SLICE_CHARACTERS", 100)
    counter = read_counter(path)
    tokenizer = import_library("tokenizers").Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    assert counter.count(TEXTS) == [len(tokenizer.encode(text).ids) for text in TEXTS]
    for text in TEXTS:
        pairs = [len(tokenizer.encode(text, other).ids) for other in TEXTS]
        assert counter.count_pairs(text, TEXTS) == pairs


def test_texts_are_taken_some_at_a_time_in_their_order():
    half = batching.SLICE_CHARACTERS // 2
    texts = ["a" * half, "b" * half, "c", "d" * 3 * half, ""]
    parts = [[text[:1] for text in part] for part in slice_texts(texts)]
    assert parts == [["a", "b"], ["c"], ["d"], [""]]
    assert list(slice_texts([])) == []
    pairs = [("a" * half, "b" * half), ("c", "d")]
    assert list(slice_texts(pairs)) == [pairs[:1], pairs[1:]]
