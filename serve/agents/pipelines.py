"""Which pipelines there are: each is one module here, and stands in this list."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import Final

from eagleray.contracts.chat_models import ChatModel
from eagleray.contracts.cited_answers import DEFAULT_PIPELINE, MAX_CITATIONS, AskRequest
from eagleray.errors import QueryError
from serve.agents.agentic.pipeline import AgenticPipeline
from serve.agents.extractive import ExtractivePipeline
from serve.agents.ports import BUDGET, AnswerBudget, Pipeline
from serve.agents.rag import RagPipeline

Pipelines = tuple[Pipeline, ...]
"""What answers; the first of them where none is named."""

WITH_MODEL: Final[tuple[Callable[[ChatModel, AnswerBudget], Pipeline], ...]] = (
    RagPipeline,
    AgenticPipeline,
)
"""What makes a pipeline of a model and its budget; the first one answers where none is named."""

WITHOUT_MODEL: Final[Pipelines] = (ExtractivePipeline(),)


def make_pipelines(model: ChatModel | None, budget: AnswerBudget = BUDGET) -> Pipelines:
    """Return what answers: with a model, where there is one, and without.

    Args:
        model: that reads passages; `None` for none.
        budget: what it may take for one answer.
    """
    if model is None:
        return WITHOUT_MODEL
    return (*(make(model, budget) for make in WITH_MODEL), *WITHOUT_MODEL)


def find_pipeline(request: AskRequest, pipelines: Pipelines) -> Pipeline:
    """Return what answers a request.

    Args:
        request: names it, or none.
        pipelines: that there are; at least one.

    Raises:
        QueryError: there is none of that name, or the request asks for what no pipeline does.
    """
    if not request.search.query.strip():
        raise QueryError(detail="the question is empty; ask it in words")
    if not 1 <= request.max_citations <= MAX_CITATIONS:
        detail = f"max_citations is {request.max_citations}; expected 1 to {MAX_CITATIONS}"
        raise QueryError(detail=detail)
    if request.pipeline == DEFAULT_PIPELINE:
        return pipelines[0]
    names = {pipeline.name: pipeline for pipeline in pipelines}
    if request.pipeline not in names:
        near = get_close_matches(request.pipeline, names, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
        raise QueryError(detail=f"there is no pipeline {request.pipeline!r}; {hint}")
    return names[request.pipeline]
