"""Evaluations as runs of MLflow, in a folder or a database of SQLite; nothing goes over a network."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from eagleray.errors import InputError, MissingExtraError
from eagleray.setting_groups.evaluation import EvaluationSettings
from eagleray.settings import forbid_usage_reports

Track = Callable[[Mapping[str, Any], Sequence[Path]], str]
"""Keeps a result and files of it as a run, and returns the run's id; empty where none is kept."""

_LOCAL: Final = re.compile(r"(?:file:|sqlite:///).+|(?![A-Za-z][A-Za-z0-9+.-]*:).+")
_DATABASE: Final = "sqlite:///"
_ARTIFACTS: Final = "mlartifacts"
"""Folder beside a database."""

_NO_NAME: Final = re.compile(r"[^A-Za-z0-9_./ -]")


def open_tracking(settings: EvaluationSettings) -> Track:
    """Return what keeps results as runs, where settings say where.

    Raises:
        InputError: they name a server.
        MissingExtraError: MLflow is not installed.
    """
    if not settings.mlflow:
        return _track_nothing
    if _LOCAL.fullmatch(settings.mlflow) is None:
        detail = (
            f"EAGLERAY_EVALUATION__MLFLOW: expected a folder or sqlite:///file.db, found {settings.mlflow!r}"
        )
        raise InputError(detail=detail)
    forbid_usage_reports()
    try:
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
    except ModuleNotFoundError as error:
        raise MissingExtraError(part="MLflow", extra="mlflow") from error
    try:
        client = MlflowClient(tracking_uri=settings.mlflow)
        experiment = _find_experiment(client, settings)
    except MlflowException as error:
        raise InputError(detail=f"EAGLERAY_EVALUATION__MLFLOW: {error.message}") from error
    return lambda report, files: _track(client, experiment, report, files)


def _track_nothing(report: Mapping[str, Any], files: Sequence[Path]) -> str:  # noqa: ARG001 - a `Track`
    return ""


def _find_experiment(client: Any, settings: EvaluationSettings) -> str:
    """Return the id of the experiment; the files of a new one lie beside a database, or in the folder."""
    found = client.get_experiment_by_name(settings.experiment)
    if found is not None:
        return str(found.experiment_id)
    database = settings.mlflow.removeprefix(_DATABASE)
    is_database = database != settings.mlflow
    location = (Path(database).absolute().parent / _ARTIFACTS).as_uri() if is_database else None
    return str(client.create_experiment(settings.experiment, artifact_location=location))


def _track(client: Any, experiment: str, report: Mapping[str, Any], files: Sequence[Path]) -> str:
    run_id: str = client.create_run(experiment).info.run_id
    for name, value in _list_parameters(report):
        client.log_param(run_id, name, value)
    for name, number in _list_metrics(report):
        client.log_metric(run_id, name, number)
    for path in files:
        client.log_artifact(run_id, str(path))
    client.set_terminated(run_id)
    return run_id


def _list_parameters(report: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in report["asked"].items():
        yield name, str(value)
    for name, values in report["answered_by"].items():
        yield f"answered_by_{name}", ", ".join(values)
    yield "labels", report["labels"]["name"]
    yield "labels_sha256", report["labels"]["sha256"]
    yield "seed", str(report["seed"])


def _list_metrics(report: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    yield "questions", float(report["questions"])
    yield "errors", float(report["errors"])
    for name, found in (*report["measures"].items(), *_list_latencies(report)):
        for part, suffix in (("value", ""), ("low", ".low"), ("high", ".high")):
            if found[part] is not None:
                yield f"{name}{suffix}", float(found[part])
    for item in report["slices"]:
        place = _NO_NAME.sub("_", f"{item['column']}/{item['value']}")
        for name, found in item["measures"].items():
            if found["value"] is not None:
                yield f"{name}/{place}", float(found["value"])


def _list_latencies(report: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    return [(name, found) for name, found in report["times"].items() if name in ("p50_s", "p95_s")]
