"""Which pipelines there are: each is one module here, and stands in this list."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Final

from eagleray.contracts.cited_answers import MAX_CITATIONS, AskRequest
from eagleray.errors import QueryError
from serve.agents.extractive import ExtractivePipeline
from serve.agents.ports import Pipeline

PIPELINES: Final[tuple[Pipeline, ...]] = (ExtractivePipeline(),)
"""What needs no model."""


def find_pipeline(request: AskRequest, pipelines: tuple[Pipeline, ...] = PIPELINES) -> Pipeline:
    """Return what answers a request.

    Args:
        request: names it.
        pipelines: that there are.

    Raises:
        QueryError: there is none of that name, or the request asks for what no pipeline does.
    """
    if not request.search.query.strip():
        raise QueryError(detail="the question is empty; ask it in words")
    if not 1 <= request.max_citations <= MAX_CITATIONS:
        detail = f"max_citations is {request.max_citations}; expected 1 to {MAX_CITATIONS}"
        raise QueryError(detail=detail)
    names = {pipeline.name: pipeline for pipeline in pipelines}
    if request.pipeline not in names:
        near = get_close_matches(request.pipeline, names, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
        raise QueryError(detail=f"there is no pipeline {request.pipeline!r}; {hint}")
    return names[request.pipeline]
