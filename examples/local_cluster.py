"""A Ray cluster on loopback for the length of a block, and jobs submitted to it."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

RAY = Path(sys.executable).parent / "ray"
MAX_CPUS = 4
"""Enough for a sample: every CPU means a worker process that has to start."""

TOKEN = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
"""A token of this run, so that nobody else can submit to its cluster."""

PATIENCE = {"RAY_idle_worker_killing_time_threshold_ms": "60000"}
"""Keeps the workers of one stage for the next: starting another takes seconds."""


@contextmanager
def running_cluster(log: Path, *, folder: Path) -> Iterator[str]:
    """Start a Ray cluster on loopback, yield the address jobs go to, and stop it by process group.

    Args:
        log: file that takes what the cluster prints.
        folder: where the cluster keeps its own files.

    Raises:
        SystemExit: it did not start.
    """
    ports = dict(zip(("port", "dashboard-port", "dashboard-agent-listen-port"), find_ports(3), strict=True))
    command = [str(RAY), "start", "--head", "--block", "--node-ip-address=127.0.0.1"]
    command += [f"--{name}={port}" for name, port in ports.items()]
    command += [f"--num-cpus={min(MAX_CPUS, os.cpu_count() or 1)}", f"--temp-dir={folder}"]
    command += ["--dashboard-host=127.0.0.1", "--include-log-monitor=false", "--disable-usage-stats"]
    with log.open("w") as stream:
        process = subprocess.Popen(
            command,
            stdout=stream,
            stderr=stream,
            env={**os.environ, **TOKEN, **PATIENCE},
            start_new_session=True,
        )
        try:
            for name in ("dashboard-port", "dashboard-agent-listen-port"):
                wait_for(ports[name], process, log=log)
            yield f"http://127.0.0.1:{ports['dashboard-port']}"
        finally:
            stop(process)


def submit(command: Sequence[str], *, address: str, cwd: Path, on_line: Callable[[str], None]) -> None:
    """Run a command as a Ray job and hand on what it prints, line by line, as it comes.

    Raises:
        SystemExit: it failed; everything it printed is shown then.
    """
    submission = [str(RAY), "job", "submit", "--address", address, "--log-style", "record", "--", *command]
    process = subprocess.Popen(
        submission,
        cwd=cwd,
        env={**os.environ, **TOKEN},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines: list[str] = []
    for line in process.stdout or ():
        lines.append(line)
        on_line(line.rstrip())
    if process.wait():
        sys.exit(f"{''.join(lines)}\nthe job failed with exit code {process.returncode}")


def wait_for(port: int, process: subprocess.Popen[bytes], *, log: Path, timeout_s: float = 120.0) -> None:
    """Wait until something listens on a port of loopback.

    Raises:
        SystemExit: the process ended, or nothing listens in time.
    """
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            probe.settimeout(1.0)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    sys.exit(f"the Ray cluster did not start; see {log}")


def stop(process: subprocess.Popen[bytes]) -> None:
    """Stop the cluster: all of its process group, politely for a second, then not."""
    for sent in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, sent)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=1)
            break


def find_ports(count: int) -> list[int]:
    """Return free ports of loopback, all different."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()
