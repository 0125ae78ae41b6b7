"""Routes that show the runs of jobs, and what they set aside."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from serve.http.access import Operating, Writing
from serve.http.admin.catalog_answers import DeadLettersAnswer, RunAnswer, RunsAnswer
from serve.http.admin.named_collections import Limit, NamedCatalog, Shown, read_store
from serve.http.answer_models import answered

router = APIRouter(tags=["runs"])


@router.get(
    "/collections/{name}/runs",
    summary="The last runs of jobs, the newest first",
    response_model=None,
    responses=answered(RunsAnswer),
)
async def list_runs(_: Operating, catalog: NamedCatalog, limit: Limit = 20) -> Shown:
    """List them with how far each stage came."""
    return {"runs": await read_store(catalog.list_runs, limit=limit)}


@router.get(
    "/collections/{name}/runs/{run}",
    summary="Where a run stands",
    response_model=None,
    responses=answered(RunAnswer),
)
async def show_run(run: str, _: Operating, catalog: NamedCatalog) -> Shown:
    """Show how far each stage came, and whether the run has ended."""
    return await read_store(catalog.show_run, run)


@router.get(
    "/collections/{name}/dead-letters",
    summary="What is still unread in the sources, or what one run set aside",
    response_model=None,
    responses=answered(DeadLettersAnswer),
)
async def list_dead_letters(
    _: Writing,
    catalog: NamedCatalog,
    run: Annotated[
        str,
        Query(max_length=64, description="A run; otherwise what is still unread, whichever run tried it."),
    ] = "",
    limit: Limit = 100,
    after: Annotated[int, Query(ge=0, le=1 << 40, description="How many to leave out first.")] = 0,
) -> Shown:
    """List it by source and position: where each piece lies, and what is wrong with it."""
    letters = await read_store(catalog.list_dead_letters, run=run)
    end = after + limit
    return {
        "n": sum(letter["n"] for letter in letters),
        "next": end if end < len(letters) else None,
        "letters": letters[after:end],
    }
