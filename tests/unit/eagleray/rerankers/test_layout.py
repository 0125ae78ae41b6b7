from __future__ import annotations

import pytest

from eagleray.errors import ModelError
from eagleray.rerankers.layout import digest_cross_encoder, read_cross_encoder
from tests.small_rerankers import MAX_TOKENS, write_cross_encoder


def test_a_cross_encoder_is_as_long_as_the_least_limit_its_folder_names(tiny):
    layout = read_cross_encoder(tiny)
    assert (layout.max_tokens, layout.padding, layout.has_segments) == (MAX_TOKENS, 0, True)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json"])
def test_a_missing_file_is_named_with_what_was_expected(copy_tiny, name):
    with pytest.raises(ModelError, match=f"there is no {name}; expected the folder of a cross-encoder"):
        read_cross_encoder(copy_tiny(without=[name]))


def test_missing_weights_are_named(copy_tiny):
    with pytest.raises(ModelError, match=r"there is no \*\.safetensors"):
        read_cross_encoder(copy_tiny(without=["model.safetensors"]))


def test_pickled_weights_are_refused(copy_tiny):
    folder = copy_tiny(without=["model.safetensors"])
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(ModelError, match=r"a pickle, pytorch_model\.bin, which is not read; save them as"):
        read_cross_encoder(folder)


@pytest.mark.parametrize("n_labels", [2, 3])
def test_a_classifier_of_several_labels_is_refused(tmp_path, n_labels):
    with pytest.raises(ModelError, match=f"it has {n_labels} labels"):
        read_cross_encoder(write_cross_encoder(tmp_path / "model", n_labels=n_labels))


@pytest.mark.parametrize("architectures", [["BertModel"], [], None])
def test_a_bare_encoder_is_refused(copy_tiny, architectures):
    with pytest.raises(ModelError, match="its architecture is"):
        read_cross_encoder(copy_tiny(architectures=architectures))


def test_other_weights_or_another_limit_are_another_model(tiny, copy_tiny):
    other = copy_tiny()
    assert digest_cross_encoder(other) == digest_cross_encoder(tiny)
    (other / "sentence_bert_config.json").write_text('{"max_seq_length": 32}')
    assert digest_cross_encoder(other) != digest_cross_encoder(tiny)
