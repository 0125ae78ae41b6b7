from __future__ import annotations

import json

import pytest

from eagleray.errors import ModelError
from eagleray.models.folders import digest_folder, find_max_tokens, read_config, read_json


def write(folder, **files):
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder


def test_the_least_limit_counts_and_an_endless_one_does_not(tmp_path):
    write(tmp_path, config={"max_position_embeddings": 512}, tokenizer_config={"model_max_length": 1e30})
    assert find_max_tokens(tmp_path) == 512
    write(tmp_path, sentence_bert_config={"max_seq_length": 128})
    assert find_max_tokens(tmp_path) == 128


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin", "tokenizer.json", "config.json"])
def test_each_file_that_results_depend_on_is_in_the_digest(tmp_path, name):
    (tmp_path / name).write_text("one")
    first = digest_folder(tmp_path)
    (tmp_path / "README.md").write_text("other")
    assert digest_folder(tmp_path) == first
    (tmp_path / name).write_text("two")
    assert digest_folder(tmp_path) != first


def test_a_file_that_is_not_there_is_empty_and_one_that_is_no_object_is_an_error(tmp_path):
    assert read_json(tmp_path / "none.json") == {}
    with pytest.raises(ModelError, match="odd.json is not a JSON object"):
        read_json(write(tmp_path, odd=[]) / "odd.json")
    (tmp_path / "torn.json").write_text("{")
    with pytest.raises(ModelError, match="torn.json is not JSON"):
        read_json(tmp_path / "torn.json")


def test_a_folder_without_a_tokenizer_says_what_it_should_be(tmp_path):
    with pytest.raises(ModelError, match=r"there is no tokenizer\.json; expected the folder of a thing"):
        read_config(write(tmp_path, config={}), expected="a thing")
