"""The graph of a run, drawn once, run once a question.

It begins with the search for the question and a plan. Then the model acts and its calls are used, one after
another, until it has drafted an answer that is checked; what is not supported goes back to it once.

The only use of LangGraph. Nothing of a run is traced anywhere, whatever the environment says.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, cast

from eagleray.errors import MissingExtraError
from serve.agents.agentic.run_state import AgentState, Update
from serve.agents.agentic.steps import AgentRun, act, begin, check, plan, use

_STEPS: Final = {"begin": begin, "plan": plan, "act": act, "use": use, "check": check}


async def run_graph(graph: Any, state: AgentState, run: AgentRun) -> AgentState:
    """Return the state at the end of a run.

    Args:
        graph: of `draw_graph`.
        state: to begin with.
        run: what its steps work with.

    Raises:
        EagleRayError: a search failed, or another snapshot answered.
    """
    from langsmith import tracing_context

    config = {"recursion_limit": 3 * run.budget.max_steps + 16}
    with tracing_context(enabled=False):
        return cast(AgentState, await graph.ainvoke(state, config, context=run))


def draw_graph() -> Any:
    """Return the graph.

    Raises:
        MissingExtraError: LangGraph is not installed.
    """
    try:
        from langgraph.graph import END, START, StateGraph
    except ImportError as error:
        raise MissingExtraError(part="the agentic pipeline", extra="agents") from error
    graph = StateGraph(AgentState, context_schema=AgentRun)
    for name, step in _STEPS.items():
        graph.add_node(name, _bind(step))
    graph.add_edge(START, "begin")
    graph.add_edge("begin", "plan")
    for name in ("plan", "act", "use", "check"):
        graph.add_conditional_edges(name, _choose_next, {**{step: step for step in _STEPS}, "end": END})
    return graph.compile()


def _choose_next(state: AgentState) -> str:
    """Return the name of the next step."""
    if state["ended"] or state["is_answered"]:
        return "end"
    if state["draft"] is not None:
        return "check"
    return "use" if state["pending"] else "act"


def _bind(step: Callable[[AgentState, AgentRun], Awaitable[Update]]) -> Callable[..., Awaitable[Any]]:
    from langgraph.runtime import Runtime

    async def take_step(state: AgentState, runtime: Runtime[AgentRun]) -> Any:
        return dict(await step(state, runtime.context))

    return take_step
