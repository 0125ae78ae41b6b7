from __future__ import annotations

import socket
import time

import pytest

from eagleray.errors import ClusterError

pytest.importorskip("ray", reason="ray is not installed: pip install 'eagleray[ray]'")

import ray

from ray_jobs.clusters import connected


@pytest.fixture
def silent_address():
    """An address of loopback at which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"


def test_an_address_where_nothing_listens_is_refused_at_once(silent_address):
    started = time.monotonic()
    with (
        pytest.raises(ClusterError, match=f"{silent_address}: nothing answers there .*refused") as caught,
        connected(silent_address),
    ):
        pass
    assert time.monotonic() - started < 5
    assert (caught.value.address, caught.value.exit_code) == (silent_address, 5)


def test_a_local_cluster_that_does_not_start_is_an_error_of_one_line(monkeypatch):
    def fail(**_: object) -> None:
        raise Exception("The current node timed out during startup.\nMore of Ray's own words")

    monkeypatch.setattr(ray, "init", fail)
    with pytest.raises(ClusterError) as caught, connected():
        pass
    assert str(caught.value) == "Ray cluster on this machine: The current node timed out during startup."


def fail_to_connect(cause):
    def fail(**_: object) -> None:
        try:
            raise RuntimeError(cause)
        except RuntimeError as error:
            raise ConnectionError("Failed to connect to Ray cluster at ray-head:6379") from error

    return fail


def test_a_token_that_a_cluster_refuses_is_said_to_be_that(monkeypatch):
    traceback = (
        "Last connection error: Traceback\n  File x\nray.exceptions.AuthenticationError: InvalidAuthToken"
    )
    monkeypatch.setattr(ray, "init", fail_to_connect(traceback))
    with pytest.raises(ClusterError, match="whose token is missing or wrong; set RAY_AUTH_MODE"), connected():
        pass


def test_an_error_of_ray_keeps_its_cause(monkeypatch):
    monkeypatch.setattr(ray, "init", fail_to_connect("Traceback\n  File x\nOSError: the name is not known"))
    with pytest.raises(ClusterError) as caught, connected():
        pass
    said = "Failed to connect to Ray cluster at ray-head:6379: OSError: the name is not known"
    assert str(caught.value) == f"Ray cluster on this machine: {said}"


def test_an_error_of_the_work_itself_stays_what_it_is(monkeypatch):
    monkeypatch.setattr(ray, "init", lambda **_: None)
    with pytest.raises(ZeroDivisionError), connected():
        1 / 0  # noqa: B018 - raises on purpose
