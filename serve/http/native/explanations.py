"""What is told of how an answer came about: to most callers, what rows they may read decide alone.

Segments hold rows of everybody. Their names, their sizes, the rows known by a time, the plan that was chosen
and whether it is exact all depend on rows that a caller may not see; so does the time that each step took.
Only those who may examine are told them; the audit log has them in any case.
"""

from __future__ import annotations

from dataclasses import replace

from eagleray.contracts.callers import Action, Caller
from eagleray.contracts.hits import SearchMode, SearchRequest, SearchResponse


def explain_to(caller: Caller, request: SearchRequest, response: SearchResponse) -> SearchResponse:
    """Return an answer with what its caller may be told of it.

    Args:
        caller: who asked.
        request: what was asked; by words alone, or exact if it says so, every answer is exact.
        response: the answer.
    """
    if caller.may(Action.EXAMINE):
        return response
    is_exact = True if request.exact or request.mode is SearchMode.LEXICAL else None
    explanation = replace(response.explanation, segments=(), is_exact=is_exact, timings_ms={})
    return replace(response, explanation=explanation)
