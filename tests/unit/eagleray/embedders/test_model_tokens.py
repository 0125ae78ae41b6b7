from __future__ import annotations

from eagleray.embedders import find_tokenizer, open_counter
from eagleray.models.libraries import import_library
from eagleray.setting_groups.engine import EmbedderSettings

TEXTS = ["", "coupon of the 2029 notes", "word " * 1_000, "日本銀行 🦅"]


def test_a_models_tokens_are_those_of_its_tokenizer_special_ones_included_and_none_cut_off():
    settings = EmbedderSettings()
    tokenizer = import_library("tokenizers").Tokenizer.from_file(str(find_tokenizer(settings)))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    counted = open_counter(settings)(TEXTS)
    assert counted == [len(tokenizer.encode(text).tokens) for text in TEXTS]
    assert (counted[0], counted[2]) == (2, 1_002)


def test_hashing_counts_words():
    assert open_counter(EmbedderSettings(model="hashing"))(TEXTS) == [0, 5, 1_000, 1]
