"""A job that answers files of questions: plan, answer on Ray, and a manifest of all that was written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Final

from eagleray.contracts.collections import Collection
from eagleray.contracts.manifests import EmbedderIdentity
from eagleray.contracts.ports import SearchEngine, Store
from eagleray.contracts.services import AnswerRequest, OnProgress
from eagleray.digests import canonical_json
from eagleray.documents.parsing.pool import ParserPool, choose_limits
from eagleray.documents.parsing.tables import TableReader
from eagleray.errors import InputError, QueryError, SourceError
from eagleray.setting_groups.parsing import ParsingSettings
from indexes.masks.grammar import parse_filter
from ray_jobs.clusters import connected
from ray_jobs.execution import WorkerLimits, run_stage
from ray_jobs.ledger import Ledger
from ray_jobs.plans.questions import AnswerRules, QuestionFile, QuestionPartition, name_run, plan_questions
from ray_jobs.sources.questions import QuestionSource, describe_questions, digest_object
from ray_jobs.stages.answer import ANSWERS, DEAD_LETTERS, AnswerOutcome, AnswerTask, make_answer_stage
from ray_jobs.stages.question_rows import Asking

MANIFEST: Final = "manifest.json"
_LEDGER: Final = "ledger"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerParts:
    """What a job is done with.

    Attributes:
        collection: name of the one that is asked.
        embedder: of its questions.
        list_questions: finds the files of questions, now.
        target: takes the answers.
        find_snapshot: finds out which snapshot is asked, when the job begins.
        open_engine: opens a snapshot by its id, in a worker.
        parsing: limits of the processes that read the questions.
    """

    collection: str
    embedder: EmbedderIdentity
    list_questions: Callable[[], QuestionSource]
    target: Store
    find_snapshot: Callable[[], str]
    open_engine: Callable[[str], SearchEngine]
    parsing: ParsingSettings
    limits: WorkerLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerJob:
    """A job that is planned.

    Attributes:
        ledger: in the target, beside the answers.
        source: where the questions lie.
        snapshot: id of the one that answers.
    """

    ledger: Ledger
    source: Store
    snapshot: str
    files: tuple[QuestionFile, ...]
    partitions: tuple[QuestionPartition, ...]
    rules: AnswerRules
    request: AnswerRequest
    parts: AnswerParts


def plan_job(parts: AnswerParts, request: AnswerRequest) -> AnswerJob:
    """Return the job: that of an earlier try of the same request, on its snapshot, if there was one.

    Raises:
        InputError: the request, the questions or the target cannot be used as they are.
    """
    if request.options.k < 1:
        raise QueryError(detail=f"k must be at least 1, found {request.options.k}")
    asked, target = parts.list_questions(), parts.target
    if asked.is_folder and f"{target.url}/".startswith(f"{asked.store.url.rstrip('/')}/"):
        raise InputError(
            detail=f"the answers would lie among the questions, in {target.url}; choose a folder"
        )
    tables = _open_tables(parts.parsing)
    described = [describe_questions(asked.store, item, tables) for item in asked.files]
    _check_ids([(file.path, schema) for file, schema in described], asked.store)
    files = tuple(file for file, _ in described)
    rules = AnswerRules(
        collection=parts.collection,
        snapshot=request.snapshot,
        options=request.options,
        groups=tuple(sorted(request.groups)),
        embedder=parts.embedder,
    )
    ledger = Ledger(Collection(target, _LEDGER), run_id=name_run(files, rules))
    _check_target(ledger)
    standing = ledger.read_plan()
    if standing is None:
        standing = ledger.begin({"snapshot": parts.find_snapshot()})
    return AnswerJob(
        ledger=ledger,
        source=asked.store,
        snapshot=standing["snapshot"],
        files=files,
        partitions=plan_questions(files),
        rules=rules,
        request=request,
        parts=parts,
    )


def run_job(job: AnswerJob, on_progress: OnProgress) -> dict[str, Any]:
    """Answer what is not answered yet, write the manifest, and return the report.

    Raises:
        SourceError: the questions changed meanwhile.
        EagleRayError: what a task raised; the same job again goes on from there.
    """
    target, limits = job.ledger.store, job.parts.limits
    stage = make_answer_stage(target, job.partitions, choose_task(job))
    n_answered = len(stage.find_finished(job.ledger))
    is_due = n_answered < len(job.partitions)
    with connected(job.request.address, n_cpus=limits.n_workers) if is_due else nullcontext():
        outcomes = run_stage(stage, ledger=job.ledger, limits=limits, on_progress=on_progress)
    if is_due:
        _check_unchanged(job)
    manifest = describe_answers(job, outcomes)
    target.write(MANIFEST, canonical_json(manifest))
    return {
        "run": job.ledger.run_id,
        "snapshot": job.snapshot,
        "changed": is_due,
        "questions": manifest["n_questions"],
        "hits": manifest["n_hits"],
        "dead_letters": manifest["n_dead_letters"],
        "partitions": len(job.partitions),
        "answered_before": n_answered,
        "manifest": f"{target.url}/{MANIFEST}",
    }


def describe_answers(job: AnswerJob, outcomes: Sequence[AnswerOutcome]) -> dict[str, Any]:
    """Return the manifest: what was asked of which snapshot, and every file with its digest and rows."""
    files = [asdict(file) for outcome in outcomes for file in outcome.files]
    return {
        "run": job.ledger.run_id,
        "snapshot": job.snapshot,
        "rules": job.rules.show(),
        "questions": [
            {"path": file.path, "sha256": file.sha256, "n_rows": sum(file.group_rows)} for file in job.files
        ],
        "answers": [file for file in files if file["path"].startswith(f"{ANSWERS}/")],
        "dead_letters": [file for file in files if file["path"].startswith(f"{DEAD_LETTERS}/")],
        "n_questions": sum(outcome.n_questions for outcome in outcomes),
        "n_hits": sum(outcome.n_hits for outcome in outcomes),
        "n_dead_letters": sum(outcome.n_dead_letters for outcome in outcomes),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerTaskFactory:
    """Opens what answers partitions, in a worker; is pickled and holds no secret.

    Attributes:
        target: takes the answers.
        source: where the questions lie.
        open_engine: opens the snapshot that answers.
        parsing: limits of the processes that read the questions.
        asking: what all questions have in common.
        max_bytes: memory that the search of a partition may take.
    """

    target: Store
    source: Store
    open_engine: Callable[[], SearchEngine]
    parsing: ParsingSettings
    asking: Asking
    max_bytes: int

    def __call__(self) -> AnswerTask:
        """Return the task, its snapshot opened."""
        return AnswerTask(
            self.target,
            self.source,
            tables=_open_tables(self.parsing),
            engine=self.open_engine(),
            asking=self.asking,
            max_bytes=self.max_bytes,
        )


def choose_task(job: AnswerJob) -> AnswerTaskFactory:
    """Return what opens the task of a job; of the job itself no worker gets anything else."""
    request, parts = job.request, job.parts
    return AnswerTaskFactory(
        target=job.ledger.store,
        source=job.source,
        open_engine=partial(parts.open_engine, job.snapshot),
        parsing=parts.parsing,
        asking=Asking(options=request.options, groups=request.groups, parse_filter=parse_filter),
        max_bytes=parts.limits.memory_bytes // 2,
    )


def _open_tables(parsing: ParsingSettings) -> TableReader:
    return TableReader(ParserPool(choose_limits(parsing)))


def _check_target(ledger: Ledger) -> None:
    """Refuse a target that holds answers to anything else."""
    store = ledger.store
    others = {item.path for item in store.list(_LEDGER) if not item.path.startswith(f"{ledger.folder}/")}
    if others or (store.exists(MANIFEST) and ledger.read_plan() is None):
        detail = f"{store.url} holds answers of another job (other questions, options or snapshot name)"
        raise InputError(detail=f"{detail}; choose another folder")


def _check_ids(schemas: Sequence[tuple[str, Any]], source: Store) -> None:
    """Refuse files whose ids are of different types, or that have ids only in part."""
    kinds = {
        path: str(schema.field("id").type) if "id" in schema.names else "none" for path, schema in schemas
    }
    if len(set(kinds.values())) > 1:
        detail = ", ".join(f"{kind} in {path}" for path, kind in sorted(kinds.items()))
        raise SourceError(source=source.url, detail=f"ids must be of one type in all files, found {detail}")


def _check_unchanged(job: AnswerJob) -> None:
    """Refuse to vouch for answers whose questions are not what they were.

    Raises:
        SourceError: a file has other bytes than when the job began.
    """
    files = job.parts.list_questions().files
    found = {item.path: digest_object(job.source, item) for item in files}
    if found != {file.path: file.sha256 for file in job.files}:
        detail = "questions changed while they were answered; ask them again, into another folder"
        raise SourceError(source=job.source.url, detail=detail)
