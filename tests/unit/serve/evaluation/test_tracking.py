"""Evaluations as runs of MLflow: what is kept, and where."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import pytest

from eagleray.errors import InputError, MissingExtraError
from eagleray.setting_groups.evaluation import EvaluationSettings
from serve.evaluation.results import show_result
from serve.evaluation.tracking import open_tracking
from tests.unit.serve.evaluation.test_results import RIGHT, WRONG, make


class MlflowError(Exception):
    """Stands for `mlflow.exceptions.MlflowException`."""

    def __init__(self, message):
        super().__init__(message)
        self.message = message


class RecordingClient:
    """Stands for `mlflow.MlflowClient`: keeps what it is given."""

    made = None

    def __init__(self, *, tracking_uri):
        if tracking_uri == "closed":
            raise MlflowError("folders are not taken any more")
        type(self).made, self.uri = self, tracking_uri
        self.params, self.metrics, self.artifacts, self.ended, self.experiments = {}, {}, [], [], {}

    def get_experiment_by_name(self, name):
        return None

    def create_experiment(self, name, *, artifact_location):
        self.experiments[name] = artifact_location
        return "7"

    def create_run(self, experiment_id):
        assert experiment_id == "7"
        return SimpleNamespace(info=SimpleNamespace(run_id="run-1"))

    def log_param(self, run_id, name, value):
        self.params[name] = value

    def log_metric(self, run_id, name, value):
        self.metrics[name] = value

    def log_artifact(self, run_id, path):
        self.artifacts.append(path)

    def set_terminated(self, run_id):
        self.ended.append(run_id)


@pytest.fixture
def client(monkeypatch):
    package, errors = ModuleType("mlflow"), ModuleType("mlflow.exceptions")
    package.MlflowClient, errors.MlflowException = RecordingClient, MlflowError
    monkeypatch.setitem(sys.modules, "mlflow", package)
    monkeypatch.setitem(sys.modules, "mlflow.exceptions", errors)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "false")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    return RecordingClient


@pytest.fixture
def report():
    result = make(RIGHT, WRONG)
    return show_result(result, is_whole=False)


def test_a_run_has_what_was_asked_the_measures_their_slices_and_the_files(client, report, tmp_path):
    uri = f"sqlite:///{tmp_path}/runs.db"
    track = open_tracking(EvaluationSettings(mlflow=uri, experiment="desk"))
    assert track(report, [tmp_path / "page.html"]) == "run-1"
    kept = client.made
    assert kept.experiments == {"desk": (tmp_path / "mlartifacts").as_uri()}
    assert kept.params["pipeline"] == "rag"
    assert kept.params["answered_by_model"] == "small"
    assert kept.metrics["strict"] == 0.1667
    assert kept.metrics["strict.high"] == report["measures"]["strict"]["high"]
    assert kept.metrics["strict/desk/credit"] == 0.3333
    assert kept.metrics["p50_s"] == report["times"]["p50_s"]["value"]
    assert "exact_match/desk/none" not in kept.metrics
    assert (kept.artifacts, kept.ended) == ([str(tmp_path / "page.html")], ["run-1"])


def test_reports_of_use_are_switched_off_before_it_is_loaded(client):
    import os

    open_tracking(EvaluationSettings(mlflow="runs"))
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"


def test_without_the_setting_nothing_is_loaded_or_kept(monkeypatch, report):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    assert open_tracking(EvaluationSettings())(report, []) == ""
    with pytest.raises(MissingExtraError, match="mlflow"):
        open_tracking(EvaluationSettings(mlflow="runs"))


@pytest.mark.parametrize(
    "place", ["http://127.0.0.1:5000", "https://mlflow.desk", "databricks://x", "postgresql://x/y"]
)
def test_a_server_is_refused(client, place):
    with pytest.raises(InputError, match="expected a folder or sqlite"):
        open_tracking(EvaluationSettings(mlflow=place))


def test_what_mlflow_refuses_is_told(client):
    with pytest.raises(InputError, match="folders are not taken any more"):
        open_tracking(EvaluationSettings(mlflow="closed"))
