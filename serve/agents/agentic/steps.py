"""The steps of a run: each makes at most one call, within the budget, and returns what it changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Final

from pydantic import ValidationError

from eagleray.contracts.chat_models import ChatLimits, ChatMessage, ChatModel, ChatReply, ChatRequest
from eagleray.contracts.cited_answers import AskRequest
from eagleray.contracts.hits import SearchResponse
from eagleray.digests import digest_json
from eagleray.errors import (
    ContextLengthError,
    DeadlineError,
    DisclosureError,
    InputError,
    ModelAnswerError,
    UnavailableError,
)
from serve.agents.agentic.budgets import (
    AgentBudget,
    RunEnd,
    charge,
    estimate_tokens,
    find_exhausted,
    limit_reply,
)
from serve.agents.agentic.checking import check_draft
from serve.agents.agentic.conversation import ANSWER, ANSWER_TOOL, make_messages, make_plan_messages
from serve.agents.agentic.model_calls import ask_model, read_calls
from serve.agents.agentic.run_state import AgentState, AskedCall, Draft, Turn, Update
from serve.agents.agentic.tool_arguments import AnswerArguments, PlanReply, describe_faults
from serve.agents.agentic.tool_desk import ToolDesk, ToolResult
from serve.agents.agentic.tools import AgentTool

MAX_FAULTS: Final = 3
"""Replies in a row that cannot be used, which end a run."""

MAX_REPEATS: Final = 3
"""Times that the same call is asked for, which end a run."""

_N_FIRST: Final = 16
"""Sentences and rows of the first search that the model is shown."""


@dataclass(slots=True, kw_only=True)
class AgentRun:
    """What the steps of one run work with, in this process.

    Attributes:
        tools: by their names.
        clock: seconds, from any beginning.
        began_at: when the run would have begun, had it run without a break.
        found: by the search that it began with.
    """

    model: ChatModel
    budget: AgentBudget
    tools: Mapping[str, AgentTool[Any]]
    request: AskRequest
    desk: ToolDesk
    clock: Callable[[], float]
    began_at: float
    found: SearchResponse | None = None

    @property
    def seconds(self) -> float:
        """That the run has taken."""
        return self.clock() - self.began_at


async def begin(state: AgentState, run: AgentRun) -> Update:
    """Search for the question as it was asked."""
    run.found = await run.desk.search_question(run.request)
    units = await run.desk.searcher.compute(
        partial(run.desk.choose, run.found, run.request.search.query, _N_FIRST)
    )
    call = AskedCall(name="search", arguments={"query": run.request.search.query})
    result = run.desk.finish(
        f"{len(units)} units for the question" if units else "nothing found", run.desk.label(units)
    )
    return _take_result(state, run, call, result)


async def plan(state: AgentState, run: AgentRun) -> Update:
    """Ask the model what it sets out to do; a plan that cannot be read is none."""
    messages = make_plan_messages(state, run.request, run.desk.evidence)
    update, reply = await _ask(state, run, messages, is_plan=True)
    if reply is None:
        return update
    try:
        steps = PlanReply.model_validate_json(reply.text).steps
    except ValidationError:
        steps = []
    return {**update, "plan": [" ".join(step.split()) for step in steps]}


async def act(state: AgentState, run: AgentRun) -> Update:
    """Ask the model which call to make next."""
    messages = make_messages(state, run.request, run.desk.evidence)
    update, reply = await _ask(state, run, messages)
    if reply is None:
        return update
    asked = read_calls(reply)
    if asked["fault"]:
        return {**update, **_count_fault(state, asked["fault"])}
    return {**update, "pending": asked["calls"], "n_faults": 0}


async def use(state: AgentState, run: AgentRun) -> Update:
    """Make the first of the calls that were asked for."""
    call, *left = state["pending"]
    digest = digest_json([call["name"], call["arguments"]])
    asked = {**state["asked"], digest: state["asked"].get(digest, 0) + 1}
    update = {"asked": asked, "pending": left}
    if asked[digest] >= MAX_REPEATS:
        return {**update, "ended": RunEnd.REPEATED}
    if call["name"] == ANSWER:
        return {**update, "pending": [], **_read_draft(state, call)}
    exhausted = find_exhausted(run.budget, {**state["spent"], "seconds": run.seconds})
    if exhausted is not None:
        return {**update, "ended": exhausted}
    result = await _carry_out(run, call, left_s=run.budget.answer.timeout_s - run.seconds)
    if isinstance(result, RunEnd):
        return {**update, "ended": result}
    return {**update, **_take_result(state, run, call, result)}


async def check(state: AgentState, run: AgentRun) -> Update:
    """Hold the draft against what it cites; what does not hold may be written once more."""
    question = run.request.search.query
    draft = state["draft"] or []
    work = partial(check_draft, draft, run.desk.evidence, question=question)
    checked = await run.desk.searcher.compute(work)
    update: dict[str, Any] = {"checked": list(checked.sentences)}
    is_over = find_exhausted(run.budget, {**state["spent"], "seconds": run.seconds}) is not None
    if not checked.faults or state["n_repairs"] or is_over:
        return {**update, "is_answered": True}
    told = "; ".join(f"sentence {place + 1}: {why}" for place, why in checked.faults.items())
    call = AskedCall(name=ANSWER, arguments={"sentences": list(draft)})
    turn = Turn(calls=[call], note=f"Not supported: {told}. Mend or leave out, then answer again.", labels=[])
    return {**update, "turns": [*state["turns"], turn], "draft": None, "n_repairs": state["n_repairs"] + 1}


async def _ask(
    state: AgentState, run: AgentRun, messages: tuple[ChatMessage, ...], *, is_plan: bool = False
) -> tuple[dict[str, Any], ChatReply | None]:
    """Return what a call of the model changes, and its reply; `None` where there is none to be used."""
    tools = () if is_plan else (*(tool.describe() for tool in run.tools.values()), ANSWER_TOOL)
    n_prompt = estimate_tokens(messages, tools)
    limits = limit_reply(run.budget, {**state["spent"], "seconds": run.seconds}, n_prompt=n_prompt)
    if not isinstance(limits, ChatLimits):
        return {"ended": limits}, None
    asked = ChatRequest(
        messages=messages,
        collection=run.desk.scope.collection,
        zones=run.desk.evidence.list_zones(),
        tools=tools,
        schema=PlanReply.model_json_schema() if is_plan else None,
        limits=limits,
    )
    reply, update = None, dict[str, Any]()
    try:
        reply = await ask_model(run.model, asked)
    except DisclosureError:
        update = {"ended": RunEnd.WITHHELD}
    except (UnavailableError, DeadlineError, ContextLengthError):
        is_over = run.seconds >= run.budget.answer.timeout_s
        update = {"ended": RunEnd.SECONDS if is_over else RunEnd.MODEL}
    except ModelAnswerError as error:
        update = {} if is_plan else _count_fault(state, str(error))
    spent = charge(state["spent"], seconds=run.seconds, reply=reply, n_prompt=n_prompt)
    return {**update, "spent": spent}, reply


def _count_fault(state: AgentState, fault: str) -> dict[str, Any]:
    """Return what a reply changes that cannot be used."""
    n_faults = state["n_faults"] + 1
    turn = Turn(calls=[], note=fault, labels=[])
    ended = {"ended": RunEnd.MODEL} if n_faults >= MAX_FAULTS else {}
    return {"turns": [*state["turns"], turn], "n_faults": n_faults, **ended}


def _read_draft(state: AgentState, call: AskedCall) -> dict[str, Any]:
    try:
        given = AnswerArguments.model_validate(call["arguments"])
    except ValidationError as error:
        return _count_fault(state, f"{ANSWER}: {describe_faults(error)}")
    return {"draft": [Draft(text=item.text, cites=item.cites) for item in given.sentences], "n_faults": 0}


async def _carry_out(run: AgentRun, call: AskedCall, *, left_s: float) -> ToolResult | RunEnd:
    """Return what came of a call; one that is refused says why."""
    tool = run.tools.get(call["name"])
    if tool is None:
        return ToolResult(note=f"there is no such tool; there are {', '.join(run.tools)}, {ANSWER}")
    try:
        arguments = tool.arguments.model_validate(call["arguments"])
    except ValidationError as error:
        return ToolResult(note=f"refused: {describe_faults(error)}")
    run.desk.clear()
    try:
        async with asyncio.timeout(left_s):
            return await tool.run(run.desk, arguments)
    except (TimeoutError, DeadlineError):
        return RunEnd.SECONDS
    except InputError as error:
        return ToolResult(note=f"refused: {error}")


def _take_result(state: AgentState, run: AgentRun, call: AskedCall, result: ToolResult) -> dict[str, Any]:
    """Return what the result of a call changes."""
    shown = asdict(result)
    turn = Turn(calls=[call], note=result.note, labels=list(result.labels))
    return {
        "snapshot": run.desk.snapshot,
        "turns": [*state["turns"], turn],
        "places": run.desk.evidence.places,
        "searches": [*state["searches"], *shown["searches"]],
        "suspects": list(dict.fromkeys([*state["suspects"], *result.suspects])),
        "spent": charge(state["spent"], seconds=run.seconds),
    }
