"""Another server of embeddings, in an environment of its own: infinity-emb with the same model."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks.serving_process import end_process
from eagleray.embedders.configured_embedder import HASHING, find_model
from eagleray.settings import Settings

_START_S = 90.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A server that runs.

    Attributes:
        name: of the program, with its version.
        path: of its embeddings.
        model: as it is asked for.
    """

    name: str
    url: str
    path: str
    model: str


@contextmanager
def run_peer(settings: Settings, folder: Path) -> Iterator[Peer]:
    """Start infinity-emb of the environment in `folder` for the length of a block.

    Raises:
        RuntimeError: it cannot run here; says why.
    """
    program, python = folder / "bin" / "infinity_emb", folder / "bin" / "python"
    if settings.embedder.model == HASHING:
        raise RuntimeError("no other server has the hashing model")
    if not program.exists():
        raise RuntimeError(f"there is no {program}; `make peers` installs it")
    model, port = find_model(settings.embedder), _find_port()
    command = f"{program} v2 --model-id {model} --served-model-name same --host 127.0.0.1 --port {port}"
    command += " --engine torch --device cpu --no-bettertransformer --log-level error"
    env = {"DO_NOT_TRACK": "1", "INFINITY_ANONYMOUS_USAGE_STATS": "0", "HF_HUB_OFFLINE": "1"}
    process = subprocess.Popen(
        command.split(), env=os.environ | env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True
    )
    try:
        _wait(process, f"http://127.0.0.1:{port}/health")
        ask = "from importlib.metadata import version; print(version('infinity-emb'))"
        told = subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True).stdout.strip()
        yield Peer(
            name=f"infinity-emb {told}", url=f"http://127.0.0.1:{port}", path="/embeddings", model="same"
        )
    finally:
        end_process(process)


def _find_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(process: subprocess.Popen[str], url: str) -> None:
    until = time.monotonic() + _START_S
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"the peer ended with {process.returncode} before it was ready")
        try:
            if httpx.get(url, timeout=2.0).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.3)
    raise RuntimeError(f"the peer did not answer within {_START_S} s")
