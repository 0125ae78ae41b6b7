"""The pipeline that answers by a run of the agent; see `graph` for its steps."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Sequence
from functools import cache
from typing import Any

from eagleray.contracts.chat_models import ChatModel
from eagleray.contracts.cited_answers import AnswerPart, AskRequest, CitedAnswer, ReleasedStatement
from serve.agents.agentic.budgets import MAX_STEPS, AgentBudget
from serve.agents.agentic.delivery import AGENTIC, make_answer
from serve.agents.agentic.evidence import RunEvidence
from serve.agents.agentic.graph import draw_graph, run_graph
from serve.agents.agentic.run_state import make_state
from serve.agents.agentic.scope import AgentScope
from serve.agents.agentic.steps import AgentRun
from serve.agents.agentic.tool_desk import ToolDesk
from serve.agents.agentic.tools import TOOLS, AgentTool
from serve.agents.ports import BUDGET, AnswerBudget, PassageSearcher


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
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the parts; LangGraph is loaded by the first question.

        Args:
            model: that decides which tool is called.
            budget: what it may take for one answer.
            max_steps: calls of the model and of tools together, for one answer.
            tools: that it may call.
            clock: seconds, from any beginning.
        """
        self._model, self._clock = model, clock
        self._budget = AgentBudget(max_steps=max_steps, answer=budget)
        self._tools = {tool.name: tool for tool in tools}

    async def answer(self, request: AskRequest, searcher: PassageSearcher) -> AsyncGenerator[AnswerPart]:
        """Yield the statements once all are checked, then the whole answer.

        Raises:
            MissingExtraError: LangGraph is not installed.
            EagleRayError: a search failed.
        """
        answer = await self._run(request, searcher)
        given: set[int] = set()
        for statement in answer.statements:
            new = [item for item in answer.citations if item.number in set(statement.citations) - given]
            given.update(statement.citations)
            yield ReleasedStatement(statement=statement, citations=tuple(new))
        yield answer

    async def _run(self, request: AskRequest, searcher: PassageSearcher) -> CitedAnswer:
        scope = AgentScope(request=request, collection=searcher.collection)
        evidence = RunEvidence(scope)
        run = AgentRun(
            model=self._model,
            budget=self._budget,
            tools=self._tools,
            request=request,
            desk=ToolDesk(scope=scope, searcher=searcher, evidence=evidence),
            clock=self._clock,
            began_at=self._clock(),
        )
        state = await run_graph(_get_graph(), make_state(scope=scope.digest), run)
        if run.found is None:
            raise TypeError("a run ended before it began")
        return make_answer(state, request, found=run.found, evidence=evidence, model=self._model.name)


@cache
def _get_graph() -> Any:
    return draw_graph()
