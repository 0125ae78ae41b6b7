"""Runs a server of language models on Ray Serve, in the environment that has vLLM, and ends it whole."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NoReturn

from eagleray.contracts.served_models import ModelServeRequest, ServedModels
from eagleray.errors import InputError
from eagleray.models.language.installed import find_model_folder, find_python
from eagleray.settings import Settings
from serve.llm.process_tree import run_whole
from serve.llm.serving_profiles import OFFLINE, ServingProfile, load_profile

_SCRIPT: Final = Path(__file__).parents[1] / "deployments" / "language_models.py"
_GRACE_S: Final = 30.0
_RAY: Final = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_agent_register_timeout_ms": "180000",  # of 30 s: a machine with models on its cores is a busy one
    "RAY_worker_niceness": "0",  # of 15, by default: what somebody waits for would starve beside any job
}
_CPUS_EACH: Final = 3
"""Of a cluster that begins here, by which Ray places the replica of a model, its engine, and the ingress."""


class ModelServerService:
    """Implements `ModelService` with Ray Serve and vLLM."""

    def __init__(self, settings: Settings) -> None:
        """Take the settings: they name the environment, and the cache with models."""
        self._settings = settings

    def serve(self, request: ModelServeRequest, on_ready: Callable[[ServedModels], None]) -> None:
        """Serve models until SIGTERM or SIGINT; see `ModelService`."""
        asked = describe_server(request, cache=self._settings.cache_folder)
        python = find_python(self._settings.llm.python)
        if not python.is_file():
            raise InputError(
                detail=f"there is no environment for language models at {python.parent.parent}; run make "
                "llm, or set EAGLERAY_LLM__PYTHON to the Python of one"
            )
        names = tuple(model["model_loading_config"]["model_id"] for model in asked["models"])
        command = [str(python), "-P", str(_SCRIPT)]
        with (
            _ending_by_signal(),
            run_whole(command, variables={**_RAY, **OFFLINE}, grace_s=_GRACE_S) as process,
        ):
            if process.stdin is None or process.stdout is None:
                raise TypeError("a process was started without its pipes")
            process.stdin.write(json.dumps(asked).encode() + b"\n")
            process.stdin.flush()  # left open: where it ends, so does the server
            told = process.stdout.readline()
            if not told:
                raise InputError(detail="the models could not be served; standard error says why")
            on_ready(
                ServedModels(
                    url=f"http://127.0.0.1:{request.port}/v1",
                    models=names,
                    metrics_url=f"http://127.0.0.1:{json.loads(told)['metrics_port']}/metrics",
                )
            )
            process.wait()
            raise InputError(detail="the server of the models ended by itself; standard error says why")


def describe_server(request: ModelServeRequest, *, cache: Path) -> dict[str, Any]:
    """Return what the script is asked to serve.

    Args:
        request: which models, and how.
        cache: that has the installed models.

    Raises:
        InputError: the models cannot be told apart, or have no profile each.
        ModelError: there is no such model.
    """
    folders = [find_model_folder(cache, path) for path in request.models]
    if len({folder.name for folder in folders}) < len(folders):
        raise InputError(detail="two models have the same name: their folders are named alike")
    profiles = _match_profiles(request)
    return {
        "models": [
            profile.model.show(name=folder.name, folder=folder)
            for profile, folder in zip(profiles, folders, strict=True)
        ],
        "ingress": profiles[0].ingress.show(),
        "port": request.port,
        "address": request.address or "local",
        "cpus": max(os.cpu_count() or 1, _CPUS_EACH * len(folders)),
    }


def _match_profiles(request: ModelServeRequest) -> list[ServingProfile]:
    profiles = [load_profile(name) for name in request.profiles]
    if len(profiles) == 1:
        return profiles * len(request.models)
    if len(profiles) != len(request.models):
        detail = f"expected one profile, or one for each of {len(request.models)} models, in their order"
        raise InputError(detail=detail)
    return profiles


class _Ended(BaseException):
    """The process was told to end."""


@contextmanager
def _ending_by_signal() -> Iterator[None]:
    """Leave the block when SIGTERM or SIGINT comes, as if it had ended."""

    def end(*_: object) -> NoReturn:
        for number in before:
            signal.signal(number, signal.SIG_IGN)  # ending is not to be interrupted
        raise _Ended

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        for number in before:
            signal.signal(number, end)
        yield
    except _Ended:
        return
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
