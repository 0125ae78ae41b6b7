"""Routes that score documents against a question: one answer in the shapes of Cohere, Jina and TEI.

They show no rows of the collection, so they leave no record in its audit log.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, Final

import numpy as np
from fastapi import APIRouter

from eagleray.contracts.callers import Caller
from eagleray.errors import ModelNotServedError, NotPublishedError
from serve.engine.cutting import cut_text
from serve.engine.quotas import Quotas
from serve.engine.threads import Work, run_in_thread
from serve.http.access import Searching
from serve.http.answer_models import answered
from serve.http.feature import given
from serve.http.request_ids import read_request_id
from serve.http.rerank.rerank_answers import CohereRerankAnswer, JinaRerankAnswer
from serve.http.rerank.rerank_bodies import CohereRerankBody, JinaRerankBody, RerankQuestion, TeiRerankBody
from serve.http.serving import ServedReranker, Server
from serve.http.tei.answers import RanksAnswer

PATHS: Final = ("/v2/rerank", "/v1/rerank", "/rerank")


@dataclass(frozen=True, slots=True, kw_only=True)
class RerankParts:
    """What these routes are given: the reranker, if there is one, and what each caller may have scored."""

    reranker: ServedReranker | None
    quotas: Quotas

    def require_reranker(self) -> ServedReranker:
        """Return the reranker.

        Raises:
            NotPublishedError: there is none.
        """
        if self.reranker is None:
            detail = "none is served; EAGLERAY_RERANKER__MODEL names the folder of a cross-encoder"
            raise NotPublishedError(name="reranker", detail=detail)
        return self.reranker


def choose_parts(server: Server) -> RerankParts:
    """Return what these routes are given of a server."""
    return RerankParts(reranker=server.reranker, quotas=server.quotas)


Reranking = Annotated[RerankParts, given(RerankParts)]

router = APIRouter(tags=["rerank"])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rank:
    """One document: its place in the request, the model's score, and the same between 0 and 1."""

    index: int
    raw: float
    relevance: float


@router.post(
    "/v2/rerank",
    summary="Documents by relevance, in Cohere's shape",
    response_model=None,
    responses=answered(CohereRerankAnswer),
)
async def rerank_for_cohere(body: CohereRerankBody, caller: Searching, parts: Reranking) -> dict[str, Any]:
    """Score them; what the model cannot read is cut, as Cohere does it."""
    question = body.to_question()
    ranks, n_tokens = await _rank(parts, caller, question)
    return {
        "id": read_request_id(),
        "results": _show(ranks, question.documents if body.return_documents else None),
        "meta": {"api_version": {"version": "2"}, "tokens": {"input_tokens": n_tokens, "output_tokens": 0}},
    }


@router.post(
    "/v1/rerank",
    summary="Documents by relevance, in Jina's shape",
    response_model=None,
    responses=answered(JinaRerankAnswer),
)
async def rerank_for_jina(body: JinaRerankBody, caller: Searching, parts: Reranking) -> dict[str, Any]:
    """Score them."""
    question = body.to_question()
    ranks, n_tokens = await _rank(parts, caller, question)
    results = _show(ranks, question.documents if body.return_documents else None)
    usage = {"total_tokens": n_tokens, "prompt_tokens": n_tokens}
    return {"model": body.model, "object": "list", "usage": usage, "results": results}


@router.post(
    "/rerank",
    summary="Texts by relevance, in TEI's shape",
    response_model=None,
    responses=answered(RanksAnswer),
)
async def rerank_for_tei(body: TeiRerankBody, caller: Searching, parts: Reranking) -> list[dict[str, Any]]:
    """Score them."""
    ranks, _ = await _rank(parts, caller, body.to_question())
    found: list[dict[str, Any]] = []
    for rank in ranks:
        shown = {"text": body.texts[rank.index]} if body.return_text else {}
        found.append({"index": rank.index, "score": rank.raw if body.raw_scores else rank.relevance, **shown})
    return found


async def _rank(parts: RerankParts, caller: Caller, question: RerankQuestion) -> tuple[list[_Rank], int]:
    """Return the best documents, the best first and equal ones by place, and the tokens read."""
    reranker = parts.require_reranker()
    if question.model not in (None, reranker.pairs.name):
        raise ModelNotServedError(name=question.model, served=reranker.pairs.name, param="model")
    await parts.quotas.texts.take(caller.principal.subject, len(question.documents))
    documents = await run_in_thread(Work.TEXTS, _cut, question, reranker)
    ranked = await reranker.ranker.rank(question.query, documents, may_cut=question.may_cut)
    raw = ranked.scores.astype(np.float64)
    relevance = 0.5 * (1.0 + np.tanh(0.5 * raw))
    order = np.argsort(-raw, kind="stable")[: question.top_n]
    ranks = [_Rank(index=int(row), raw=float(raw[row]), relevance=float(relevance[row])) for row in order]
    return ranks, ranked.n_tokens


def _show(ranks: list[_Rank], documents: list[str] | None) -> list[dict[str, Any]]:
    """Return the ranks as Cohere and Jina show them, with their documents where there are any."""
    shown = []
    for rank in ranks:
        document = {} if documents is None else {"document": {"text": documents[rank.index]}}
        shown.append({"index": rank.index, "relevance_score": rank.relevance, **document})
    return shown


def _cut(question: RerankQuestion, reranker: ServedReranker) -> list[str]:
    """Return the documents, each cut to the tokens that the request allows it."""
    most, pairs = question.max_tokens_each, reranker.pairs
    if most is None or most >= pairs.max_tokens:  # the model cuts the pair to less
        return question.documents
    n_special = len(pairs.tokenize(""))
    cut = partial(cut_text, max_tokens=most + n_special, tokenize=pairs.tokenize)
    return [cut(document) for document in question.documents]
