"""What every result says beside its figures: command, machine, versions."""

from __future__ import annotations

import json
import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

_PACKAGES = ("numpy", "numba", "pyarrow", "ray", "torch", "transformers")


def show_stage(stage: str, done: int, total: int) -> None:
    """Print that a stage of an ingest is finished."""
    if done == total:
        print(f"{stage}: {total}", flush=True)


def show_result(figures: dict[str, Any]) -> None:
    """Print a result as one JSON object on the last line."""
    about = {
        "command": " ".join([f"python -m benchmarks.{Path(sys.argv[0]).stem}", *sys.argv[1:]]),
        "machine": {"cpus": os.cpu_count(), "architecture": platform.machine()},
        "versions": {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}},
    }
    print(json.dumps({**figures, "about": about}), flush=True)
