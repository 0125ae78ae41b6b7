from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

import serve.llm
from eagleray.errors import InputError
from serve.llm.serving_profiles import ServingProfile, load_profile

FOLDER = Path(serve.llm.__file__).parent / "profiles"
NAMES = sorted(path.stem for path in FOLDER.glob("*.yaml"))


def write(tmp_path, **changed):
    told = yaml.safe_load((FOLDER / "cpu.yaml").read_text())
    told["model"] |= changed
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(told))
    return str(path)


def test_there_is_one_for_cpus_one_for_a_gpu_and_one_for_several():
    assert NAMES == ["cpu", "gpu", "gpu-tensor-parallel"]


@pytest.mark.parametrize("name", NAMES)
def test_what_ray_serve_is_given_has_a_bound_for_requests_replicas_and_cache(name):
    profile = load_profile(name)
    model = profile.model.show(name="x", folder=Path("/models/x"))
    assert model["model_loading_config"] == {"model_id": "x", "model_source": "/models/x"}
    for options in (model["deployment_config"], profile.ingress.show()):
        assert options["max_ongoing_requests"] <= 1_000
        scaling = options.get("autoscaling_config", {"max_replicas": options.get("num_replicas")})
        assert scaling["max_replicas"] <= 8
        assert ("num_replicas" in options) != (scaling.get("target_ongoing_requests", 0) > 0)
    assert {"max_model_len", "max_num_seqs"} < set(model["engine_kwargs"])
    assert {"kv_cache_memory_bytes", "gpu_memory_utilization"} & set(model["engine_kwargs"])


@pytest.mark.parametrize("name", NAMES)
def test_every_value_stands_beside_its_reason(name):
    lines = (FOLDER / f"{name}.yaml").read_text().splitlines()
    values = [line for line in lines if re.match(r"\s+\w+: *[^#\s]", line)]
    assert len(values) > 6
    assert [line for line in values if " # " not in line] == []


@pytest.mark.parametrize("name", NAMES)
def test_models_are_asked_of_no_hub(name):
    model = load_profile(name).model.show(name="x", folder=Path("/models/x"))
    assert model["runtime_env"]["env_vars"]["HF_HUB_OFFLINE"] == "1"


@pytest.mark.parametrize("left_out", ["max_model_len", "max_num_seqs", "kv_cache_memory_bytes"])
def test_a_file_without_a_bound_of_the_engine_is_refused(tmp_path, left_out):
    engine = {name: value for name, value in load_profile("cpu").model.engine.items() if name != left_out}
    with pytest.raises(InputError, match=left_out):
        load_profile(write(tmp_path, engine=engine))


@pytest.mark.parametrize("left_out", ["max_ongoing_requests", "max_queued_requests"])
def test_a_file_without_a_bound_of_requests_is_refused(tmp_path, left_out):
    told = yaml.safe_load((FOLDER / "cpu.yaml").read_text())
    del told["model"][left_out]
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(told))
    with pytest.raises(InputError, match=left_out):
        load_profile(str(path))


@pytest.mark.parametrize(
    ("replicas", "said"),
    [
        ({"min": 2, "max": 1}, "less than min"),
        ({"min": 1, "max": 2}, "target_ongoing_requests"),
        ({"min": 0, "max": 1}, "greater than or equal"),
        ({"most": 3}, "most"),
    ],
)
def test_replicas_that_say_too_little_or_nonsense_are_refused(tmp_path, replicas, said):
    with pytest.raises(InputError, match=said):
        load_profile(write(tmp_path, replicas=replicas))


@pytest.mark.parametrize(
    ("name", "said"), [("cpus", "did you mean cpu"), ("nowhere.yaml", "expected cpu, gpu")]
)
def test_a_name_that_is_none_is_told_with_those_there_are(name, said):
    with pytest.raises(InputError, match=said):
        load_profile(name)


@pytest.mark.parametrize("text", ["model: [", "[]", "", "\0", "a: &a [*a]"])
def test_a_file_that_is_no_profile_is_refused(tmp_path, text):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match="profile"):
        load_profile(str(path))


def test_tools_and_other_arguments_of_the_engine_go_to_vllm_as_they_are(tmp_path):
    engine = load_profile("cpu").model.engine | {
        "enable_auto_tool_choice": True,
        "tool_call_parser": "hermes",
    }
    profile = load_profile(write(tmp_path, engine=engine))
    assert isinstance(profile, ServingProfile)
    assert profile.model.show(name="x", folder=Path("x"))["engine_kwargs"] == engine


def test_adapters_are_loaded_as_they_are_asked_for_and_a_bounded_number_at_once(tmp_path):
    lora = {"path": "s3://models/adapters", "max_per_replica": 4}
    model = load_profile(write(tmp_path, lora=lora)).model.show(name="x", folder=Path("x"))
    assert model["engine_kwargs"]["enable_lora"] is True
    assert model["lora_config"] == {
        "dynamic_lora_loading_path": "s3://models/adapters",
        "max_num_adapters_per_replica": 4,
    }


@pytest.mark.parametrize(
    ("lora", "said"),
    [({"path": "adapters", "max_per_replica": 4}, "lora.path"), ({"path": "s3://x"}, "max_per_replica")],
)
def test_adapters_without_a_bound_or_in_a_place_that_ray_does_not_read_are_refused(tmp_path, lora, said):
    with pytest.raises(InputError, match=said):
        load_profile(write(tmp_path, lora=lora))
