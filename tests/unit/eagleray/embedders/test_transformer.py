from __future__ import annotations

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from eagleray.embedders.calibration import PROBES
from eagleray.embedders.configured_embedder import find_model, load_embedder
from eagleray.errors import ModelError
from eagleray.setting_groups.engine import EmbedderSettings

TEXTS = ["bond pays coupon", "rate", "yield rate bond pays coupon rate yield", "coupon bond", "bond"]


def load(folder, **more):
    return load_embedder(EmbedderSettings(model=str(folder), backend="torch-fp32", **more))


def compute_by_hand(folder, text, *, pooling="mean"):
    """One text alone, no padding, no batches."""
    words = {
        "[CLS]": 1,
        "[SEP]": 2,
        "query": 4,
        ":": 6,
        "bond": 7,
        "coupon": 8,
        "pays": 9,
        "rate": 10,
        "yield": 11,
    }
    ids = torch.tensor([[words[word] for word in ["[CLS]", *text.split(), "[SEP]"]]])
    with torch.inference_mode():
        states = transformers.AutoModel.from_pretrained(folder).eval()(input_ids=ids).last_hidden_state[0]
    vector = (states.mean(0) if pooling == "mean" else states[0]).numpy()
    return vector / np.linalg.norm(vector)


def test_vectors_are_those_of_each_text_alone_in_the_order_given(small_model):
    vectors = load(small_model, max_batch_tokens=256).embed_passages(TEXTS)
    wanted = np.stack([compute_by_hand(small_model, text) for text in TEXTS])
    assert vectors.dtype == np.float32
    assert vectors.flags.c_contiguous
    np.testing.assert_allclose(vectors, wanted, atol=1e-6)


def test_cls_pooling_takes_the_first_state(small_model, write_model):
    folder = write_model({"1_Pooling/config.json": {"pooling_mode": "cls"}})
    vectors = load(folder).embed_passages(TEXTS[:1])
    np.testing.assert_allclose(vectors[0], compute_by_hand(small_model, TEXTS[0], pooling="cls"), atol=1e-6)


def test_a_query_gets_the_models_prefix_and_a_passage_does_not(small_model, write_model):
    folder = write_model({"config_sentence_transformers.json": {"prompts": {"query": "query : "}}})
    embedder = load(folder)
    np.testing.assert_allclose(
        embedder.embed_queries(["bond"])[0], compute_by_hand(small_model, "query : bond"), atol=1e-6
    )
    np.testing.assert_allclose(
        embedder.embed_passages(["bond"])[0], compute_by_hand(small_model, "bond"), atol=1e-6
    )


def test_chunks_leave_room_for_the_prefix(small_model, write_model):
    folder = write_model({"config_sentence_transformers.json": {"prompts": {"query": "query : "}}})
    assert load(folder).identity.max_tokens == load(small_model).identity.max_tokens - 2


def test_the_same_list_gives_the_same_bits(small_model):
    embedder = load(small_model)
    first, second = embedder.embed_passages(TEXTS), embedder.embed_passages(TEXTS)
    assert first.tobytes() == second.tobytes()


def test_a_text_beyond_the_models_length_is_cut_not_refused(small_model):
    assert load(small_model).embed_passages(["bond " * 40]).shape == (1, 32)


def test_no_texts_give_no_vectors(small_model):
    assert load(small_model).embed_passages([]).shape == (0, 32)


def test_weights_that_are_not_finite_are_an_error_that_names_the_text(write_model, small_model):
    folder = write_model({})
    weights = load_file(small_model / "model.safetensors")
    weights["embeddings.word_embeddings.weight"][11] = float("nan")
    (folder / "model.safetensors").unlink()
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match="text 1 of 2 a vector without a finite length"):
        load(folder).embed_passages(["bond", "yield"])


def test_damaged_weights_are_a_model_error(write_model):
    folder = write_model({})
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="model"):
        load(folder)


@pytest.mark.skipif(torch.cuda.is_available(), reason="says what happens without a GPU")
def test_a_gpu_that_is_not_there_is_named(small_model):
    with pytest.raises(ModelError, match="torch sees no GPU"):
        load(small_model, device="cuda")


def test_minilm_agrees_with_sentence_transformers():
    sentence_transformers = pytest.importorskip("sentence_transformers")
    settings = EmbedderSettings(backend="torch-fp32")
    texts = PROBES[:12]
    peer = sentence_transformers.SentenceTransformer(str(find_model(settings)), device="cpu")
    vectors = load_embedder(settings).embed_passages(texts)
    assert np.einsum("ij,ij->i", vectors, peer.encode(list(texts))).min() > 0.99999
