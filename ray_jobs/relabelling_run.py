"""A run that gives versions there are what another mapping makes of them: its stages, snapshot and report."""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from eagleray.contracts.audits import RelabellingReply
from eagleray.contracts.collections import Collection
from eagleray.contracts.manifests import Relabelling, SnapshotManifest
from eagleray.contracts.sources import Position, Source
from eagleray.errors import InputError, NotPublishedError
from indexes.segments.opened_segment import load_segment_manifest
from indexes.snapshots.catalog import load_snapshot
from indexes.writing.assembling import RelabelledParts, assemble_relabelled
from indexes.writing.relabelled_versions import LEFT
from ray_jobs.runs import Outcomes, Run, RunOutcome, count_changes
from ray_jobs.stages.relabel import list_left, make_held_chunks_stage, make_relabel_stage, make_rewrite_stage


def check_relabelling(source: Source[Any, Any], parent: SnapshotManifest | None, *, alias: str) -> None:
    """Refuse what cannot be relabelled at all.

    Raises:
        InputError: the source is a stream.
        NotPublishedError: there is no snapshot to relabel.
    """
    if source.is_stream:
        detail = f"{source.name} is a stream, whose records are read once: it cannot be relabelled"
        raise InputError(detail=detail)
    if parent is None:
        raise NotPublishedError(name=alias or "live", detail="there is nothing to relabel")


def relabel(run: Run, left: Outcomes) -> Outcomes:
    """Decide which versions of what the parent holds get new labels, shard by shard."""
    plan = run.plan
    segments = load_snapshot(Collection(run.store, run.spec.name), str(plan.parent)).segments
    states = run.do(make_held_chunks_stage(run.ledger, segments, plan=plan))
    held = [path for item in states for path in item.files]
    run.on_read([item.tally for item in left.ingested], [item.faults for item in left.enriched])
    found = run.do(make_relabel_stage(run.ledger, left.delivered, held, plan=plan))
    return replace(left, states=states, arranged=found, relabelled=found)


def rewrite(run: Run, left: Outcomes) -> Outcomes:
    """Write the segments of the parent whose rows have new labels."""
    collection = Collection(run.store, run.spec.name)
    segments = load_snapshot(collection, str(run.plan.parent)).segments
    dense = {digest: load_segment_manifest(collection, digest).dense for digest in segments}
    stage = make_rewrite_stage(
        run.ledger,
        {digest: found.codebook if found else None for digest, found in dense.items()},
        [item.labels for item in left.relabelled if item.labels is not None],
        texts=run.delivery.texts,
        device=run.plan.sizes.index.device,
    )
    rewritten = zip(stage.payloads, run.do(stage), strict=True)
    return replace(left, rewritten={payload.digest: item.segment for payload, item in rewritten})


def relabel_snapshot(run: Run, left: Outcomes) -> RunOutcome:
    """Write the snapshot of a relabelling, if it changes anything, and return what the run made."""
    counts, plan = count_changes(left), run.plan
    n_versions = counts.get("relabelled", 0) + counts.get("regrouped", 0)
    manifest = None
    if n_versions:
        outcome = RelabelledParts(
            replaced=left.rewritten,
            moved=tuple(item.segment for item in left.built),
            patch=left.patch,
            relabelling=Relabelling(
                run=plan.run_id,
                source=plan.source,
                mapping=plan.mapping_digest,
                n_versions=n_versions,
            ),
        )
        before = load_snapshot(Collection(run.store, run.spec.name), str(plan.parent))
        manifest = assemble_relabelled(run.store, before, outcome)
    sources = {source for item in left.relabelled for source in item.left}
    parts = {source.removeprefix(f"{plan.source}/") for source in sources}
    parts |= {part for item in left.ingested for part in item.faulty}
    parts |= {source.removeprefix(f"{plan.source}/") for item in left.enriched for source in item.faulty}
    return RunOutcome(
        manifest=manifest, counts=counts, left=frozenset(parts), listed=list_left(left.relabelled)
    )


def keep_left(run: Run, outcome: RunOutcome, before: Position) -> Run:
    """Return the run with a position that moves on only in parts whose documents are all relabelled.

    The next ordinary run by this mapping reads the others again; as long as there are some, the source counts
    as read by the mapping before.

    Args:
        run: that relabelled.
        outcome: what it made.
        before: position of the source when it began.
    """
    done = {part: run.plan.position[part] for part in run.plan.unchanged - outcome.left}
    digest = "" if outcome.left else run.plan.mapping_digest
    return replace(run, plan=replace(run.plan, position={**before, **done}, mapping_digest=digest))


def describe_relabelled(outcome: RunOutcome) -> dict[str, Any]:
    """Return what was counted, and which documents were left as they are, and why."""
    counts = {"relabelled": 0}
    reasons = {}
    for name, n in outcome.counts.items():
        if not name.startswith(LEFT):
            counts[name] = n
        elif n:
            reasons[name.removeprefix(LEFT)] = n
    if not reasons:
        return counts
    named = [f"{doc_id}: {reason}" for doc_id, reason in outcome.listed]
    return {**counts, "not_relabelled": reasons, "documents_left": named}


def find_user() -> str:
    """Return who runs this process: a name, or the number of a user who has none, as in a container."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def describe_end(report: Mapping[str, Any]) -> RelabellingReply:
    """Return what is recorded of the report of a relabelling."""
    return RelabellingReply(
        run=report["run"],
        snapshot=report["snapshot"],
        n_relabelled=report["relabelled"],
        n_regrouped=report.get("regrouped", 0),
        n_left=sum(report.get("not_relabelled", {}).values()),
    )
