from __future__ import annotations

import numpy as np

from eagleray.embedders import open_question_counter
from eagleray.embedders.hashing import HashingEmbedder, count_words
from eagleray.setting_groups.engine import EmbedderSettings
from serve.engine.equal_batches import is_same_in_batches


def test_an_embedder_whose_rows_stand_alone_is_the_same_in_batches():
    assert is_same_in_batches(HashingEmbedder().embed_queries, count_words)


def test_one_last_bit_in_one_batch_size_is_found():
    def embed(texts):
        vectors = HashingEmbedder().embed_queries(texts)
        if len(texts) == 8:
            vectors[5] = np.nextafter(vectors[5], np.float32(2.0))
        return vectors

    assert not is_same_in_batches(embed, count_words)


def test_texts_that_turn_out_of_unequal_length_prove_nothing():
    assert not is_same_in_batches(HashingEmbedder().embed_queries, lambda texts: list(range(len(texts))))


def test_the_words_that_are_tried_have_equal_lengths_for_the_default_model():
    count, lengths = open_question_counter(EmbedderSettings()), []

    def keep_and_count(texts):
        lengths.append(set(count(texts)))
        return count(texts)

    assert is_same_in_batches(HashingEmbedder().embed_queries, keep_and_count)
    assert lengths == [{5}, {10}, {15}, {23}, {36}]


def test_a_question_is_counted_as_long_as_it_is_read():
    count = open_question_counter(EmbedderSettings())
    assert count(["swap " * 1_000]) == [256]
