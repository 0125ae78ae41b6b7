"""What `eagleray snapshots` shows to people of answers that programs get whole with `--json`."""

from __future__ import annotations

from typing import Any


def describe_snapshot(shown: dict[str, Any]) -> dict[str, Any]:
    """Return a snapshot's fields with one sentence for each check of its gate."""
    gate = {
        check["name"]: f"{'passed' if check['passed'] else 'FAILED'}: {check['detail']}"
        for check in shown["gate"]
    }
    return {**shown, "gate": gate or "has not run"}


def describe_difference(shown: dict[str, Any]) -> dict[str, Any]:
    """Return what changed between two snapshots: counts first, then what is new or gone on disk."""
    changes = f"{shown['n_added']} added, {shown['n_removed']} removed, {shown['n_superseded']} superseded"
    described = {
        "before": shown["before"],
        "after": shown["after"],
        "documents": f"{shown['n_documents_before']} -> {shown['n_documents_after']} ({changes})",
        "rows": f"{shown['n_rows_before']} -> {shown['n_rows_after']}",
    }
    for name in ("segments_added", "segments_removed", "patches_added", "patches_removed"):
        if shown[name]:
            described[name] = shown[name]
    return described
