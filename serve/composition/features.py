"""What a server serves: every feature stands here once, in the order of its routes in the description.

Those of other packages follow, where settings name them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any, Final

from eagleray.errors import InputError
from eagleray.extensions import import_extension
from eagleray.setting_groups.serving import ServeSettings
from serve.http import mcp
from serve.http.admin import alias_moves, catalog, operations, runs
from serve.http.feature import Feature, made_by
from serve.http.metrics import Metrics
from serve.http.native import cited_answers, documents, landing, searches
from serve.http.openai import (
    chat_completions,
    embeddings,
    files,
    response_retrieval,
    responses,
    upload_sweep,
    vector_store_files,
    vector_store_search,
    vector_stores,
)
from serve.http.openai.owned_records import UploadParts
from serve.http.rerank import rerankings
from serve.http.serving import ServedCollections
from serve.http.tei import embeddings as tei_embeddings

_SETTING: Final = "EAGLERAY_SERVE__FEATURES"

_TEXTS_BYTES: Final = 8 << 20
"""Of a body that brings many texts at once."""

_FORM_BYTES: Final = 64 << 10
"""Of a form beside its file."""

HEALTH: Final = Feature(
    routers=(landing.router, operations.router),
    parts=operations.HealthParts,
    open=made_by(operations.choose_parts),
)
SEARCH: Final = Feature(
    routers=(searches.router,),
    parts=searches.SearchParts,
    open=made_by(searches.choose_parts),
)
ANSWERING: Final = Feature(
    routers=(cited_answers.router, chat_completions.router, responses.router, response_retrieval.router),
    parts=cited_answers.AskParts,
    open=made_by(cited_answers.choose_parts),
)
MCP: Final = Feature(routers=(mcp.router,), parts=mcp.McpParts, open=made_by(mcp.choose_parts))
WRITING: Final = Feature(
    routers=(documents.router,), parts=documents.WriteParts, open=made_by(documents.choose_parts)
)
ADMINISTRATION: Final = Feature(
    routers=(catalog.router, alias_moves.router, runs.router),
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
    ANSWERING,
    MCP,
    WRITING,
    ADMINISTRATION,
    EMBEDDING,
    RERANKING,
    UPLOADS,
)


def choose_features(settings: ServeSettings) -> tuple[Feature[Any], ...]:
    """Return what a server serves: every feature, the metrics, and what settings name.

    Raises:
        InputError: what is named is no feature, or has a route that another one has.
    """
    metrics = Feature(
        routers=(operations.make_metrics_router(settings.metrics),),
        parts=Metrics,
        open=lambda server: nullcontext(server.metrics),
    )
    served: tuple[Feature[Any], ...] = (*FEATURES, metrics)
    for path in settings.features.split():
        feature = import_extension(path, setting=_SETTING)
        if not isinstance(feature, Feature):
            kind = type(feature).__name__
            raise InputError(detail=f"{_SETTING}: expected a Feature, found {path!r}, a {kind}")
        taken = {route for one in served for route in _list_routes(one)}
        twice = next((route for route in _list_routes(feature) if route in taken), "")
        if twice:
            detail = f"{_SETTING}: {path!r} has the route {twice}, which is served already"
            raise InputError(detail=f"{detail}; name each feature once, and give its routes other paths")
        served = (*served, feature)
    return served


def _list_routes(feature: Feature[Any]) -> Iterator[str]:
    """Yield method and path of each route."""
    for router in feature.routers:
        for route in router.routes:
            for method in sorted(getattr(route, "methods", None) or ["any method of"]):
                yield f"{method} {getattr(route, 'path', '')}"
