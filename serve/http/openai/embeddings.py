"""Routes of OpenAI's API for vectors: the models that are served, and the embedder's vectors of texts.

They show no rows of the collection, so they leave no record in its audit log.
"""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Response

from eagleray.errors import ModelNotServedError
from serve.engine.threads import Work, run_in_thread
from serve.http.access import Inspecting, Searching, Served
from serve.http.answer_models import EmbeddingsAnswer, ModelAnswer, ModelsAnswer, answered
from serve.http.openai.embedding_bodies import EmbeddingBody, require_dimensions, write_answer
from serve.http.serving import Serving

PATH: Final = "/v1/embeddings"

router = APIRouter(tags=["openai"])


@router.post(PATH, summary="Vectors of texts, in the order given", responses=answered(EmbeddingsAnswer))
async def embed(body: EmbeddingBody, caller: Searching, serving: Served) -> Response:
    """Embed texts as passages of the collection are embedded."""
    model = serving.model
    if body.model != model.identity.name:
        raise ModelNotServedError(name=body.model, served=model.identity.name, param="model")
    require_dimensions(body.dimensions, model.identity.dim)
    texts = await run_in_thread(Work.TEXTS, body.read_texts)
    await serving.quotas.texts.take(caller.principal.subject, len(texts))
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
async def list_models(caller: Inspecting, serving: Served) -> dict[str, Any]:  # noqa: ARG001 - may they?
    """List them."""
    return {"object": "list", "data": list(_show_all(serving).values())}


@router.get(
    "/v1/models/{model}",
    summary="The model of a name",
    response_model=None,
    responses=answered(ModelAnswer),
)
async def show_model(model: str, caller: Inspecting, serving: Served) -> dict[str, Any]:  # noqa: ARG001 - may they?
    """Show it."""
    shown = _show_all(serving)
    if model not in shown:
        raise ModelNotServedError(name=model, served=serving.model.identity.name, param=None)
    return shown[model]


def _show_all(serving: Serving) -> dict[str, dict[str, Any]]:
    """Return name -> model: the embedder, then the reranker where there is one."""
    model, reranker = serving.model, serving.reranker
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
    return {model["id"]: model for model in shown}


def _describe(name: str, created_at: int) -> dict[str, Any]:
    return {
        "id": name,
        "object": "model",
        "created": created_at,
        "owned_by": "eagleray",
        "shutdown_date": None,
    }
