"""The pipeline that answers by a run of the agent; see `graph` for its steps."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from eagleray.contracts.chat_models import ChatModel
from eagleray.contracts.cited_answers import AnswerPart, AskRequest, CitedAnswer, ReleasedStatement
from eagleray.errors import QueryError
from serve.agents.agentic.budgets import MAX_STEPS, AgentBudget, RunEnd
from serve.agents.agentic.delivery import AGENTIC, make_answer
from serve.agents.agentic.effects import UnkeptLedger
from serve.agents.agentic.evidence import RunEvidence
from serve.agents.agentic.graph import AgentGraph
from serve.agents.agentic.run_state import AgentState, AskedCall, make_state
from serve.agents.agentic.run_store import KeptLedger, RunStore
from serve.agents.agentic.scope import AgentScope
from serve.agents.agentic.steps import AgentRun, is_write_begun
from serve.agents.agentic.tool_desk import ToolDesk
from serve.agents.agentic.tools import TOOLS, AgentTool
from serve.agents.answer_trace import AnswerTrace
from serve.agents.ports import BUDGET, AnswerBudget, PassageSearcher


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentOutcome:
    """What a run came to.

    Attributes:
        answer: as far as there is one.
        waits_for: the call that a person has to allow or refuse; `None` where the run is over.
    """

    answer: CitedAnswer
    waits_for: AskedCall | None


class AgenticPipeline:
    """Plans, searches, reads, compares and calculates, then answers with what the verifier passes.

    Where the model fails or a budget ends, the quotations stand that answer best without it.
    """

    name = AGENTIC

    def __init__(
        self,
        model: ChatModel,
        budget: AnswerBudget = BUDGET,
        *,
        max_steps: int = MAX_STEPS,
        tools: Sequence[AgentTool[Any]] = TOOLS,
        store: RunStore | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the parts; LangGraph is loaded by the first question.

        Args:
            model: that decides which tool is called.
            budget: what it may take for one answer.
            max_steps: calls of the model and of tools together, for one answer.
            tools: that it may call; those that write need a store.
            store: that keeps runs.
            clock: seconds, from any beginning.

        Raises:
            ValueError: a tool writes and nothing keeps runs, so that nobody can be asked.
        """
        self._model, self._store, self._clock = model, store, clock
        self._budget = AgentBudget(max_steps=max_steps, answer=budget)
        self._tools = {tool.name: tool for tool in tools}
        self._writing = frozenset(tool.name for tool in tools if tool.writes)
        if self._writing and store is None:
            raise ValueError(f"{', '.join(sorted(self._writing))}: tools that write need a store of runs")
        self._graph: AgentGraph | None = None

    async def answer(self, request: AskRequest, searcher: PassageSearcher) -> AsyncGenerator[AnswerPart]:
        """Yield the statements once all are checked, then the whole answer.

        Raises:
            MissingExtraError: LangGraph is not installed.
            EagleRayError: a search failed.
        """
        answer = (await self.begin(request, searcher, run_id=uuid.uuid4().hex)).answer
        given: set[int] = set()
        for statement in answer.statements:
            new = [item for item in answer.citations if item.number in set(statement.citations) - given]
            given.update(statement.citations)
            yield ReleasedStatement(statement=statement, citations=tuple(new))
        yield answer

    async def begin(self, request: AskRequest, searcher: PassageSearcher, *, run_id: str) -> AgentOutcome:
        """Run from the beginning.

        Args:
            request: that is answered.
            searcher: of one snapshot.
            run_id: that no other run has.

        Raises:
            EagleRayError: as `answer`.
        """
        run = self._make_run(request, searcher, run_id=run_id)
        if self._store is not None:
            await self._store.register(run_id, scope=run.desk.scope.digest)
        return await self._run(make_state(scope=run.desk.scope.digest), run, run_id=run_id)

    async def resume(
        self, request: AskRequest, searcher: PassageSearcher, *, run_id: str, is_allowed: bool | None = None
    ) -> AgentOutcome:
        """Go on with a run that a crash ended, or that waits for a person; one that is over stays as it is.

        Args:
            request: the same as at its beginning, of the same caller.
            searcher: of the snapshot that the run began with.
            run_id: of the run.
            is_allowed: whether the call that it waits for may be made; `None` where nobody was asked.

        Raises:
            QueryError: no such run of this question and caller is kept, or it began with another snapshot.
            EagleRayError: as `answer`.
        """
        run = self._make_run(request, searcher, run_id=run_id)
        scope = run.desk.scope.digest
        if self._store is None or not await self._store.is_kept(run_id, scope=scope):
            raise QueryError(detail="no run of that id, question and caller is kept")
        graph = await searcher.compute(self._get_graph)
        state, waits = await graph.read(run_id)
        if state is None or state["scope"] != scope:
            return await self._run(make_state(scope=scope), run, run_id=run_id)
        run.began_at -= state["spent"]["seconds"]
        await _read_again(run, state)
        if waits and is_allowed is None and not await is_write_begun(state, run):
            return await self._conclude(state, run, waits=True)
        run.is_allowed = is_allowed
        return await self._run(None, run, run_id=run_id)

    def _make_run(self, request: AskRequest, searcher: PassageSearcher, *, run_id: str) -> AgentRun:
        scope, trace = AgentScope(request=request, collection=searcher.collection), AnswerTrace()
        return AgentRun(
            model=trace.watch(self._model),
            trace=trace,
            budget=self._budget,
            tools=self._tools,
            request=request,
            desk=ToolDesk(scope=scope, searcher=searcher, evidence=RunEvidence(scope)),
            ledger=UnkeptLedger() if self._store is None else KeptLedger(self._store, run_id),
            clock=self._clock,
            began_at=self._clock(),
        )

    def _get_graph(self) -> AgentGraph:
        """Return the graph; loading LangGraph takes seconds of processor time, so this holds up nobody."""
        if self._graph is None:
            self._graph = AgentGraph(writing=self._writing, store=self._store)
        return self._graph

    async def _run(self, state: AgentState | None, run: AgentRun, *, run_id: str) -> AgentOutcome:
        graph = await run.desk.searcher.compute(self._get_graph)
        ended = await graph.run(state, run, run_id=run_id)
        _, waits = await graph.read(run_id)
        return await self._conclude(ended, run, waits=waits)

    async def _conclude(self, state: AgentState, run: AgentRun, *, waits: bool) -> AgentOutcome:
        if run.found is None:
            raise TypeError("a run ended before it began")
        shown: AgentState = {**state, "ended": str(RunEnd.WAITING)} if waits else state
        work = partial(
            make_answer,
            shown,
            run.request,
            found=run.found,
            evidence=run.desk.evidence,
            model=self._model.name,
        )
        answer = await run.desk.searcher.compute(work)
        answer = replace(answer, steps=run.trace.steps)
        return AgentOutcome(answer=answer, waits_for=state["pending"][0] if waits else None)


async def _read_again(run: AgentRun, state: AgentState) -> None:
    """Read what a run had read, as far as its caller may read it now.

    Raises:
        QueryError: the run began with another snapshot.
    """
    await run.read_again([])
    if state["snapshot"] not in ("", run.desk.snapshot):
        raise QueryError(detail=f"the run began with snapshot {state['snapshot']}; ask that one")
    run.desk.evidence.restore(state["places"])
    await run.read_again(state["searches"])
