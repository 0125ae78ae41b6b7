from __future__ import annotations

import pytest

from eagleray.embedders.layout import read_layout
from eagleray.errors import ModelError


def test_a_bare_encoder_is_mean_pooled_and_as_long_as_its_positions(small_model):
    layout = read_layout(small_model)
    assert (layout.dim, layout.max_tokens, layout.pooling) == (32, 16, "mean")
    assert (layout.query_prefix, layout.passage_prefix) == ("", "")


def test_the_least_of_the_limits_a_folder_names_counts(write_model):
    limits = {
        "tokenizer_config.json": {"model_max_length": 14},
        "sentence_bert_config.json": {"max_seq_length": 12},
    }
    assert read_layout(write_model(limits)).max_tokens == 12


@pytest.mark.parametrize(
    ("pooling", "expected"),
    [
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "cls"),
        ({"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}, "mean"),
        ({"pooling_mode": "cls"}, "cls"),
    ],
)
def test_both_ways_of_naming_the_pooling_are_read(write_model, pooling, expected):
    assert read_layout(write_model({"1_Pooling/config.json": pooling})).pooling == expected


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {"1_Pooling/config.json": {"pooling_mode_max_tokens": True}},
            "pools by max; known are mean and cls",
        ),
        (
            {"1_Pooling/config.json": {"pooling_mode_max_tokens": True, "pooling_mode_cls_token": True}},
            r"pools by cls\+max",
        ),
        ({"modules.json": [{"type": "sentence_transformers.models.Dense"}]}, "has a module Dense"),
        ({"config.json": {"model_type": "bert"}}, "no hidden_size"),
        ({"config.json": []}, "not a JSON object"),
    ],
)
def test_a_model_this_embedder_would_misread_is_refused(write_model, files, message):
    with pytest.raises(ModelError, match=message):
        read_layout(write_model(files))


def test_a_folder_without_a_tokenizer_is_no_model(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="no tokenizer.json"):
        read_layout(tmp_path)


def test_prefixes_come_from_the_prompts(write_model):
    prompts = {"query": "query : ", "document": "passage : "}
    layout = read_layout(write_model({"config_sentence_transformers.json": {"prompts": prompts}}))
    assert (layout.query_prefix, layout.passage_prefix) == ("query : ", "passage : ")
