"""The wheel in an environment that has what it must have, and nothing else."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
HEAVY = ("ray", "torch", "faiss", "httpx", "fastapi", "pandas", "transformers", "numba")
MAX_IMPORT_S = 0.2


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    """A folder that holds the wheel and what it requires, unpacked, without the extras."""
    folder = tmp_path_factory.mktemp("site-packages")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(folder)
    metadata = next(folder.glob("*.dist-info")) / "METADATA"
    required = re.findall(r"^Requires-Dist: (.*)$", metadata.read_text(encoding="utf-8"), re.M)
    for name in find_required(required):
        link_distribution(name, folder)
    return folder


def find_required(requirements):
    """Return the names of all distributions that requirements need, without their extras."""
    found, waiting = set(), list(requirements)
    while waiting:
        requirement = Requirement(waiting.pop())
        if requirement.name in found or (
            requirement.marker and not requirement.marker.evaluate({"extra": ""})
        ):
            continue
        found.add(requirement.name)
        waiting += distribution(requirement.name).requires or []
    return sorted(found)


def link_distribution(name, folder):
    installed = distribution(name)
    for part in {
        file.parts[0] for file in installed.files or [] if file.parts[0] not in ("..", "__pycache__")
    }:
        link = folder / part
        if not link.exists():
            link.symlink_to(installed.locate_file(part))


def run(environment, code):
    """Return what a fresh process prints that sees the environment alone."""
    code = f"import sys; sys.path.append({str(environment)!r})\n{code}"
    command = [sys.executable, "-I", "-S", "-c", code]
    shown = subprocess.run(command, cwd=environment, capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stderr
    return json.loads(shown.stdout)


def test_the_wheel_says_that_it_is_typed(wheel):
    with zipfile.ZipFile(wheel) as packed:
        names = packed.namelist()
    assert {name for name in names if name.endswith("py.typed")} == {
        f"{package}/py.typed" for package in ("eagleray", "indexes", "ray_jobs", "serve")
    }
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {
        "eagleray",
        "indexes",
        "ray_jobs",
        "serve",
    }


def test_the_package_is_imported_from_the_wheel_without_any_extra_in_a_fifth_of_a_second(environment):
    code = """
import json, time
began = time.perf_counter()
import eagleray
taken_s = time.perf_counter() - began
print(json.dumps([taken_s, eagleray.__file__, [name for name in HEAVY if name in sys.modules]]))
"""
    tries = [run(environment, code.replace("HEAVY", repr(HEAVY))) for _ in range(5)]
    assert {where for _, where, _ in tries} == {str(environment / "eagleray" / "__init__.py")}
    assert all(loaded == [] for _, _, loaded in tries)
    assert min(taken_s for taken_s, _, _ in tries) < MAX_IMPORT_S


def test_every_public_name_is_there_without_any_extra(environment):
    code = """
import json, eagleray
missing = [name for name in eagleray.__all__ if not hasattr(eagleray, name)]
print(json.dumps([missing, [name for name in HEAVY if name in sys.modules]]))
"""
    assert run(environment, code.replace("HEAVY", repr(HEAVY))) == [[], []]


@pytest.mark.parametrize(
    ("call", "extra"),
    [
        ("eagleray.open('store')", "search"),
        ("eagleray.snapshots('store')", "search"),
        ("eagleray.publish('live', store='store')", "search"),
        ("eagleray.ingest('folder', store='store')", "ray"),
        ("eagleray.connect('https://search.example')", "client"),
    ],
)
def test_what_needs_an_extra_names_it(environment, call, extra):
    code = f"""
import json, eagleray
try:
    {call}
except eagleray.MissingExtraError as error:
    print(json.dumps(error.fields["extra"]))
"""
    assert run(environment, code) == extra
