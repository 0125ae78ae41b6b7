"""Connecting to a Ray cluster: the job's own, one by address, or a local one for this run."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import ray

from eagleray.errors import ClusterError
from eagleray.settings import forbid_usage_reports

IDLE_MS: Final = 60_000
"""How long a worker of a local cluster is kept for the next stage: starting another takes seconds."""

_REFUSED: Final = ("AuthenticationError", "InvalidAuthToken", "Authentication token")
"""What stands in Ray's errors where a cluster refuses the token of a process. Source: Ray 2.60."""

PROBE_S: Final = 10.0
"""How long a cluster given by its address has for the first answer, seconds."""


@contextmanager
def connected(address: str = "", *, n_cpus: int = 0) -> Iterator[None]:
    """Connect for the length of a block; a cluster this call started is stopped at its end.

    Args:
        address: of a running cluster; `auto` takes the one of the job this process belongs to;
            empty starts one on loopback, without a dashboard. A cluster that happens to run is
            never looked for: an address left by a dead one would hang for minutes.
        n_cpus: CPUs of a local cluster that has to be started; 0 takes the machine's.

    Raises:
        ClusterError: it could not be reached, or did not start.
    """
    if ray.is_initialized():
        yield
        return
    forbid_usage_reports()
    _probe(address)
    try:
        _start(address, n_cpus=n_cpus)
    except Exception as error:  # Ray raises plain `Exception`, too, when a node does not come up
        raise ClusterError(address=address or "on this machine", detail=_describe(error)) from error
    try:
        yield
    finally:
        ray.shutdown()


def _probe(address: str) -> None:
    """Fail at once where nothing listens at `host:port`; Ray itself would wait for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        return
    try:
        socket.create_connection((host, int(port)), timeout=PROBE_S).close()
    except OSError as error:
        detail = f"nothing answers there ({error}); is it running, and is this its address?"
        raise ClusterError(
            address=address, detail=f"{detail} Without one, a local cluster is started"
        ) from error


def _start(address: str, *, n_cpus: int) -> None:
    if address:
        ray.init(address=address, logging_level=logging.ERROR, log_to_driver=False)
        return
    ray.init(
        address="local",
        num_cpus=n_cpus or None,
        include_dashboard=False,
        logging_level=logging.ERROR,
        log_to_driver=False,
        _system_config={"idle_worker_killing_time_threshold_ms": IDLE_MS},
    )


def _describe(error: Exception) -> str:
    """Return what Ray says, on one line, with the cause of it; a refused token is said to be that."""
    texts = list(_list_texts(error))
    if any(sign in text for text in texts for sign in _REFUSED):
        advice = "set RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH to the cluster's token"
        return f"it refuses this process, whose token is missing or wrong; {advice}"
    first, *_ = texts[0].splitlines() or [""]
    told, causes = first or type(error).__name__, [text.splitlines()[-1] for text in texts[1:] if text]
    return ": ".join([told, *causes[-1:]])


def _list_texts(error: BaseException) -> Iterator[str]:
    """Yield the texts of an error and of what it came from; Ray itself puts tracebacks of others in them."""
    found: BaseException | None = error
    while found is not None:
        yield str(found).strip()
        found = found.__cause__ or found.__context__
