"""Tests that nothing on a page leads nowhere: links, anchors, files, folders, modules and benchmarks."""

import ast
import re
from pathlib import Path

import pytest

import eagleray
from eagleray import errors
from tests.architecture.trees import PACKAGES, list_modules, parse

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
FOLDERS = "eagleray indexes ray_jobs serve tests benchmarks cluster docs examples notebooks requirements"
OURS = tuple(f"{folder}/" for folder in FOLDERS.split())
PARTS = {path.stem for path in (ROOT / "eagleray").iterdir()}
"""Modules of the package, which are no names of it."""

REFERENCE = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
REFERENCE_SETTINGS = set(re.findall(r"(?m)^\| `(EAGLERAY_\w+)`", REFERENCE))
NO_SETTINGS = {"EAGLERAY_PORT", "EAGLERAY_SERVICE_HOST"}
"""Variables that Kubernetes writes for a Service of that name."""

HISTORY = {"CHANGELOG.md"}
"""Pages that tell of what was, and may name what is no more."""


def read_prose(page):
    """Return a page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.S | re.M)


def list_anchors(page):
    """Return the anchors that GitHub gives a page's headings."""
    headings = re.findall(r"^#+ (.+)$", read_prose(page), re.M)
    plain = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "") for heading in headings]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in plain}


def list_links(page):
    return re.findall(r"\]\(([^)\s]+)\)", read_prose(page))


def list_paths(page):
    """Return each path of the project that stands between backquotes, without placeholders and patterns."""
    words = re.findall(r"`([^`\s]+)`", read_prose(page))
    return [word for word in words if word.startswith(OURS) and not re.search(r"[<>*…{}()]|::", word)]


def exists(path):
    return (ROOT / path).exists() or (ROOT / f"{path}.py").exists()


def is_benchmark(name):
    return (ROOT / "benchmarks" / f"{name}.py").is_file()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_link_leads_to_a_file_and_an_anchor_that_are_there(page):
    for link in list_links(page):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if anchor:
            assert anchor in list_anchors(target), link


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.name not in HISTORY], ids=lambda page: page.name
)
def test_a_file_or_benchmark_that_a_page_names_is_there(page):
    assert [path for path in list_paths(page) if not exists(path.split("#")[0])] == []
    named = re.findall(r"\bbenchmarks\.(?!md\b)(\w+)", page.read_text(encoding="utf-8"))
    assert [name for name in named if not is_benchmark(name)] == []


def test_the_pages_name_paths_and_benchmarks():
    paths = [path for page in PAGES for path in list_paths(page)]
    assert len(paths) > 50
    assert not exists("benchmarks/nothing.py")
    assert not is_benchmark("nothing")


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.name not in HISTORY], ids=lambda page: page.name
)
def test_a_setting_or_error_that_a_page_names_exists(page):
    text = page.read_text(encoding="utf-8")
    settings = set(re.findall(r"\bEAGLERAY_\w*[A-Z]\b(?!_)", text))
    assert settings - REFERENCE_SETTINGS - NO_SETTINGS == set()
    named = set(re.findall(r"`(\w+Error)`", text)) - {"UsageError", "TypeError"}
    assert [name for name in named if not hasattr(errors, name)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_public_name_that_a_page_names_exists(page):
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"\beagleray\.([A-Z]\w*|\w+(?=\())", text)) - PARTS
    assert [name for name in named if not hasattr(eagleray, name)] == []


def list_events():
    """Return the name of each event that a logger of the project is told."""
    calls = [
        node
        for path in list_modules(*PACKAGES)
        for node in ast.walk(parse(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    ]
    return {
        call.args[0].value
        for call in calls
        if call.func.attr in {"debug", "info", "warning", "error"}
        and re.fullmatch(r"_?log|get_logger\(\)", ast.unparse(call.func.value))
        and isinstance(call.args[0], ast.Constant)
    }


def test_every_event_of_the_logs_stands_in_the_reference():
    events = list_events()
    assert len(events) > 40
    table = REFERENCE[REFERENCE.index("\n## Logs") : REFERENCE.index("\n## Errors")]
    assert [event for event in sorted(events) if f"`{event}`" not in table] == []
