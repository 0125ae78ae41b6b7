"""Routes of OpenAI's API for vectors: the model that is served, and its vectors of texts.

They show no rows of the collection, so they leave no record in its audit log.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from fastapi import APIRouter, Response

from eagleray.errors import ModelNotServedError
from serve.http.access import Inspecting, Searching, Served
from serve.http.answer_models import EmbeddingsAnswer, ModelAnswer, ModelsAnswer, answered
from serve.http.embedding_bodies import EmbeddingBody, require_dimensions, write_answer
from serve.http.serving import ServedModel

PATH: Final = "/v1/embeddings"

router = APIRouter(tags=["openai"])


@router.post(PATH, summary="Vectors of texts, in the order given", responses=answered(EmbeddingsAnswer))
async def embed(body: EmbeddingBody, caller: Searching, serving: Served) -> Response:  # noqa: ARG001 - may they?
    """Embed texts as passages of the collection are embedded."""
    model = serving.model
    _require(model, body.model, param="model")
    require_dimensions(body.dimensions, model.identity.dim)
    texts = await asyncio.to_thread(body.read_texts)
    encoded = await model.encoder.encode(texts)
    return Response(await asyncio.to_thread(write_answer, body, encoded), media_type="application/json")


@router.get(
    "/v1/models",
    summary="The model that is served",
    response_model=None,
    responses=answered(ModelsAnswer),
)
async def list_models(caller: Inspecting, serving: Served) -> dict[str, Any]:  # noqa: ARG001 - may they?
    """List it."""
    return {"object": "list", "data": [_show(serving.model)]}


@router.get(
    "/v1/models/{name}",
    summary="The model of a name",
    response_model=None,
    responses=answered(ModelAnswer),
)
async def show_model(name: str, caller: Inspecting, serving: Served) -> dict[str, Any]:  # noqa: ARG001 - may they?
    """Show it."""
    _require(serving.model, name)
    return _show(serving.model)


def _require(model: ServedModel, name: str, *, param: str | None = None) -> None:
    if name != model.identity.name:
        raise ModelNotServedError(name=name, served=model.identity.name, param=param)


def _show(model: ServedModel) -> dict[str, Any]:
    return {
        "id": model.identity.name,
        "object": "model",
        "created": model.created_at,
        "owned_by": "eagleray",
        "dimensions": model.identity.dim,
        "max_tokens": model.identity.max_tokens,
    }
