"""Names of the objects above segments: where each lies below its collection.

Segments name their own files in `indexes.segments.segment_upload`.
"""

from __future__ import annotations

COLLECTION = "collection.json"
SNAPSHOTS = "snapshots"
PATCHES = "patches"
ALIASES = "aliases"
PINS = "pins"


def name_snapshot(snapshot: str) -> str:
    """Return the name of a snapshot's manifest."""
    return f"{SNAPSHOTS}/{snapshot}.json"


def name_gate_report(snapshot: str) -> str:
    """Return the name of the report of a snapshot's gate."""
    return f"{SNAPSHOTS}/{snapshot}.gate.json"


def name_patch(digest: str) -> str:
    """Return the name of a patch file."""
    return f"{PATCHES}/{digest}.arrow"


def name_pin(snapshot: str) -> str:
    """Return the name of what keeps a snapshot whatever the retention."""
    return f"{PINS}/{snapshot}"


def name_alias_entry(alias: str, sequence: int) -> str:
    """Return the name of one move of an alias."""
    return f"{ALIASES}/{alias}/{sequence:012d}.json"
