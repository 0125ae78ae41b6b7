"""When a process ends its applications before Ray: where it started Ray itself, after the build."""

from __future__ import annotations

import warnings
from types import SimpleNamespace

import pytest

pytest.importorskip("ray", reason="ray is not installed: pip install 'eagleray[ray]'")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what Ray Serve imports is deprecated elsewhere
    from serve import app as ending


@pytest.fixture
def done(monkeypatch):
    """What was done, in order."""
    found = []
    monkeypatch.setattr(ending.atexit, "register", found.append)
    monkeypatch.setattr(ending.signal, "alarm", found.append)
    monkeypatch.setattr(ending.ray_serve, "shutdown", lambda: found.append("shutdown"))
    return found


def set_ray(monkeypatch, *, is_initialized, node=None):
    monkeypatch.setattr(ending, "is_initialized", lambda: is_initialized)
    monkeypatch.setattr(ending.worker, "_global_node", node)


def find_hook(monkeypatch, done):
    """Return what a process does at its end that starts Ray after it said so."""
    set_ray(monkeypatch, is_initialized=False)
    ending.end_application_at_exit()
    return done.pop()


@pytest.mark.parametrize("is_initialized", [False, True])
def test_the_hook_is_set_where_ray_does_not_run_yet(monkeypatch, done, is_initialized):
    set_ray(monkeypatch, is_initialized=is_initialized)
    ending.end_application_at_exit()
    assert len(done) == (0 if is_initialized else 1)


def test_the_alarm_is_taken_back_before_replicas_get_their_time(monkeypatch, done):
    end = find_hook(monkeypatch, done)
    set_ray(monkeypatch, is_initialized=True, node=SimpleNamespace(is_head=lambda: True))
    end()
    assert done == [0, "shutdown"]


@pytest.mark.parametrize(
    ("is_initialized", "node"),
    [(True, SimpleNamespace(is_head=lambda: False)), (True, None), (False, None)],
)
def test_a_cluster_of_somebody_else_goes_on(monkeypatch, done, is_initialized, node):
    end = find_hook(monkeypatch, done)
    set_ray(monkeypatch, is_initialized=is_initialized, node=node)
    end()
    assert done == []
