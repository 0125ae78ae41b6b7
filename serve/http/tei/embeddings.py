"""Routes of Text Embeddings Inference (TEI) for the served embedder; TEI's `/rerank` is in `reranking`.

They show no rows of the collection, so they leave no record in its audit log.

Source: huggingface/text-embeddings-inference, `docs/openapi.json`.
"""

from __future__ import annotations

import json
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse

from eagleray.contracts.bounds import MAX_TEXTS
from eagleray.contracts.ports import FloatMatrix
from eagleray.errors import EagleRayError
from eagleray.models.tokenizing import Token
from serve.engine.cutting import cut_text
from serve.engine.threads import Work, run_in_thread
from serve.http.access import Inspecting, Searching
from serve.http.answer_models import answered
from serve.http.errors.problems import make_error
from serve.http.openai.embedding_bodies import require_dimensions, shorten
from serve.http.openai.embeddings import Embedding
from serve.http.serving import ServedModel
from serve.http.tei.answers import InfoAnswer, TokensAnswer, VectorsAnswer
from serve.http.tei.bodies import TeiEmbedBody, TeiTokenizeBody, read_inputs

router = APIRouter(tags=["tei"])


@router.post("/embed", summary="Vectors of texts, in the order given", responses=answered(VectorsAnswer))
@router.post("/", summary="Vectors of texts, as /embed gives them", responses=answered(VectorsAnswer))
async def embed(body: TeiEmbedBody, caller: Searching, parts: Embedding) -> Response:
    """Embed texts as passages of the collection are embedded, or as questions if the prompt says so."""
    model, texts = parts.model, read_inputs(body.inputs)
    require_dimensions(body.dimensions, model.identity.dim)
    if body.truncate:
        texts = await run_in_thread(Work.TEXTS, _cut, texts, body, model)
    await parts.quotas.texts.take(caller.principal.subject, len(texts))
    encoder = model.questions if body.prompt_name == "query" else model.encoder
    encoded = await encoder.encode(texts)
    content = await run_in_thread(Work.TEXTS, _write, encoded.vectors, body.dimensions)
    return Response(content, media_type="application/json")


@router.post("/tokenize", summary="Tokens of texts", responses=answered(TokensAnswer))
async def tokenize(
    body: TeiTokenizeBody,
    caller: Searching,  # noqa: ARG001 - may they?
    parts: Embedding,
) -> Response:
    """Cut texts into the model's tokens, without a prompt before them."""
    texts = body.read_texts()
    content = await run_in_thread(Work.TEXTS, _write_tokens, texts, body, parts.model)
    return Response(content, media_type="application/json")


@router.get("/info", summary="The embedder", response_model=None, responses=answered(InfoAnswer))
async def info(caller: Inspecting, parts: Embedding) -> dict[str, Any]:  # noqa: ARG001 - may they?
    """Describe it and its limits."""
    identity, limits = parts.model.identity, parts.model.encoder.limits
    return {
        "model_id": identity.name,
        "model_sha": identity.weights,
        "model_dtype": "bfloat16" if identity.backend.endswith("bf16") else "float32",
        "model_type": {"embedding": {"pooling": parts.model.pooling}},
        "max_concurrent_requests": limits.max_waiting,
        "max_input_length": limits.max_tokens,
        "max_batch_tokens": limits.max_batch_tokens,
        "max_batch_requests": None,
        "max_client_batch_size": MAX_TEXTS,
        "auto_truncate": False,
        "tokenization_workers": 1,
        "version": version("eagleray"),
        "sha": None,
        "docker_label": None,
    }


@router.get("/health", summary="Whether a text is embedded", response_class=PlainTextResponse)
async def health(parts: Embedding) -> Response:
    """Embed a word; nobody has to show anything for it."""
    try:
        await parts.checks.ask("embeds", lambda: parts.model.encoder.encode(["ready"]))
    except EagleRayError as error:
        return make_error("/health", 503, "NotReadyError", f"no vector: {type(error).__name__}")
    return PlainTextResponse()


def _cut(texts: list[str], body: TeiEmbedBody, model: ServedModel) -> list[str]:
    is_left = body.truncation_direction == "left"
    most = model.identity.max_tokens
    return [cut_text(text, most, tokenize=model.tokenize, is_start_cut=is_left) for text in texts]


def _write(vectors: FloatMatrix, dimensions: int | None) -> str:
    """Return the rows as JSON; a thread that does it lets others work between two of them."""
    rows = [json.dumps(vector.tolist()) for vector in shorten(vectors, dimensions)]
    return f"[{','.join(rows)}]"


def _write_tokens(texts: list[str], body: TeiTokenizeBody, model: ServedModel) -> str:
    """Return the tokens as JSON, written one by one, so that others work between two of them."""
    rows = []
    for text in texts:
        tokens = (token for token in model.tokenize(text) if token.place or body.add_special_tokens)
        rows.append(f"[{','.join(map(_write_token, tokens))}]")
    return f"[{','.join(rows)}]"


def _write_token(token: Token) -> str:
    start, stop = token.place or (None, None)
    is_special = token.place is None
    return json.dumps(
        {"id": token.number, "text": token.text, "special": is_special, "start": start, "stop": stop}
    )
