"""The audit log as the command line calls it, and the writer that a serving process opens."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import cache, cached_property, partial
from typing import Any, Final

from eagleray import __version__
from eagleray.contracts.audits import AuditQuery, RelabellingReply, RelabellingRequest
from eagleray.contracts.collections import Collection
from eagleray.contracts.ports import Store
from eagleray.contracts.times import format_micros
from eagleray.embedders import open_embedder
from eagleray.errors import InputError
from eagleray.extensions import import_extension
from eagleray.setting_groups.engine import S3Settings
from eagleray.setting_groups.serving import AuditSettings
from eagleray.settings import Settings
from indexes.built_embedder import recall_embedder
from indexes.engine_factory import make_engine_factory
from indexes.searching.searcher import Searcher
from indexes.storage import open_store
from serve.audit.audit_writer import AuditWriter
from serve.audit.entries import BEGUN, INTERRUPTED, read_texts
from serve.audit.kinds import KINDS
from serve.audit.layout import export_heads, read_export, require_log
from serve.audit.record import Record, flatten
from serve.audit.record_queries import list_interrupted, scan_records
from serve.audit.replays import Replay, replay_records
from serve.audit.request_kinds import RequestKinds
from serve.audit.request_recorder import ReplyEnding, RequestRecorder
from serve.audit.verification import list_last_heads, verify_log

_MAX_REASONS: Final = 3
"""Reasons that a message gives why nothing was replayed."""


class LocalAuditService:
    """Reads and checks a collection's audit log."""

    def __init__(self, settings: Settings) -> None:
        """Take the settings that name the log, and the features whose requests it may hold."""
        self._settings = settings

    def verify(self, *, heads: str) -> dict[str, Any]:
        """Check every chain; `findings` lists what is wrong.

        Raises:
            NotPublishedError: there is no log, and no heads are given that could tell what is missing.
        """
        given = read_export(heads, collection=self._settings.collection) if heads else []
        store = self._open_store() if given else self._open_log()
        result = verify_log(store, self._settings.collection, heads=given)
        return {
            "collection": self._settings.collection,
            "chains": result.n_chains,
            "records": result.n_records,
            "requests_without_record": result.n_dropped,
            "heads_given": len(given),
            "unfinished": result.unfinished,
            "interrupted": [asdict(item) for item in result.interrupted],
            "findings": [asdict(finding) for finding in result.findings],
        }

    def show(self, query: AuditQuery) -> Iterator[dict[str, Any]]:
        """Yield the records that a query selects, in the order of their times.

        A request that has begun and has no end has the status `interrupted`. `texts` holds its texts by name,
        `None` where they were not kept.
        """
        records, collection = self._scan(query), self._settings.collection
        find_interrupted = cache(partial(list_interrupted, self._open_log(), collection))
        for record in records:
            shown = {**flatten(record), "time": format_micros(record.time)}
            shown["texts"] = read_texts(record.entry.body)
            if record.entry.status == BEGUN and record.sequence in find_interrupted(record.writer):
                shown["status"] = INTERRUPTED
            yield shown

    def replay(self, query: AuditQuery) -> dict[str, Any]:
        """Ask the selected questions again, each on its snapshot; `different` lists other answers.

        `skipped` says of the first records that could not be compared why; `message` sums it up where none
        could be.
        """
        engines = make_engine_factory(self._settings)
        embedder = cache(lambda: open_embedder(recall_embedder(self._settings).embedder))

        def open_engine(snapshot: str) -> Searcher:
            return engines.open_searcher(snapshot, embedder=embedder())

        found = replay_records(self._scan(query), open_engine, kinds=self._kinds)
        report = {
            "same": found.n_same,
            "not_replayable": found.n_without_text,
            "unanswered": found.n_unanswered,
            "snapshot_gone": found.n_gone,
            "different": [asdict(difference) for difference in found.different],
            "skipped": [asdict(skipped) for skipped in found.skipped],
        }
        return report if found.is_comparison else {**report, "message": _explain_nothing(found)}

    @contextmanager
    def recording(self, request: RelabellingRequest) -> Iterator[Callable[[RelabellingReply], None]]:
        """Record that a relabelling begins, and at the end of a block how it ended.

        The block gets what takes the reply.

        Raises:
            AuditError: it cannot be recorded, and the settings say that nothing may be done then.
        """
        audit, collection = self._settings.audit, Collection(self._open_store(), self._settings.collection)
        replies: list[RelabellingReply] = []
        with make_writer(collection, audit, embedder=self._settings.embedder.model) as writer:
            recorder = RequestRecorder(writer, questions=audit.questions)
            begun = recorder.begin(request)
            try:
                yield replies.append
            except BaseException as error:
                recorder.end(begun, ReplyEnding(status=type(error).__name__))
                raise
            recorder.end(begun, ReplyEnding(reply=replies[-1]), is_stored=True)

    def head(self) -> dict[str, Any]:
        """Return the heads of all chains, to be kept elsewhere."""
        heads = list_last_heads(self._open_log(), self._settings.collection)
        return export_heads(self._settings.collection, heads, now=time.time_ns() // 1000)

    @cached_property
    def _kinds(self) -> RequestKinds:
        """Kinds of this project, and of the features that settings name."""
        setting, kinds = "EAGLERAY_SERVE__FEATURES", KINDS
        for path in self._settings.serve.features.split():
            feature = import_extension(path, setting=setting)
            if not hasattr(feature, "kinds"):
                raise InputError(detail=f"{setting}: expected a Feature, found {path!r}")
            kinds = kinds.extend(*feature.kinds)
        return kinds

    def _scan(self, query: AuditQuery) -> Iterator[Record]:
        if query.action and query.action not in self._kinds.actions:
            known = ", ".join(sorted(self._kinds.actions))
            raise InputError(detail=f"action {query.action!r}: expected one of {known}")
        return scan_records(self._open_log(), self._settings.collection, query)

    def _open_log(self) -> Store:
        """Return the store that holds the log.

        Raises:
            NotPublishedError: it holds none of the collection.
        """
        store = self._open_store()
        require_log(store, self._settings.collection)
        return store

    def _open_store(self) -> Store:
        settings = self._settings
        return open_audit_store(settings.audit, default=settings.store, s3=settings.s3)


def _explain_nothing(found: Replay) -> str:
    """Return why no answer was compared."""
    if not found.skipped:
        return "nothing was replayed: the log has no such requests"
    reasons = list(dict.fromkeys(skipped.reason for skipped in found.skipped))
    return f"nothing was replayed: {'; '.join(reasons[:_MAX_REASONS])}"


def make_writer(collection: Collection, settings: AuditSettings, *, embedder: str) -> AuditWriter:
    """Return the writer of this process, not yet open.

    Args:
        collection: whose requests are logged, in the store that holds the log.
        settings: what is logged, and when it is stored.
        embedder: name of the model, which the log says of itself.
    """
    facts = {
        "eagleray": __version__,
        "embedder": embedder,
        "questions": settings.questions,
        "on_failure": settings.on_failure,
    }
    return AuditWriter(collection.store, collection.name, settings=settings, facts=facts)


def open_audit_store(settings: AuditSettings, *, default: str, s3: S3Settings) -> Store:
    """Return the store that holds the log: one of its own, or the one that the collections lie in."""
    return open_store(settings.store or default, s3=s3)
