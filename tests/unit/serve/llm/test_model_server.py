from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from eagleray.contracts.served_models import ModelServeRequest, ServedModels
from eagleray.errors import InputError, ModelError
from eagleray.settings import Settings
from serve.llm.model_server import ModelServerService, describe_server

ANSWERS = """
import os, pathlib, sys
here = pathlib.Path(sys.argv[0]).parent
(here / "asked.json").write_text(sys.stdin.readline())
(here / "environment").write_text(os.environ["HF_HUB_OFFLINE"] + os.environ["RAY_worker_niceness"])
(here / "pid").write_text(str(os.getpid()))
os.write(1, b'{"metrics_port": 1234}\\n')
sys.stdin.read()
"""


@pytest.fixture
def model(tmp_path):
    folder = tmp_path / "toy"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    return folder


@pytest.fixture
def make_settings(tmp_path):
    """Return settings by which the environment's Python is a program of the test's."""

    def make(program):
        path = tmp_path / "python"
        path.write_text(f"#!{sys.executable}\n{program}")
        path.chmod(0o700)
        return Settings(cache=str(tmp_path / "cache"), llm={"python": str(path)})

    return make


def ask_for(*models, profiles=("cpu",), port=8124):
    return ModelServeRequest(models=tuple(map(str, models)), profiles=profiles, port=port)


def test_it_serves_until_it_is_told_to_end(model, make_settings, tmp_path):
    told = []

    def end(served):
        told.append(served)
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    ModelServerService(make_settings(ANSWERS)).serve(ask_for(model), end)
    assert told == [
        ServedModels(
            url="http://127.0.0.1:8124/v1", models=("toy",), metrics_url="http://127.0.0.1:1234/metrics"
        )
    ]
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text()}").exists()
    assert (tmp_path / "environment").read_text() == "10"
    assert signal.getsignal(signal.SIGTERM) is before
    asked = json.loads((tmp_path / "asked.json").read_text())
    assert asked["models"][0]["model_loading_config"] == {"model_id": "toy", "model_source": str(model)}


def test_the_command_prints_where_and_ends_as_a_success(model, make_settings):
    command = [sys.executable, "-m", "eagleray", "models", "serve", str(model), "--json", "--port", "8125"]
    environment = {**os.environ, "EAGLERAY_LLM__PYTHON": make_settings(ANSWERS).llm.python}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as process:
        shown = json.loads(process.stdout.readline())
        process.terminate()
        rest = process.stdout.read()
    assert shown == {
        "url": "http://127.0.0.1:8125/v1",
        "models": ["toy"],
        "metrics_url": "http://127.0.0.1:1234/metrics",
    }
    assert (process.returncode, rest) == (0, b"")


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("raise SystemExit(1)", "could not be served"),
        (ANSWERS.replace("sys.stdin.read()", ""), "ended by itself"),
    ],
)
def test_a_server_that_ends_by_itself_is_an_error(model, make_settings, program, said):
    with pytest.raises(InputError, match=said):
        ModelServerService(make_settings(program)).serve(ask_for(model), lambda *_: None)


def test_without_an_environment_for_language_models_it_says_how_to_make_one(model, tmp_path):
    settings = Settings(llm={"python": str(tmp_path / "nowhere")})
    with pytest.raises(InputError, match="make llm"):
        ModelServerService(settings).serve(ask_for(model), lambda *_: None)


def test_models_have_one_profile_or_each_its_own(model, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "config.json").write_text("{}")
    request = ask_for(model, other)
    both = describe_server(request, cache=tmp_path)
    assert [item["accelerator_config"]["kind"] for item in both["models"]] == ["cpu", "cpu"]
    mixed = describe_server(replace(request, profiles=("cpu", "gpu")), cache=tmp_path)
    assert [item["accelerator_config"]["kind"] for item in mixed["models"]] == ["cpu", "gpu"]
    assert both["cpus"] >= 6
    with pytest.raises(InputError, match="one for each of 2"):
        describe_server(replace(request, profiles=("cpu",) * 3), cache=tmp_path)


def test_two_models_of_one_name_are_refused(model, tmp_path):
    with pytest.raises(InputError, match="same name"):
        describe_server(ask_for(model, model), cache=tmp_path)


def test_what_is_no_model_is_refused(tmp_path):
    with pytest.raises(ModelError, match="no config.json"):
        describe_server(ask_for(tmp_path), cache=tmp_path)
    with pytest.raises(ModelError, match="models install nowhere"):
        describe_server(ask_for("nowhere"), cache=tmp_path)
