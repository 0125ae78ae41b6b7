"""The demo: build the sample as a Ray job on a local cluster, publish it, ask it.

Run by `make demo`. Everything it makes lies in `.demo/`; the cluster it starts, it stops.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import threading
from pathlib import Path

from local_cluster import running_cluster, submit

from eagleray.cli.app import app
from eagleray.embedders import open_embedder
from eagleray.settings import load_settings

ROOT = Path(__file__).resolve().parents[1]
STORE = ROOT / ".demo" / "store"
COLLECTION = "sample"
REPORTED = ("ingest:", "arrange:", "embed:", "build:", "documents:", "snapshot:", "published:")


def main() -> None:
    """Build, then ask."""
    shutil.rmtree(ROOT / ".demo", ignore_errors=True)
    STORE.mkdir(parents=True)
    print("1. Starting a local Ray cluster and submitting the job", flush=True)
    eagleray = Path(sys.executable).parent / "eagleray"
    command = [str(eagleray), "ingest", "examples/sample", "--address", "auto"]
    command += ["--mapping", "examples/mapping.yaml", "--store", str(STORE), "-c", COLLECTION]
    with (
        tempfile.TemporaryDirectory(prefix="ray-") as folder,
        running_cluster(ROOT / ".demo" / "ray.log", folder=Path(folder)) as address,
    ):
        submit(command, address=address, cwd=ROOT, on_line=report)
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
    print("\n6. An answer: every line cites what it stands on, and nothing is said that is not there")
    question = "What were Cubic's fixed price sales in 2018?"
    print(f"\n> {question}", flush=True)
    ask("ask", question, "--max-citations", "1")
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


def report(line: str) -> None:
    """Print a line of the job if it says what was done; load the model for questions when that is near."""
    if any(part in line for part in REPORTED):
        print(f"   {line.strip()}", flush=True)
    if line.startswith("embed:"):
        threading.Thread(target=load_model).start()


def load_model() -> None:
    """Load the model that embeds questions, so that the first one need not wait for it."""
    open_embedder(load_settings().embedder).embed_queries(["ready"])


if __name__ == "__main__":
    main()
