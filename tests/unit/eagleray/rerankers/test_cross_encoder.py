from __future__ import annotations

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from eagleray.errors import ModelError
from eagleray.rerankers import load_reranker
from eagleray.setting_groups.engine import RerankerSettings
from tests.small_rerankers import MAX_TOKENS

QUERY = "What drove total sales?"
PASSAGES = [
    "Total sales were driven by fixed-price contracts.",
    "Sales",
    "The committee raised the target range. " * 30,
    "Überraschung: naïve 東京 🚀",
    "",
    "Free cash flow was lower than in the year before, because of working capital.",
]


def load(folder, **more):
    return load_reranker(RerankerSettings(model=str(folder), **more))


def score_by_hand(folder, query, passage):
    """One pair alone, no padding, through transformers' own tokenizer."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    inputs = tokenizer([query], [passage], truncation=True, max_length=MAX_TOKENS, return_tensors="pt")
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
    with torch.inference_mode():
        return float(model(**inputs).logits[0, 0])


@pytest.mark.parametrize("max_batch_tokens", [256, 4096])
def test_scores_are_those_of_each_pair_alone(tiny, max_batch_tokens):
    scores = load(tiny, max_batch_tokens=max_batch_tokens).score(QUERY, PASSAGES)
    wanted = [score_by_hand(tiny, QUERY, passage) for passage in PASSAGES]
    assert np.ptp(wanted) > 0.1
    np.testing.assert_allclose(scores, wanted, atol=1e-5)


@pytest.mark.parametrize("query", [QUERY, "sales and contracts " * 40], ids=["short", "beyond the limit"])
def test_scores_are_those_of_sentence_transformers(tiny, query):
    sentence_transformers = pytest.importorskip("sentence_transformers")
    peer = sentence_transformers.CrossEncoder(str(tiny), device="cpu", local_files_only=True)
    pairs = [(query, passage) for passage in PASSAGES]
    scores = load(tiny).score(query, PASSAGES)
    logits = peer.predict(pairs, activation_fn=torch.nn.Identity())
    np.testing.assert_allclose(scores, logits, atol=1e-5)
    np.testing.assert_allclose(1.0 / (1.0 + np.exp(-scores)), peer.predict(pairs), atol=1e-5)


def test_a_long_passage_is_cut_and_a_short_question_is_not(tiny):
    reranker = load(tiny)
    room = MAX_TOKENS - 3 - 5  # special tokens, and the question's five
    whole, cut, shorter = reranker.score(QUERY, ["sales " * 500, "sales " * room, "sales " * (room - 1)])
    assert whole == pytest.approx(cut, abs=1e-5)
    assert whole != pytest.approx(shorter, abs=1e-5)


def test_weights_that_are_not_finite_are_an_error_that_names_the_passage(copy_tiny):
    folder = copy_tiny()
    weights = load_file(folder / "model.safetensors")
    number = transformers.AutoTokenizer.from_pretrained(folder).convert_tokens_to_ids("flow")
    weights["bert.embeddings.word_embeddings.weight"][number] = float("nan")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match="passage 1 of 2 a score that is not finite"):
        load(folder).score("cash", ["cash", "flow"])


def test_weights_without_the_head_are_refused_and_not_made_up(copy_tiny):
    folder = copy_tiny()
    weights = load_file(folder / "model.safetensors")
    del weights["classifier.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"its weights lack classifier\.weight"):
        load(folder)


def test_weights_of_another_shape_are_a_model_error(copy_tiny):
    with pytest.raises(ModelError, match="copy"):
        load(copy_tiny(hidden_size=64))


def test_cut_off_weights_are_a_model_error(copy_tiny):
    path = copy_tiny() / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ModelError, match="copy"):
        load(path.parent)


def test_code_in_the_folder_is_not_run(copy_tiny):
    code = {"AutoConfig": "own.Config", "AutoModelForSequenceClassification": "own.Model"}
    folder = copy_tiny(model_type="own", auto_map=code)
    (folder / "own.py").write_text(f"open({str(folder / 'ran')!r}, 'w')\n")
    with pytest.raises(ModelError):
        load(folder)
    assert not (folder / "ran").exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="says what happens without a GPU")
def test_a_gpu_that_is_not_there_is_named(tiny):
    with pytest.raises(ModelError, match="torch sees no GPU"):
        load(tiny, device="cuda")
