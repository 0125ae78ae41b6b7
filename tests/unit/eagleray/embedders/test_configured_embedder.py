from __future__ import annotations

import subprocess
import sys
import threading

import numpy as np
import pytest

from eagleray.contracts.ports import Embedder
from eagleray.embedders.configured_embedder import (
    DeferredEmbedder,
    describe_embedder,
    find_model,
    load_embedder,
    open_embedder,
)
from eagleray.embedders.hashing import HashingEmbedder
from eagleray.errors import ModelError
from eagleray.setting_groups.engine import EmbedderSettings


def test_a_model_is_described_without_loading_torch():
    code = (
        "import sys;from eagleray.embedders import describe_embedder, open_embedder;"
        "from eagleray.settings import EmbedderSettings;"
        "print(describe_embedder(EmbedderSettings(backend='torch-fp32')).dim,"
        " open_embedder(EmbedderSettings()).identity.max_tokens, 'torch' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.split() == ["384", "256", "False"]


def test_the_loaded_embedder_has_the_identity_that_was_described(small_model):
    settings = EmbedderSettings(model=str(small_model), backend="torch-fp32")
    assert load_embedder(settings).identity == describe_embedder(settings)
    assert isinstance(open_embedder(settings), Embedder)


def test_auto_answers_questions_with_the_reference(small_model):
    assert open_embedder(EmbedderSettings(model=str(small_model))).identity.backend == "torch-fp32"


def test_a_model_that_is_not_there_is_named_with_what_is():
    with pytest.raises(ModelError, match="expected minilm, hashing or the folder of a model"):
        find_model(EmbedderSettings(model="no/such/model"))


def test_hashing_needs_no_model():
    embedder = load_embedder(EmbedderSettings(model="hashing"))
    vectors = embedder.embed_passages(["bond coupon", "coupon bond", "equity", ""])
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-6)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]


def test_a_deferred_embedder_loads_once_for_many_threads():
    loaded = []

    def load():
        loaded.append(1)
        return HashingEmbedder()

    deferred = DeferredEmbedder(HashingEmbedder().identity, load)
    assert deferred.identity.name == "hashing"
    assert loaded == []
    threads = [threading.Thread(target=deferred.embed_queries, args=(["bond"],)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert loaded == [1]
