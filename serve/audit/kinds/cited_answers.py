"""Answers with citations: the question and how it was searched for, the rows retrieved, and what was cited.

Of the answer itself the places that it cites are kept, and a digest of its statements; asked again, it must
cite the same places and say the same. Of an answer that may be a language model's, also the documents that it
cites, and its steps: as digests, and by policy as texts. No model is asked again: the search must find the
same, and the recorded statements must hold in what they cite, for that caller at that time.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from eagleray.contracts.cited_answers import (
    AnswerStep,
    AskRequest,
    Citation,
    CitedAnswer,
    ReleasedStatement,
    Statement,
)
from eagleray.contracts.ports import SearchEngine
from eagleray.digests import digest_bytes
from serve.agents.local_answers import answer_without_model
from serve.agents.pipelines import WITHOUT_MODEL
from serve.agents.recorded_answers import QuotedPlace, find_fault
from serve.audit.entries import ReplyDetails, RequestDetails, compare_hits, dump
from serve.audit.kinds.searches import SEARCH
from serve.audit.request_kinds import Replayable, RequestKind

_REPEATABLE: Final = frozenset(pipeline.name for pipeline in WITHOUT_MODEL)
"""Pipelines that say the same again."""

Released = tuple[ReleasedStatement, ...]
"""What was given of an answer that is not whole."""


def _describe_request(request: AskRequest) -> RequestDetails:
    asked = SEARCH.describe_request(request.search)
    parameters = {"pipeline": request.pipeline, "max_citations": request.max_citations}
    return replace(asked, action="ask", parameters={**asked.parameters, **parameters})


def _describe_reply(reply: CitedAnswer | Released) -> ReplyDetails:
    if isinstance(reply, tuple):
        citations = [item for part in reply for item in part.citations]
        return ReplyDetails(plan=dump(_tell_answer([part.statement for part in reply], citations)))
    search = SEARCH.describe_reply(reply.retrieved)
    told = _tell_answer(reply.statements, reply.citations)
    told |= {"model": reply.model, "tokens": [reply.usage.n_prompt, reply.usage.n_completion]}
    if reply.pipeline in _REPEATABLE:
        return replace(search, plan=dump(told))
    told["documents"] = [item.doc_id for item in reply.citations]
    told["steps"] = [_tell_step(step) for step in reply.steps]
    texts = {
        "statements": [[item.text, list(item.citations)] for item in reply.statements],
        "steps": [[step.given, step.came] for step in reply.steps],
    }
    return replace(search, plan=dump(told), texts=texts)


def _tell_step(step: AnswerStep) -> list[Any]:
    """Return a step without its texts: digests of what was given and of what came."""
    given, came = (digest_bytes(dump(text).encode()) for text in (step.given, step.came))
    return [str(step.kind), step.name, given, came, list(step.chunk_ids)]


def _tell_answer(statements: Sequence[Statement], citations: Sequence[Citation]) -> dict[str, Any]:
    """Return the places that an answer cites, and a digest of what it says."""
    said = [[item.text, list(item.citations)] for item in statements]
    return {
        "citations": [[item.chunk_id, item.start, item.end] for item in citations],
        "statements": len(said),
        "said": digest_bytes(dump(said).encode()),
    }


def _read(asked: RequestDetails) -> AskRequest:
    replayable = SEARCH.replay
    if replayable is None:
        raise TypeError("searches are never asked again")
    given = dict(asked.parameters)
    pipeline, max_citations = given.pop("pipeline"), given.pop("max_citations")
    search = replayable.read(replace(asked, action="search", parameters=given))
    return AskRequest(search=search, pipeline=pipeline, max_citations=max_citations)


def _answer(request: AskRequest, engine: SearchEngine) -> CitedAnswer:
    return answer_without_model(request, engine)


def _check(request: AskRequest, told: ReplyDetails, engine: SearchEngine) -> str | None:
    """Return what of an answer that a model may have written does not hold; `None` of any other one."""
    if request.pipeline in _REPEATABLE:
        return None
    difference = compare_hits(told, SEARCH.describe_reply(engine.search(request.search)))
    if difference:
        return difference
    plan, said = json.loads(told.plan), told.texts.get("statements", [])
    if digest_bytes(dump(said).encode()) != plan["said"]:
        return "the statements are not those of which a digest was kept"
    places = [
        QuotedPlace(doc_id=doc_id, chunk_id=chunk_id, start=start, end=end)
        for doc_id, (chunk_id, start, end) in zip(plan["documents"], plan["citations"], strict=True)
    ]
    statements = [Statement(text=text, citations=tuple(numbers)) for text, numbers in said]
    return find_fault(statements, places, asked=request.search, engine=engine)


def _compare(recorded: ReplyDetails, found: ReplyDetails) -> str:
    difference = compare_hits(recorded, found)
    if difference or recorded.plan == found.plan:
        return difference
    return f"the answer was {recorded.plan}, now {found.plan}"


CITED_ANSWER: Final = RequestKind(
    actions=("ask",),
    requests=AskRequest,
    replies=CitedAnswer | tuple,
    describe_request=_describe_request,
    describe_reply=_describe_reply,
    replay=Replayable(read=_read, answer=_answer, compare=_compare, check=_check),
)
