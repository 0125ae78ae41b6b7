"""The steps of a run: each makes at most one call, within the budget, and returns what it changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from pydantic import ValidationError

from eagleray.contracts.chat_models import ChatLimits, ChatModel, ChatRequest
from eagleray.contracts.cited_answers import AskRequest
from eagleray.contracts.hits import SearchResponse
from eagleray.digests import digest_json
from serve.agents.agentic.budgets import (
    AgentBudget,
    RunEnd,
    Spending,
    charge,
    estimate_request,
    find_exhausted,
    find_room,
    limit_reply,
)
from serve.agents.agentic.calls import call_model, call_tool, make_outcome, note_outcome
from serve.agents.agentic.checking import check_draft
from serve.agents.agentic.conversation import ANSWER, ANSWER_TOOL, make_messages
from serve.agents.agentic.effects import EffectLedger, Performed, perform
from serve.agents.agentic.run_state import AgentState, AskedCall, Draft, ModelOutcome, Turn, Update
from serve.agents.agentic.scope import SearchCall
from serve.agents.agentic.tool_arguments import AnswerArguments, PlanReply, describe_faults
from serve.agents.agentic.tool_desk import ToolDesk
from serve.agents.agentic.tools import AgentTool
from serve.agents.answer_trace import AnswerTrace

MAX_FAULTS: Final = 3
"""Replies in a row that cannot be used, which end a run."""

MAX_REPEATS: Final = 3
"""Times that the same call is asked for, which end a run."""

_LEFT_OVER_S: Final = 0.5
"""Seconds of an answer that are left to the quotations."""

_N_FIRST: Final = 16
"""Sentences and rows of the first search that the model is shown."""


@dataclass(slots=True, kw_only=True)
class AgentRun:
    """What the steps of one run work with, in this process.

    Attributes:
        tools: by their names.
        ledger: of its calls.
        trace: of what is done for the answer in this process.
        clock: seconds, from any beginning.
        began_at: when the run would have begun, had it run without a break.
        is_allowed: what a person said to the call that waits for them; `None` where nobody was asked.
        found: by the search that it began with.
    """

    model: ChatModel
    budget: AgentBudget
    tools: Mapping[str, AgentTool[Any]]
    request: AskRequest
    desk: ToolDesk
    ledger: EffectLedger
    trace: AnswerTrace
    clock: Callable[[], float]
    began_at: float
    is_allowed: bool | None = None
    found: SearchResponse | None = None

    @property
    def seconds(self) -> float:
        """That the run has taken."""
        return self.clock() - self.began_at

    def count_spent(self, state: AgentState) -> Spending:
        """Return what has been taken by now; time that the answer no longer has counts as taken."""
        left_s = self.desk.searcher.find_left_s()
        seconds = self.seconds
        if left_s is not None:
            seconds = max(seconds, self.budget.answer.timeout_s - left_s + _LEFT_OVER_S)
        return {**state["spent"], "seconds": seconds}

    def writes(self, call: AskedCall) -> bool:
        """Return whether a call changes anything outside the run."""
        tool = self.tools.get(call["name"])
        return tool is not None and tool.writes

    async def read_again(self, searches: list[dict[str, Any]]) -> None:
        """Read once more what a run had read, as far as it may still be read."""
        if self.found is None:
            self.found, _ = await self.desk.search_question(self.request)
        for search in searches:
            await self.desk.search(SearchCall(**search))


async def begin(state: AgentState, run: AgentRun) -> Update:
    """Search for the question as it was asked."""
    query = run.request.search.query

    async def search() -> dict[str, Any]:
        run.found, shown = await run.desk.search_question(run.request)
        work = partial(run.desk.choose, shown, query, _N_FIRST)
        units = await run.desk.searcher.compute(work)
        note = f"{len(units)} units for the question" if units else "nothing found"
        return dict(make_outcome(run.desk, run.desk.finish(note, run.desk.evidence.label(units))))

    done = await perform(run.ledger, name_effect(state, "search"), search, is_repeatable=True)
    return await _take_outcome(state, run, AskedCall(name="search", arguments={"query": query}), done)


async def plan(state: AgentState, run: AgentRun) -> Update:
    """Ask the model what it sets out to do; a plan that cannot be read is none."""
    update, said = await _ask(state, run, is_plan=True)
    try:
        steps = PlanReply.model_validate_json(said["text"]).steps if said else []
    except ValidationError:
        steps = []
    return {**update, "is_planned": True, "plan": [" ".join(step.split()) for step in steps]}


async def act(state: AgentState, run: AgentRun) -> Update:
    """Ask the model which call to make next."""
    update, said = await _ask(state, run)
    if said is None or said["ended"]:
        return update
    if said["fault"]:
        return {**update, **_count_fault(state, said["fault"])}
    return {**update, "pending": said["calls"], "n_faults": 0}


async def use(state: AgentState, run: AgentRun) -> Update:
    """Make the first of the calls that were asked for."""
    call, *left = state["pending"]
    digest = digest_json([call["name"], call["arguments"]])
    asked = {**state["asked"], digest: state["asked"].get(digest, 0) + 1}
    update = {"asked": asked, "pending": left}
    if asked[digest] >= MAX_REPEATS:
        return {**update, "ended": str(RunEnd.REPEATED)}
    if call["name"] == ANSWER:
        return {**update, "pending": [], **_read_draft(state, call)}
    exhausted = find_exhausted(run.budget, run.count_spent(state))
    if exhausted is not None:
        return {**update, "ended": str(exhausted)}
    effect_id, is_repeatable = name_effect(state, call["name"]), not run.writes(call)

    async def make_call() -> dict[str, Any]:
        left_s = run.budget.answer.timeout_s - run.count_spent(state)["seconds"]
        return dict(await call_tool(run.tools, call, run.desk, left_s=left_s))

    if not is_repeatable and not run.is_allowed and not await run.ledger.is_begun(effect_id):
        refused = dict(note_outcome(run.desk, "a person did not allow it"))
        done = Performed(result=refused, n_begun=1, is_known=False)
    else:
        done = await perform(run.ledger, effect_id, make_call, is_repeatable=is_repeatable)
    run.is_allowed = None
    return {**update, **await _take_outcome(state, run, call, done)}


async def check(state: AgentState, run: AgentRun) -> Update:
    """Hold the draft against what it cites; what does not hold may be written once more."""
    question, draft = run.request.search.query, state["draft"] or []
    work = partial(check_draft, draft, run.desk.evidence, question=question)
    checked = await run.desk.searcher.compute(work)
    faults = [f"sentence {place}: {one['fault']}" for place, one in enumerate(checked, 1) if one["fault"]]
    update: dict[str, Any] = {"checked": checked}
    is_over = find_exhausted(run.budget, run.count_spent(state)) is not None
    if not faults or state["n_repairs"] or is_over:
        return {**update, "is_answered": True}
    sentences = [{"cites": one["cites"], "text": one["text"]} for one in draft]
    call = AskedCall(name=ANSWER, arguments={"sentences": sentences})
    turn = Turn(
        calls=[call],
        note=f"Not supported: {'; '.join(faults)}. Mend or leave out, then answer again.",
        labels=[],
    )
    return {**update, "turns": [*state["turns"], turn], "draft": None, "n_repairs": state["n_repairs"] + 1}


async def is_write_begun(state: AgentState, run: AgentRun) -> bool:
    """Return whether the call that a run stopped before was allowed, and begun, before the run was ended."""
    return await run.ledger.is_begun(name_effect(state, state["pending"][0]["name"]))


def name_effect(state: AgentState, name: str) -> str:
    """Return the id of the call that a step makes: no other step of the run has taken as many calls."""
    return f"{state['spent']['steps']}.{name}"


async def _ask(
    state: AgentState, run: AgentRun, *, is_plan: bool = False
) -> tuple[dict[str, Any], ModelOutcome | None]:
    """Return what a call of the model changes, and what it said; `None` where it was not asked."""
    tools = () if is_plan else (*(tool.describe() for tool in run.tools.values()), ANSWER_TOOL)
    spent = run.count_spent(state)
    room = find_room(run.budget, spent) - run.budget.answer.reply_tokens - estimate_request((), tools)
    messages = make_messages(state, run.request, run.desk.evidence, max_tokens=room, is_plan=is_plan)
    n_prompt = estimate_request(messages, tools)
    limits = limit_reply(run.budget, spent, n_prompt=n_prompt)
    if not isinstance(limits, ChatLimits):
        return {"ended": str(limits)}, None
    asked = ChatRequest(
        messages=messages,
        collection=run.desk.scope.collection,
        zones=run.desk.evidence.list_zones(),
        tools=tools,
        schema=PlanReply.model_json_schema() if is_plan else None,
        limits=limits,
    )

    async def call() -> dict[str, Any]:
        return dict(await call_model(run.model, asked, n_prompt=n_prompt))

    done = await perform(run.ledger, name_effect(state, "model"), call, is_repeatable=True)
    said = ModelOutcome(**done.result) if done.result else None  # type: ignore[typeddict-item] # of the ledger
    if said is None:
        return {"ended": str(RunEnd.MODEL)}, None
    is_late = said["ended"] == RunEnd.MODEL and find_exhausted(run.budget, run.count_spent(state)) is not None
    ended = str(RunEnd.SECONDS) if is_late else said["ended"]
    n_read, n_written = said["tokens"]
    spent = charge(
        state["spent"], seconds=run.seconds, n_steps=done.n_begun, n_prompt=n_read, n_completion=n_written
    )
    return {"ended": ended, "spent": spent}, said


def _count_fault(state: AgentState, fault: str) -> dict[str, Any]:
    """Return what a reply changes that cannot be used."""
    n_faults = state["n_faults"] + 1
    turn = Turn(calls=[], note=fault, labels=[])
    ended = {"ended": str(RunEnd.MODEL)} if n_faults >= MAX_FAULTS else {}
    return {"turns": [*state["turns"], turn], "n_faults": n_faults, **ended}


def _read_draft(state: AgentState, call: AskedCall) -> dict[str, Any]:
    try:
        given = AnswerArguments.model_validate(call["arguments"])
    except ValidationError as error:
        return _count_fault(state, f"{ANSWER}: {describe_faults(error)}")
    draft = [Draft(text=item.text, cites=item.cites, fault="") for item in given.sentences]
    return {"draft": draft, "n_faults": 0}


async def _take_outcome(state: AgentState, run: AgentRun, call: AskedCall, done: Performed) -> dict[str, Any]:
    """Return what the outcome of a tool's call changes; what was read for it before is read again."""
    spent = charge(state["spent"], seconds=run.seconds, n_steps=done.n_begun)
    if done.result is None:
        note = "it is not known whether this was done; it was not done again"
        return {"turns": [*state["turns"], Turn(calls=[call], note=note, labels=[])], "spent": spent}
    outcome = done.result
    if done.is_known:
        run.desk.evidence.restore(outcome["places"])
        run.desk.snapshot = outcome["snapshot"]
        await run.read_again(outcome["searches"])
    chunk_ids = dict.fromkeys(outcome["places"][label][0] for label in outcome["labels"])
    run.trace.note_tool(call["name"], call["arguments"], came=outcome["note"], chunk_ids=list(chunk_ids))
    turn = Turn(calls=[call], note=outcome["note"], labels=outcome["labels"])
    return {
        "snapshot": outcome["snapshot"],
        "turns": [*state["turns"], turn],
        "places": {**state["places"], **outcome["places"]},
        "searches": [*state["searches"], *outcome["searches"]],
        "suspects": list(dict.fromkeys([*state["suspects"], *outcome["suspects"]])),
        "spent": spent,
        "ended": outcome["ended"],
    }
