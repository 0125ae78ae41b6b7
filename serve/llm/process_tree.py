"""A process with all that it starts, also what outlives its parent: at the end nothing of it is left.

A process that loses its parent becomes a child of the nearest ancestor that adopts orphans, which this one
does. So each of them is found below it, whatever it calls itself and in whichever group it runs.

Source: prctl(2), PR_SET_CHILD_SUBREAPER; proc(5), /proc/pid/stat.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from eagleray.errors import InputError

_PR_SET_CHILD_SUBREAPER: Final = 36
_PAUSE_S: Final = 0.02


@contextmanager
def run_whole(
    command: Sequence[str], *, variables: Mapping[str, str], grace_s: float
) -> Iterator[subprocess.Popen[bytes]]:
    """Give a process whose standard input and output are pipes.

    Args:
        command: with its arguments.
        variables: of its environment, beside those that it inherits.
        grace_s: seconds that it gets to end by itself after SIGTERM, before it is killed with all it started.

    Raises:
        InputError: this system has no such adoption.
    """
    _adopt_orphans()
    others = _list_children(os.getpid())
    process = subprocess.Popen(  # noqa: S603 - what the caller names
        ["/usr/bin/env", *(f"{name}={value}" for name, value in variables.items()), *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,  # what a terminal interrupts is this process alone, which ends the other
    )
    try:
        yield process
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(grace_s)
        process.kill()
        process.wait()
        _kill_children(others)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def _adopt_orphans() -> None:
    if sys.platform != "linux":
        raise InputError(detail="language models are served on Linux alone")
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _kill_children(others: frozenset[int]) -> None:
    """Kill the children of this process but the others, and those that become its children by that."""
    while found := _list_children(os.getpid()) - others:
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        time.sleep(_PAUSE_S)


def _list_children(parent: int) -> frozenset[int]:
    return frozenset(
        int(path.name)
        for path in Path("/proc").iterdir()
        if path.name.isdigit() and _read_parent(path) == parent
    )


def _read_parent(path: Path) -> int:
    try:
        told = (path / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:  # it has ended
        return 0
    return int(told.rpartition(")")[2].split()[1])  # its name, in parentheses, may hold anything
