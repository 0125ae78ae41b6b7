"""Routes that show the runs of jobs, and what they set aside."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from serve.engine.threads import Work, run_in_thread
from serve.http.access import Operating, Writing
from serve.http.admin.catalog_answers import DeadLettersAnswer, RunAnswer, RunsAnswer
from serve.http.answer_models import answered
from serve.http.feature import Collections

router = APIRouter(tags=["runs"])

Shown = dict[str, Any]
Limit = Annotated[int, Query(ge=1, le=1_000, description="How many at most.")]


@router.get(
    "/collections/{name}/runs",
    summary="The last runs of jobs, the newest first",
    response_model=None,
    responses=answered(RunsAnswer),
)
async def list_runs(
    name: str,
    caller: Operating,
    collections: Collections,
    limit: Limit = 20,
) -> Shown:
    """List them with how far each stage came."""
    catalog = collections.find(name, caller).catalog
    return {"runs": await run_in_thread(Work.CATALOG, catalog.list_runs, limit=limit)}


@router.get(
    "/collections/{name}/runs/{run}",
    summary="Where a run stands",
    response_model=None,
    responses=answered(RunAnswer),
)
async def show_run(
    name: str,
    run: str,
    caller: Operating,
    collections: Collections,
) -> Shown:
    """Show how far each stage came, and whether the run has ended."""
    catalog = collections.find(name, caller).catalog
    return await run_in_thread(Work.CATALOG, catalog.show_run, run)


@router.get(
    "/collections/{name}/dead-letters",
    summary="What a run set aside",
    response_model=None,
    responses=answered(DeadLettersAnswer),
)
async def list_dead_letters(
    name: str,
    caller: Writing,
    collections: Collections,
    run: Annotated[str, Query(max_length=64, description="A run; otherwise the last that ended.")] = "",
    limit: Limit = 100,
    after: Annotated[int, Query(ge=0, le=1 << 40, description="How many to leave out first.")] = 0,
) -> Shown:
    """List it by source and position: where each piece lies, and what is wrong with it."""
    catalog = collections.find(name, caller).catalog
    letters = await run_in_thread(Work.CATALOG, catalog.list_dead_letters, run=run)
    end = after + limit
    return {
        "n": sum(letter["n"] for letter in letters),
        "next": end if end < len(letters) else None,
        "letters": letters[after:end],
    }
