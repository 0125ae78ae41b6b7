"""eagleray: exact, point-in-time, entitled search over a desk's documents.

The public names: what opens, asks and builds a collection, what that returns, and every error. Behind
them is the shared base: contracts, settings, parsing, chunking, embedders, the command line.
Importing this package needs no ray, torch, faiss, httpx or fastapi, and loads no part of it before it is
used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from eagleray.client import (
        AsyncRemoteCollection,
        IngestOptions,
        IngestReport,
        LocalCollection,
        RemoteCollection,
        SnapshotSummary,
        Written,
        connect,
        connect_async,
        ingest,
        publish,
        snapshots,
    )
    from eagleray.client import open_collection as open  # noqa: A004 - reads as eagleray.open(...)
    from eagleray.contracts.cited_answers import (
        AnswerNotice,
        Citation,
        CitedAnswer,
        ReleasedStatement,
        Statement,
        TokenUsage,
    )
    from eagleray.contracts.facets import (
        ValueCount,
        ValueCounts,
    )
    from eagleray.contracts.hits import (
        Explanation,
        Fusion,
        Highlight,
        Hit,
        Ranking,
        SearchResponse,
        SegmentExplanation,
        Snippet,
        Span,
    )
    from eagleray.contracts.manifests import (
        AliasEntry,
    )
    from eagleray.contracts.shown_documents import (
        ShownChunk,
        ShownDocument,
    )
    from eagleray.errors import (
        AuditError,
        AuthenticationError,
        BodyRoomError,
        ClusterError,
        ConflictError,
        ContextLengthError,
        DeadlineError,
        DisclosureError,
        DocumentNotFoundError,
        DocumentsOpenedError,
        EagleRayError,
        ExposureError,
        FilterColumnError,
        FilterError,
        ForbiddenError,
        GateError,
        GuardError,
        InputError,
        IntegrityError,
        InvalidTimeError,
        KeySetError,
        MappingError,
        MissingExtraError,
        ModelAnswerError,
        ModelError,
        ModelNotServedError,
        NotPublishedError,
        ObjectNotFoundError,
        OverloadedError,
        ParserError,
        QueryError,
        QuotaError,
        ReusedKeyError,
        ServerError,
        ShardError,
        SourceError,
        StoreError,
        StreamMovedError,
        StrictRunError,
        UnavailableError,
        UnreachableError,
    )

__version__ = "0.2.0"

__all__ = [
    "AliasEntry",
    "AnswerNotice",
    "AsyncRemoteCollection",
    "AuditError",
    "AuthenticationError",
    "BodyRoomError",
    "Citation",
    "CitedAnswer",
    "ClusterError",
    "ConflictError",
    "ContextLengthError",
    "DeadlineError",
    "DisclosureError",
    "DocumentNotFoundError",
    "DocumentsOpenedError",
    "EagleRayError",
    "Explanation",
    "ExposureError",
    "FilterColumnError",
    "FilterError",
    "ForbiddenError",
    "Fusion",
    "GateError",
    "GuardError",
    "Highlight",
    "Hit",
    "IngestOptions",
    "IngestReport",
    "InputError",
    "IntegrityError",
    "InvalidTimeError",
    "KeySetError",
    "LocalCollection",
    "MappingError",
    "MissingExtraError",
    "ModelAnswerError",
    "ModelError",
    "ModelNotServedError",
    "NotPublishedError",
    "ObjectNotFoundError",
    "OverloadedError",
    "ParserError",
    "QueryError",
    "QuotaError",
    "Ranking",
    "ReleasedStatement",
    "RemoteCollection",
    "ReusedKeyError",
    "SearchResponse",
    "SegmentExplanation",
    "ServerError",
    "ShardError",
    "ShownChunk",
    "ShownDocument",
    "SnapshotSummary",
    "Snippet",
    "SourceError",
    "Span",
    "Statement",
    "StoreError",
    "StreamMovedError",
    "StrictRunError",
    "TokenUsage",
    "UnavailableError",
    "UnreachableError",
    "ValueCount",
    "ValueCounts",
    "Written",
    "__version__",
    "connect",
    "connect_async",
    "ingest",
    "open",
    "publish",
    "snapshots",
]

_MODULES: Final = {
    "eagleray.client": (
        "AsyncRemoteCollection",
        "IngestOptions",
        "IngestReport",
        "LocalCollection",
        "RemoteCollection",
        "SnapshotSummary",
        "Written",
        "connect",
        "connect_async",
        "ingest",
        "publish",
        "snapshots",
    ),
    "eagleray.contracts.cited_answers": (
        "AnswerNotice",
        "Citation",
        "CitedAnswer",
        "ReleasedStatement",
        "Statement",
        "TokenUsage",
    ),
    "eagleray.contracts.facets": ("ValueCount", "ValueCounts"),
    "eagleray.contracts.hits": (
        "Explanation",
        "Fusion",
        "Highlight",
        "Hit",
        "Ranking",
        "SearchResponse",
        "SegmentExplanation",
        "Snippet",
        "Span",
    ),
    "eagleray.contracts.manifests": ("AliasEntry",),
    "eagleray.contracts.shown_documents": ("ShownChunk", "ShownDocument"),
}
"""Module -> public names it holds: processes that parse files load none of them."""

_HOMES: Final = {
    **{name: (module, name) for module, names in _MODULES.items() for name in names},
    **{name: ("eagleray.errors", name) for name in __all__ if name.endswith("Error")},
    "open": ("eagleray.client", "open_collection"),
}
"""Public name -> module that holds it, and its name there."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _HOMES[name]
    value = getattr(import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
