"""What a server serves: every feature stands here once, in the order of its routes in the description."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any, Final

from eagleray.setting_groups.serving import MetricsReaders
from serve.http.admin import catalog, operations, publishing, runs
from serve.http.feature import Feature, made_by
from serve.http.metrics import Metrics
from serve.http.native import documents, searches
from serve.http.openai import (
    embeddings,
    files,
    upload_sweep,
    vector_store_files,
    vector_store_search,
    vector_stores,
)
from serve.http.openai.owned_records import UploadParts
from serve.http.rerank import rerankings
from serve.http.serving import ServedCollections
from serve.http.tei import embeddings as tei_embeddings

ChooseFeatures = Callable[[MetricsReaders], Sequence[Feature[Any]]]
"""Returns what a server serves whose metrics certain callers may read."""

_TEXTS_BYTES: Final = 8 << 20
"""Of a body that brings many texts at once."""

_FORM_BYTES: Final = 64 << 10
"""Of a form beside its file."""

HEALTH: Final = Feature(
    routers=(operations.router,), parts=operations.HealthParts, open=made_by(operations.choose_parts)
)
SEARCH: Final = Feature(
    routers=(searches.router,),
    parts=searches.SearchParts,
    open=made_by(searches.choose_parts),
)
WRITING: Final = Feature(
    routers=(documents.router,), parts=documents.WriteParts, open=made_by(documents.choose_parts)
)
ADMINISTRATION: Final = Feature(
    routers=(catalog.router, publishing.router, runs.router),
    parts=ServedCollections,
    open=lambda server: nullcontext(server.collections),
)
EMBEDDING: Final = Feature(
    routers=(embeddings.router, tei_embeddings.router),
    parts=embeddings.EmbeddingParts,
    open=made_by(embeddings.choose_parts),
    long_bodies=dict.fromkeys((embeddings.PATH, "/", "/embed", "/tokenize"), _TEXTS_BYTES),
)
RERANKING: Final = Feature(
    routers=(rerankings.router,),
    parts=rerankings.RerankParts,
    open=made_by(rerankings.choose_parts),
    long_bodies=dict.fromkeys(rerankings.PATHS, _TEXTS_BYTES),
)
UPLOADS: Final = Feature(
    routers=(files.router, vector_stores.router, vector_store_files.router, vector_store_search.router),
    parts=UploadParts,
    open=upload_sweep.open_uploads,
    long_bodies={files.PATH: files.MAX_BYTES + _FORM_BYTES},
)

FEATURES: Final[tuple[Feature[Any], ...]] = (
    HEALTH,
    SEARCH,
    WRITING,
    ADMINISTRATION,
    EMBEDDING,
    RERANKING,
    UPLOADS,
)


def choose_features(readers: MetricsReaders) -> tuple[Feature[Any], ...]:
    """Return every feature, with the metrics for those who may read them."""
    metrics = Feature(
        routers=(operations.make_metrics_router(readers),),
        parts=Metrics,
        open=lambda server: nullcontext(server.metrics),
    )
    return (*FEATURES, metrics)
