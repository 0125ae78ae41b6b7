"""What is told of collections, their snapshots, aliases and runs; for the description of the API."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

SNAPSHOT = "3b1f" * 16
"""Stands for a snapshot's id in examples."""

_MOVE: dict[str, Any] = {
    "alias": "live",
    "sequence": 2,
    "snapshot": SNAPSHOT,
    "previous": "9c0e" * 16,
    "moved_at": "2026-01-31T06:00:00Z",
    "reason": "publish 7d1c5f0e2a944b60",
}
_COLLECTION: dict[str, Any] = {
    "name": "notes",
    "alias": "live",
    "snapshot": SNAPSHOT,
    "model": {"name": "all-MiniLM-L6-v2", "dimension": 384, "max_tokens": 256},
    "chunker": {"max_tokens": 256, "target_tokens": 230, "overlap_tokens": 40},
}


def _show(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [example]})


class CollectionModelAnswer(BaseModel):
    """The model that embedded the collection."""

    name: str
    dimension: int
    max_tokens: int = Field(description="Longest text it reads, in its tokens.")


class ChunkerAnswer(BaseModel):
    """How documents were cut, in the model's tokens."""

    max_tokens: int
    target_tokens: int
    overlap_tokens: int


class CollectionAnswer(BaseModel):
    """A served collection."""

    model_config = _show(_COLLECTION)

    name: str
    alias: str = Field(description="The alias that is served.")
    snapshot: str = Field(description="Id of the snapshot that answers.")
    model: CollectionModelAnswer
    chunker: ChunkerAnswer


class CollectionsAnswer(BaseModel):
    """The served collections."""

    model_config = _show({"collections": [_COLLECTION]})

    collections: list[CollectionAnswer]


class SnapshotLine(BaseModel):
    """A snapshot, in short."""

    snapshot: str
    written_at: str = Field(description="ISO 8601, by the store's clock.")
    n_documents: int
    n_rows: int
    aliases: list[str]


class SnapshotsAnswer(BaseModel):
    """The last snapshots, the newest first."""

    snapshots: list[SnapshotLine]


class CheckAnswer(BaseModel):
    """One thing the gate looked at."""

    name: str
    passed: bool
    detail: str
    figures: dict[str, float]


class SnapshotAnswer(BaseModel):
    """A snapshot's manifest, the aliases on it, and what its gate found."""

    snapshot: str
    aliases: list[str]
    collection: dict[str, Any] = Field(description="What all its segments follow.")
    segments: list[str] = Field(description="Digests, in order.")
    patches: list[str] = Field(description="Digests, in the order in which they are applied.")
    parent: str | None = Field(description="The snapshot it was built on.")
    n_rows: int
    n_documents: int
    attributes: dict[str, list[str]] = Field(
        description="Name of each attribute, and the types of its values."
    )
    watermarks: dict[str, str]
    ranking: dict[str, Any] | None = Field(description="Fitted weights, where there are any.")
    relevance: dict[str, Any] | None = Field(description="Fitted relevance, where there is any.")
    format_version: int
    gate: list[CheckAnswer] = Field(description="Empty where the gate has not run.")


class DifferenceAnswer(BaseModel):
    """How a snapshot differs from another one."""

    before: str
    after: str
    segments_added: list[str]
    segments_removed: list[str]
    patches_added: list[str]
    patches_removed: list[str]
    n_rows_before: int
    n_rows_after: int
    n_documents_before: int
    n_documents_after: int
    n_added: int
    n_removed: int
    n_superseded: int


class MoveAnswer(BaseModel):
    """A move of an alias."""

    model_config = _show(_MOVE)

    alias: str
    sequence: int = Field(description="1 for the alias's first move.")
    snapshot: str = Field(description="Where it points from here on.")
    previous: str | None
    moved_at: str
    reason: str = Field(description="`publish` or `rollback`, with the run or request that did it.")


class AliasesAnswer(BaseModel):
    """The last move of each alias, by name."""

    model_config = _show({"aliases": [_MOVE]})

    aliases: list[MoveAnswer]


class AliasAnswer(MoveAnswer):
    """The last move of an alias, and all of them."""

    model_config = _show({**_MOVE, "history": [_MOVE]})

    history: list[MoveAnswer] = Field(description="The first move first.")


class MovedAnswer(MoveAnswer):
    """The move that an alias is at."""

    model_config = _show({**_MOVE, "taken": True})

    taken: bool = Field(description="Whether new requests to this server get that snapshot already.")


class StageAnswer(BaseModel):
    """How far a stage of a run came."""

    stage: str
    n_done: int = Field(description="Shards that are finished.")
    first_at: str
    last_at: str


class RunAnswer(BaseModel):
    """A run of a job."""

    run: str
    source: str
    parent: str | None = Field(description="The snapshot it builds on.")
    status: Literal["open", "ended", "failed"] = Field(description="`open`: at work, or it was killed.")
    error: str = Field(description="Type of the error that ended it.")
    started_at: str
    ended_at: str | None
    stages: list[StageAnswer]


class RunsAnswer(BaseModel):
    """The last runs, the newest first."""

    runs: list[RunAnswer]


class DeadLetterAnswer(BaseModel):
    """A piece of input that could not become a document."""

    source: str
    position: str = Field(description="Line, row or page; empty for the whole file.")
    reason: str
    detail: str
    doc_id: str
    n: int = Field(description="Pieces it stands for: later ones of its file and reason are not listed.")


class DeadLettersAnswer(BaseModel):
    """What a run set aside, by source and position."""

    n: int = Field(description="Pieces set aside in all.")
    next: int | None = Field(description="`after` of the request for those that follow.")
    letters: list[DeadLetterAnswer]
