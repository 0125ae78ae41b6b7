"""The graph of a run, drawn once, run once a question.

It begins with the search for the question and a plan. Then the model acts and its calls are used, one after
another, until it has drafted an answer that is checked; what is not supported goes back to it once. Before a
call that writes, the graph stops until a person has said whether it is allowed.

The only use of LangGraph's graph. Nothing of a run is traced anywhere, whatever the environment says.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from typing import Any, Final, cast

from eagleray.errors import MissingExtraError
from serve.agents.agentic.run_state import AgentState, Update
from serve.agents.agentic.run_store import RunStore
from serve.agents.agentic.steps import AgentRun, act, begin, check, plan, use

_WRITE: Final = "write"
"""The step that makes a call that writes."""

_STEPS: Final = {"begin": begin, "plan": plan, "act": act, "use": use, _WRITE: use, "check": check}


class AgentGraph:
    """Runs from their beginning, or from where they stopped."""

    def __init__(self, *, writing: Collection[str], store: RunStore | None) -> None:
        """Draw the graph.

        Args:
            writing: names of the tools that write.
            store: that keeps runs; without one they cannot be continued.

        Raises:
            MissingExtraError: LangGraph is not installed.
        """
        self._writing, self._is_kept = frozenset(writing), store is not None
        try:
            from langgraph.graph import END, START, StateGraph
        except ImportError as error:
            raise MissingExtraError(part="the agentic pipeline", extra="agents") from error
        graph = StateGraph(AgentState, context_schema=AgentRun)
        for name, step in _STEPS.items():
            graph.add_node(name, _bind(step))
        graph.add_edge(START, "begin")
        for name in _STEPS:
            graph.add_conditional_edges(
                name, self._choose_next, {**{step: step for step in _STEPS}, "end": END}
            )
        saver = None if store is None else store.saver
        self._graph: Any = graph.compile(checkpointer=saver, interrupt_before=[_WRITE] if saver else None)

    async def run(self, state: AgentState | None, run: AgentRun, *, run_id: str) -> AgentState:
        """Return the state at the end of a run, or where it stopped for a person.

        Args:
            state: to begin with; `None` to go on from where the run stopped.
            run: what its steps work with.
            run_id: of the run.

        Raises:
            EagleRayError: a search failed, or another snapshot answered.
        """
        from langsmith import tracing_context

        config = {"recursion_limit": 3 * run.budget.max_steps + 16, **_name(run_id)}
        durable = {"durability": "sync"} if self._is_kept else {}
        with tracing_context(enabled=False):
            return cast(AgentState, await self._graph.ainvoke(state, config, context=run, **durable))

    async def read(self, run_id: str) -> tuple[AgentState | None, bool]:
        """Return the kept state of a run, or `None`; and whether it waits for a person."""
        if not self._is_kept:
            return None, False
        kept = await self._graph.aget_state(_name(run_id))
        state = cast(AgentState, kept.values) if kept.values.get("scope") else None
        return state, kept.next == (_WRITE,)

    def _choose_next(self, state: AgentState) -> str:
        """Return the name of the next step."""
        if state["ended"] or state["is_answered"]:
            return "end"
        if not state["is_planned"]:
            return "plan"
        if state["draft"] is not None:
            return "check"
        if not state["pending"]:
            return "act"
        return _WRITE if state["pending"][0]["name"] in self._writing else "use"


def _name(run_id: str) -> dict[str, Any]:
    return {"configurable": {"thread_id": run_id}}


def _bind(step: Callable[[AgentState, AgentRun], Awaitable[Update]]) -> Callable[..., Awaitable[Any]]:
    from langgraph.runtime import Runtime

    async def take_step(state: AgentState, runtime: Runtime[AgentRun]) -> Any:
        return dict(await step(state, runtime.context))

    return take_step
