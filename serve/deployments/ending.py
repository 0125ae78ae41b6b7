"""How `serve run` ends by SIGTERM: its application first, so that no record of an answer is lost."""

from __future__ import annotations

import atexit
import signal

from ray import is_initialized
from ray import serve as ray_serve
from ray._private import worker


def end_application_at_exit() -> None:
    """Have this process end its applications before Ray, where it is the one that will start Ray.

    SIGTERM makes Ray end a process by `sys.exit`, and Ray's own hook then kills every replica in about a
    second. Hooks run in reverse: this one is set later than Ray's, so it comes before. In a process where
    Ray runs already (a file's application is built in a worker of it) nothing is done.
    """
    if not is_initialized():
        atexit.register(_end_application)


def _end_application() -> None:
    """Let replicas store what they recorded, unless Ray is not of this process and goes on without it."""
    node = worker._global_node  # Ray tells it nowhere else
    if is_initialized() and node is not None and node.is_head():
        signal.alarm(0)  # Ray's handler of SIGTERM set one: three seconds later it would abort the process
        ray_serve.shutdown()
