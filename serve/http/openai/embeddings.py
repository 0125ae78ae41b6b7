"""Routes of OpenAI's API for vectors: the models that are served, and the embedder's vectors of texts.

They show no rows of the collection, so they leave no record in its audit log.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Response

from eagleray.errors import ModelNotServedError
from serve.engine.coalescing import CoalescedCalls
from serve.engine.quotas import Quotas
from serve.engine.threads import Work, run_in_thread
from serve.http.access import Inspecting, Searching
from serve.http.answer_models import EmbeddingsAnswer, ModelAnswer, ModelsAnswer, answered
from serve.http.feature import given
from serve.http.openai.embedding_bodies import EmbeddingBody, require_dimensions, write_answer
from serve.http.serving import ServedModel, ServedReranker, Server

PATH: Final = "/v1/embeddings"


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingParts:
    """What routes are given that show the models, or embed texts with the one that does.

    Attributes:
        model: embeds texts.
        reranker: is listed, too, where there is one.
        pipelines: names of what answers with citations, listed as models that complete chats.
        quotas: what each caller may have embedded.
        checks: makes the calls of those who show nothing.
    """

    model: ServedModel
    reranker: ServedReranker | None
    pipelines: tuple[str, ...]
    quotas: Quotas
    checks: CoalescedCalls


def choose_parts(server: Server) -> EmbeddingParts:
    """Return what these routes are given of a server."""
    return EmbeddingParts(
        model=server.model,
        reranker=server.reranker,
        pipelines=tuple(pipeline.name for pipeline in server.pipelines),
        quotas=server.quotas,
        checks=server.checks,
    )


Embedding = Annotated[EmbeddingParts, given(EmbeddingParts)]

router = APIRouter(tags=["openai"])


@router.post(PATH, summary="Vectors of texts, in the order given", responses=answered(EmbeddingsAnswer))
async def embed(body: EmbeddingBody, caller: Searching, parts: Embedding) -> Response:
    """Embed texts as passages of the collection are embedded."""
    model = parts.model
    if body.model != model.identity.name:
        raise ModelNotServedError(name=body.model, served=model.identity.name, param="model")
    require_dimensions(body.dimensions, model.identity.dim)
    texts = await run_in_thread(Work.TEXTS, body.read_texts)
    await parts.quotas.texts.take(caller.principal.subject, len(texts))
    encoded = await model.encoder.encode(texts)
    return Response(
        await run_in_thread(Work.TEXTS, write_answer, body, encoded), media_type="application/json"
    )


@router.get(
    "/v1/models",
    summary="The models that are served",
    response_model=None,
    responses=answered(ModelsAnswer),
)
async def list_models(caller: Inspecting, parts: Embedding) -> dict[str, Any]:  # noqa: ARG001 - may they?
    """List them."""
    return {"object": "list", "data": list(_show_all(parts).values())}


@router.get(
    "/v1/models/{model}",
    summary="The model of a name",
    response_model=None,
    responses=answered(ModelAnswer),
)
async def show_model(model: str, caller: Inspecting, parts: Embedding) -> dict[str, Any]:  # noqa: ARG001 - may they?
    """Show it."""
    shown = _show_all(parts)
    if model not in shown:
        raise ModelNotServedError(name=model, served=parts.model.identity.name, param=None)
    return shown[model]


def _show_all(parts: EmbeddingParts) -> dict[str, dict[str, Any]]:
    """Return name -> model: the embedder, the reranker where there is one, the pipelines."""
    model, reranker = parts.model, parts.reranker
    shown = [
        {
            **_describe(model.identity.name, model.created_at),
            "dimensions": model.identity.dim,
            "max_tokens": model.identity.max_tokens,
        }
    ]
    if reranker is not None:
        pairs = reranker.pairs
        shown.append({**_describe(pairs.name, reranker.created_at), "max_tokens": pairs.max_tokens})
    shown += [_describe(name, model.created_at) for name in parts.pipelines]
    return {item["id"]: item for item in shown}


def _describe(name: str, created_at: int) -> dict[str, Any]:
    return {
        "id": name,
        "object": "model",
        "created": created_at,
        "owned_by": "eagleray",
        "shutdown_date": None,
    }
