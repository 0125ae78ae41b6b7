from __future__ import annotations

import json

import pytest
import torch
import transformers
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing

WORDS = [
    "[PAD]",
    "[CLS]",
    "[SEP]",
    "[UNK]",
    "query",
    "passage",
    ":",
    "bond",
    "coupon",
    "pays",
    "rate",
    "yield",
]


@pytest.fixture(scope="session")
def small_model(tmp_path_factory):
    """Return the folder of a small encoder with random weights, mean pooling and no prefixes."""
    folder = tmp_path_factory.mktemp("model") / "small"
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(WORDS),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=16,
    )
    transformers.BertModel(config).save_pretrained(folder)
    numbers = {word: number for number, word in enumerate(WORDS)}
    tokenizer = Tokenizer(WordLevel(numbers, unk_token="[UNK]"))  # noqa: S106 - the token of unknown words
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


@pytest.fixture
def write_model(small_model, tmp_path):
    """Copy the small model with other JSON files on top and return the folder."""

    def write(files):
        folder = tmp_path / "model"
        folder.mkdir()
        for path in small_model.iterdir():
            (folder / path.name).hardlink_to(path)
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            path.unlink(missing_ok=True)
            path.write_text(json.dumps(content))
        return folder

    return write
