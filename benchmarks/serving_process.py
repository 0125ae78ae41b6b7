"""`eagleray serve` as a process of its own on a free loopback port, ended by its process id."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from eagleray.settings import Settings

_SERVE: Final = ("-m", "eagleray", "serve", "--port", "0", "--json")


@contextmanager
def run_server(
    settings: Settings,
    *,
    options: Sequence[str] = ("--development",),
    env: Mapping[str, str] | None = None,
    program: Sequence[str] = _SERVE,
) -> Iterator[str]:
    """Serve a collection for the length of a block, and give the URL.

    Raises:
        RuntimeError: the process ended before it was ready.
    """
    named = {
        "EAGLERAY_STORE": settings.store,
        "EAGLERAY_COLLECTION": settings.collection,
        "EAGLERAY_CACHE": settings.cache,
        "EAGLERAY_EMBEDDER__MODEL": settings.embedder.model,
    }
    process = subprocess.Popen(
        [sys.executable, *program, *options],
        env=os.environ | named | dict(env or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise RuntimeError(f"the server ended with {process.wait(timeout=30)} before it was ready")
        yield json.loads(line)["url"]
    finally:
        end_process(process)


def end_process(process: subprocess.Popen[str]) -> None:
    """Tell a process to end, and kill it where it does not."""
    process.terminate()
    try:
        process.wait(timeout=40)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(timeout=30)
    if process.stdout:
        process.stdout.close()
