from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = [
    path
    for name in ("eagleray", "indexes", "ray_jobs", "serve")
    for path in sorted((ROOT / name).rglob("*.py"))
]


def test_importing_the_base_loads_none_of_the_heavy_packages():
    code = (
        "import sys, eagleray, eagleray.settings, eagleray.contracts.ports;"
        "print([name for name in ('ray', 'torch', 'faiss', 'fastapi') if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_module_says_what_it_is_and_stays_below_400_lines(path):
    text = path.read_text()
    assert text.lstrip().startswith('"""')
    assert len(text.splitlines()) <= 400


def test_only_settings_reads_the_environment():
    readers = [
        path.name for path in SOURCES if "os.environ" in path.read_text() or "getenv" in path.read_text()
    ]
    assert readers == ["settings.py"]
