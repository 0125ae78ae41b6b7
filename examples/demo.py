"""The demo: build the sample as a Ray job on a local cluster, publish it, ask it.

Run by `make demo`. Everything it makes lies in `.demo/`; the cluster it starts, it stops.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from eagleray.cli.app import app

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
STORE = ROOT / ".demo" / "store"
COLLECTION = "sample"
ATTEMPTS = 15
NOT_READY = "No available agent to submit job"
"""What a cluster says that listens already but cannot run a job yet."""

REPORTED = ("ingest:", "arrange:", "embed:", "build:", "documents_read", "snapshot", "published")
ENVIRONMENT = {**os.environ, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
"""What every command gets: a token of this run, so that nobody else can submit to its cluster."""


def main() -> None:
    """Build, then ask."""
    shutil.rmtree(ROOT / ".demo", ignore_errors=True)
    STORE.mkdir(parents=True)
    print("1. Starting a local Ray cluster and submitting the job", flush=True)
    with running_cluster() as address:
        mapping = "examples/sample/mapping.yaml"
        command = f"{BIN / 'eagleray'} ingest examples/sample --mapping {mapping} --address auto"
        submit(f"{command} --store {STORE} --collection {COLLECTION}", address=address)
    print("\n2. What was built")
    ask("snapshots", "list")
    print("\n3. Three searches; every hit says where it stands")
    search("What drove Cubic's total sales by contract type?", "-k", "2")
    search(
        "free cash flow of Vodafone", "-k", "2", "--filter", 'company = "Vodafone Group PLC" and year = 2019'
    )
    search("Why should monetary policy not follow a simple rule?", "-k", "1")
    question = "How many federal funds rate increases do we expect in 2022?"
    print("\n4. The same question, as it was known on two days")
    search(question, "-k", "1", "--filter", 'desk = "rates"', "--as-of", "2022-02-01")
    search(question, "-k", "1", "--filter", 'desk = "rates"', "--as-of", "2022-02-18")
    print("\n5. A note for one group only: the caller outside it does not even see that it exists")
    block = ("Vodafone block trade", "-k", "1", "--mode", "lexical", "--filter", 'kind = "note"')
    search(*block)
    search(*block, "--group", "equity-syndicate")
    print("\nWhere to go next")
    options = f"--store {STORE.relative_to(ROOT)} -c {COLLECTION} --explain"
    print(f"  .venv/bin/eagleray search 'your question' {options}")
    print("  README.md, docs/mapping.md (your own documents), ARCHITECTURE.md (how it works)")


def search(query: str, *options: str) -> None:
    """Print the question and its hits."""
    print(f"\n> {query}  {' '.join(repr(part) if ' ' in part else part for part in options)}", flush=True)
    ask("search", query, *options)


def ask(*arguments: str) -> None:
    """Run an eagleray command on the demo's collection, in this process: the model loads once."""
    app([*arguments, "--store", str(STORE), "--collection", COLLECTION], standalone_mode=False)


def submit(command: str, *, address: str) -> None:
    """Run a command as a Ray job and show what it reports.

    Raises:
        SystemExit: it failed; everything it printed is shown then.
    """
    submission = f"{BIN / 'ray'} job submit --address {address} --log-style record -- {command}"
    for _ in range(ATTEMPTS):
        done = subprocess.run(
            submission.split(), cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=False
        )
        if NOT_READY not in done.stdout + done.stderr:
            break
        time.sleep(2.0)
    if done.returncode:
        sys.exit(f"{done.stdout}{done.stderr}\nthe job failed with exit code {done.returncode}")
    for line in done.stdout.splitlines():
        if any(part in line for part in REPORTED):
            print(f"   {line.strip()}", flush=True)


@contextmanager
def running_cluster() -> Iterator[str]:
    """Start a Ray cluster on loopback, yield its job address, and stop it by process group."""
    port, dashboard = find_port(), find_port()
    command = [
        str(BIN / "ray"),
        "start",
        "--head",
        "--block",
        "--node-ip-address=127.0.0.1",
        f"--port={port}",
    ]
    command += ["--dashboard-host=127.0.0.1", f"--dashboard-port={dashboard}", "--disable-usage-stats"]
    log = (ROOT / ".demo" / "ray.log").open("w")
    process = subprocess.Popen(command, stdout=log, stderr=log, env=ENVIRONMENT, start_new_session=True)
    try:
        wait_for(dashboard, process)
        yield f"http://127.0.0.1:{dashboard}"
    finally:
        stop(process)
        log.close()


def stop(process: subprocess.Popen[bytes]) -> None:
    """Stop the cluster: all of its process group, politely for five seconds, then not."""
    for sent in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, sent)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=5)
            break


def wait_for(port: int, process: subprocess.Popen[bytes], *, timeout_s: float = 90.0) -> None:
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
        time.sleep(0.2)
    sys.exit(f"the Ray cluster did not start; see {ROOT / '.demo' / 'ray.log'}")


def find_port() -> int:
    """Return a free port of loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
