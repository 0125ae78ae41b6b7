"""Who imports what: read from the files' own trees, whatever an import's form and place."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

import pytest

from tests.architecture.trees import (
    PACKAGES,
    is_for_types_alone,
    list_imports,
    list_modules,
    name_module,
    name_path,
)

RAY_USERS = {
    "ray_jobs/clusters.py": "connects",
    "ray_jobs/execution.py": "runs stages on Ray Data",
    "ray_jobs/item_counts.py": "adds up what workers count, through the cluster",
    "ray_jobs/passes.py": "keeps blocks on workers for passes over them",
    "serve/app.py": "binds the deployments, and ends them before Ray ends",
    "serve/deployments/calling.py": "names what a failed call raises",
    "serve/deployments/ingress.py": "asks the proxies which replicas there are",
    "serve/deployments/language_models.py": "serves language models, run as a file",
    "serve/deployments/remote.py": "names what fails where replicas are asked what waits",
    "serve/deployments/remote_watchers.py": "asks other deployments which snapshots they have",
}
"""Files that import ray, and what for; everything else runs without a cluster."""

TREE = (*PACKAGES, "benchmarks", "examples", "tools", "tests")


def list_users(package):
    return {
        name_path(path)
        for path in list_modules(*PACKAGES)
        for _, name in list_imports(path)
        if name.split(".")[0] == package
    }


def find_circle(graph):
    """Return modules that import each other in a circle; nothing where there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def build_graph(folders):
    """Return each module with those it imports when it runs, also within functions."""
    modules = {name_module(path): path for path in list_modules(*folders)}
    graph = {}
    for module, path in modules.items():
        asked = [name for node, name in list_imports(path) if not is_for_types_alone(path, node)]
        found = {name if name in modules else name.rpartition(".")[0] for name in asked}
        graph[module] = (found & set(modules)) - {module}
    return graph


def test_ray_is_imported_by_adapters_alone():
    assert list_users("ray") == set(RAY_USERS)


def test_pytest_is_imported_by_what_others_test_with_alone():
    users = list_users("pytest")
    assert users
    assert all(path.startswith("eagleray/testing/") for path in users)


def test_no_modules_import_each_other_in_a_circle():
    graph = build_graph(TREE)
    assert sum(map(len, graph.values())) > 2_000
    assert find_circle(graph) == []


@pytest.mark.parametrize(
    ("graph", "is_round"),
    [({"a": {"b"}, "b": {"c"}, "c": set()}, False), ({"a": {"b"}, "b": {"c"}, "c": {"a"}}, True)],
)
def test_a_circle_is_found(graph, is_round):
    assert bool(find_circle(graph)) is is_round
