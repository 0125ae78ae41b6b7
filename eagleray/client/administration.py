"""What the command line does to a collection, from Python: take in a source, publish, list snapshots.

The work is done by the parts the upper layers register (`eagleray.parts`); nothing is printed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypedDict, Unpack

from eagleray.client.choices import read_count, read_flag, read_place, read_share, read_text
from eagleray.client.keywords import with_keywords
from eagleray.contracts.manifests import AliasEntry
from eagleray.contracts.services import IngestRequest, OnProgress
from eagleray.contracts.times import parse_instant
from eagleray.models.widget_notices import without_widget_notices
from eagleray.parts import INDEX, JOBS
from eagleray.settings import Settings, load_named


class IngestOptions(TypedDict, total=False):
    """What may be said of an ingest besides its source, mapping and collection.

    Attributes:
        name: name the source's documents are filed under; the folder's unless it is given.
        alias: alias to move, `live` unless it is given; empty builds without publishing.
        resume: whether what an unfinished run of the same input left is used; so unless it is given.
        relabel: whether the versions there are get the attributes, titles and groups that the mapping says
            now, and nothing is added or ended.
        open_documents: whether a mapping other than before may open documents to callers who may not read
            them now; refused unless it is given.
        workers: parallel workers; 0, or not given, takes `EAGLERAY_JOBS__WORKERS`.
        address: Ray cluster; `auto` in a submitted job. A local one is started unless it is given.
        dry_run: whether the source is only read and mapped, all of it, and nothing written or published.
        strict: whether nothing is published where anything is refused, or a field of the mapping matches
            nothing.
        allow_refused: like `strict`, but this share of files and of records, 0 to 1, may be refused.
        on_progress: called with a stage's name, shards finished and shards in all.
    """

    name: str
    alias: str
    resume: bool
    relabel: bool
    open_documents: bool
    dry_run: bool
    strict: bool
    allow_refused: float | None
    workers: int
    address: str
    on_progress: OnProgress | None


_DEFAULTS: Final[Mapping[str, Any]] = {
    "name": "",
    "alias": "live",
    "resume": True,
    "relabel": False,
    "open_documents": False,
    "dry_run": False,
    "strict": False,
    "allow_refused": None,
    "workers": 0,
    "address": "",
    "on_progress": None,
}
"""Option of an ingest -> what it is where it is not given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestReport:
    """What an ingest did.

    Attributes:
        run: id of the run, for `eagleray dead-letters list --run`; empty of a dry run.
        snapshot: id of the snapshot that holds it; empty of a dry run.
        is_changed: whether the snapshot is a new one.
        sequence: number of the alias's move to it; `None` where no alias moved.
        counts: what was counted: `documents_read`, `versions_added`, `superseded`, `removed`,
            `dead_letters`, …; none where nothing had to be read.
        files: `found` in the source, `read`, `read_in_part`, `refused`, `unchanged`; `unread` and
            `unread_in_part` of all that were found; `passed_over`.
        formats: suffix -> files `read`, `read_in_part` and `refused`, and `documents`.
        refused: reason -> `files`, `pieces` and some `examples`.
        fields: field of the mapping -> documents it `matched`, `of` how many, and in which `places`.
        warnings: `kind` and `message` each.
        letters: dead letters of a dry run, the first of them.
        not_relabelled: reason -> documents that a relabelling left as they are.
        documents_left: some of these documents, and the reason.
        passed_over: reason -> files of the source that were not read.
        compared: of a dry run: files that are `new`, `changed`, `remapped`, `unchanged` or `gone` against
            those that the collection holds.
        seconds: how long it took.
    """

    run: str
    snapshot: str
    is_changed: bool
    sequence: int | None
    counts: Mapping[str, int]
    files: Mapping[str, int] = field(default_factory=dict)
    formats: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    refused: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    fields: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    warnings: Sequence[Mapping[str, str]] = ()
    letters: Sequence[Mapping[str, Any]] = ()
    not_relabelled: Mapping[str, int] = field(default_factory=dict)
    documents_left: Sequence[str] = ()
    passed_over: Mapping[str, int] = field(default_factory=dict)
    compared: Mapping[str, int] = field(default_factory=dict)
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotSummary:
    """A snapshot in the list of its collection.

    Attributes:
        snapshot: id, 64 hex digits.
        written_at: microseconds.
        n_documents: documents known and not superseded in it.
        n_rows: chunks, superseded ones with them.
        aliases: that point to it.
    """

    snapshot: str
    written_at: int
    n_documents: int
    n_rows: int
    aliases: tuple[str, ...]


_TOLD: Final = (
    "files",
    "formats",
    "refused",
    "fields",
    "warnings",
    "letters",
    "not_relabelled",
    "documents_left",
    "passed_over",
    "compared",
)
"""Members of a job's report that are passed on as they are."""

_NOT_COUNTED: Final = frozenset(
    {"run", "snapshot", "changed", "published", "message", "seconds", "dry_run", *_TOLD}
)
"""Members of a job's report that are no counts."""


