"""Drawn requests to every route of a served collection, by every role: none may fail the server.

Run: python -m benchmarks.http_fuzz --n 20000 --seed 1

The server describes itself; one half of the requests is drawn from that description, and each answer is held
against it. The other half has one odd thing each (`http_oddities`). Ends with a failure where an answer is
500 or above, or is not as described.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from benchmarks.http_fuzzing import fuzz
from benchmarks.http_odd_asking import ask_odd
from benchmarks.reporting import show_result
from benchmarks.serving_process import run_server
from eagleray.contracts.callers import Role
from eagleray.contracts.services import IngestRequest, KeyRequest
from eagleray.parts import JOBS
from eagleray.settings import Settings
from serve.identity.key_service import StoredKeyService

COLLECTION: Final = "notes"
_WORDS: Final = ("swap", "repo", "bond", "coupon", "spread", "issuer", "rating", "curve")
_N_NOTES: Final = 60


def write_notes(folder: Path) -> Path:
    """Write small notes, some of them for a group alone, and return their folder."""
    folder.mkdir(parents=True)
    notes = [
        {
            "_id": f"note-{number}",
            "title": f"{_WORDS[number % 8]} note {number}",
            "text": " ".join(_WORDS[(number * step) % 8] for step in range(1, 12)) + ".",
            "known_from": f"2020-01-{number % 28 + 1:02d}T00:00:00Z",
            "groups": ["rates"] if number % 3 == 0 else [],
        }
        for number in range(_N_NOTES)
    ]
    lines = "".join(json.dumps(note) + "\n" for note in notes)
    (folder / "notes.jsonl").write_text(lines, encoding="utf-8")
    return folder


def make_credentials(settings: Settings) -> dict[str, str]:
    """Return the credential of each kind of caller: one a role, one that is wrong, and none."""
    keys = StoredKeyService(settings)
    made = {
        str(role): keys.create(KeyRequest(subject=str(role), roles=frozenset({role})))["key"] for role in Role
    }
    everything = keys.create(KeyRequest(subject="everything", roles=frozenset(Role), zones=None))
    return {**made, EVERYTHING: everything["key"], "wrong": "er_wrong", "nobody": ""}


EVERYTHING: Final = "everything"
"""Who has every role: what this caller sends is looked at to its end."""

KEYS_ALONE: Final = {"EAGLERAY_AUTH__API_KEYS": "true", "EAGLERAY_LOG__LEVEL": "error"}
"""Environment of the server: it answers holders of keys, and nobody else."""


def list_known(ingested: dict[str, Any]) -> dict[str, list[str]]:
    """Return name of a parameter -> values that lead somewhere, after an ingest with that report."""
    snapshots = ["live", ingested["snapshot"], ingested["snapshot"][:8]]
    return {
        "name": [COLLECTION, "hashing"],
        "doc_id": ["note-1"],
        "alias": ["live", "next"],
        "snapshot": snapshots,
        "before": snapshots,
        "after": snapshots,
        "expected": [ingested["snapshot"]],
        "run": [ingested["run"]],
    }


def main() -> None:
    """Run and print what was found; fail where anything was."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--n", type=int, default=20_000, help="requests, about")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            store=f"{folder}/store", collection=COLLECTION, embedder={"model": "hashing"}, jobs={"workers": 2}
        )
        source = write_notes(Path(folder) / "desk")
        ingested = JOBS.load(settings).ingest(IngestRequest(source=str(source)), lambda *_: None)
        credentials = make_credentials(settings)
        with run_server(settings, options=(), env=KEYS_ALONE) as url:
            known = list_known(ingested)
            report = fuzz(url, credentials=credentials, known=known, n=chosen.n // 2, seed=chosen.seed)
            n_odd = chosen.n - report.calls
            ask_odd(url, report, credentials=credentials, known=known, n=n_odd, seed=chosen.seed)
    for told in report.told:
        print(told, file=sys.stderr)
    show_result(
        {
            "calls": report.calls,
            "server_errors": report.server_errors,
            "violations": report.violations,
            "statuses": dict(sorted(report.statuses.items())),
        }
    )
    if report.server_errors or report.violations:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