@with_keywords(IngestOptions, _DEFAULTS)
def ingest(
    source: str | Path,
    *,
    store: str | Path = "",
    collection: str = "",
    mapping: str | Path = "",
    **options: Unpack[IngestOptions],
) -> IngestReport:
    """Read, chunk, embed, index, check and publish what a source delivers, as `eagleray ingest` does.

    It runs as a Ray job on a local cluster of this process, or on the one that `address` names. The same
    input again does nothing; a run that was cut off resumes.

    Args:
        source: folder, `s3://bucket/prefix`, or URI of a source that settings name.
        store: folder or `s3://bucket/prefix`; empty takes `EAGLERAY_STORE`.
        collection: its name; empty takes `EAGLERAY_COLLECTION`.
        mapping: mapping file (YAML) that says which field is what; empty takes the default mapping.
        options: `name`, `alias`, `resume`, `relabel`, `open_documents`, `dry_run`, `strict`, `allow_refused`,
            `workers`, `address`, `on_progress`, as of `IngestOptions`.

    Raises:
        TypeError: there is no such option; nothing was read.
        InputError: the source, the mapping, an option or a setting cannot be used as it is.
        DocumentsOpenedError: another mapping than before would open documents, and `open_documents` is not
            given.
        MissingExtraError: ray is not installed.
        StrictRunError: more was refused than is allowed, or a field of the mapping matched nothing; its
            `report` says what.
        ConflictError: somebody else published meanwhile.
        GateError: the snapshot did not pass its gate; it stays unpublished.
        StoreError, ClusterError: the store or the cluster failed; run it again.
    """
    chosen = {**_DEFAULTS, **options}
    request = IngestRequest(
        source=read_place("source", source),
        source_name=read_text("name", chosen["name"]),
        mapping=read_place("mapping", mapping),
        alias=read_text("alias", chosen["alias"]),
        is_resumed=read_flag("resume", chosen["resume"]),
        relabels=read_flag("relabel", chosen["relabel"]),
        opens_documents=read_flag("open_documents", chosen["open_documents"]),
        address=read_text("address", chosen["address"]),
        is_dry=read_flag("dry_run", chosen["dry_run"]),
        allowed=_read_allowed(read_flag("strict", chosen["strict"]), chosen["allow_refused"]),
    )
    settings = _load(store, collection, workers=read_count("workers", chosen["workers"]))
    with without_widget_notices():
        report = JOBS.load(settings).ingest(request, chosen["on_progress"] or _pass_over)
    return _read_report(report)


def publish(
    snapshot: str, *, store: str | Path = "", collection: str = "", alias: str = "live"
) -> AliasEntry:
    """Run the gate on a snapshot and move an alias to it, as `eagleray snapshots publish` does.

    Args:
        snapshot: id, or its first 8 digits.
        store: as of `ingest`.
        collection: as of `ingest`.
        alias: alias to move.

    Returns:
        The move: its `sequence`, the `snapshot`, and the `previous` one.

    Raises:
        NotPublishedError: there is no such collection or snapshot.
        GateError: the snapshot did not pass its gate; the alias stays.
        ConflictError: somebody else moved the alias meanwhile.
    """
    service = INDEX.load(_load(store, collection))
    moved = service.publish(snapshot=read_text("snapshot", snapshot), alias=read_text("alias", alias))
    return AliasEntry(
        sequence=moved["sequence"],
        snapshot=moved["snapshot"],
        previous=moved["previous"],
        moved_at=parse_instant(moved["moved_at"]),
        reason=moved["reason"],
    )


def snapshots(store: str | Path = "", *, collection: str = "") -> tuple[SnapshotSummary, ...]:
    """Return a collection's snapshots, oldest first, with the aliases on each.

    Args:
        store: as of `ingest`.
        collection: as of `ingest`.

    Raises:
        NotPublishedError: there is no such collection.
    """
    service = INDEX.load(_load(store, collection))
    return tuple(
        SnapshotSummary(
            snapshot=row["snapshot"],
            written_at=parse_instant(row["written_at"]),
            n_documents=row["n_documents"],
            n_rows=row["n_rows"],
            aliases=tuple(row["aliases"].split()),
        )
        for row in service.list_snapshots()
    )


def _load(store: str | Path, collection: str, *, workers: int = 0) -> Settings:
    groups = {"jobs": {"workers": workers}} if workers else None
    place, name = read_place("store", store), read_text("collection", collection)
    return load_named(store=place, collection=name, groups=groups)


def _read_allowed(is_strict: bool, share: float | None) -> float | None:
    if share is None:
        return 0.0 if is_strict else None
    return read_share("allow_refused", share)


def _read_report(report: Mapping[str, Any]) -> IngestReport:
    return IngestReport(
        run=report.get("run", ""),
        snapshot=report.get("snapshot", ""),
        is_changed=report["changed"],
        sequence=report.get("published"),
        counts={name: value for name, value in report.items() if name not in _NOT_COUNTED},
        **{name: report[name] for name in _TOLD if name in report},
        seconds=report["seconds"],
    )


def _pass_over(stage: str, done: int, total: int) -> None:
    """Tell nobody about progress."""
