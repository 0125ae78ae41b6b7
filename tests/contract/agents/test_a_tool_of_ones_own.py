"""A tool of the agent is added from outside, with no line changed elsewhere."""

from __future__ import annotations

import asyncio

from pydantic import Field

from serve.agents.agentic.pipeline import AgenticPipeline
from serve.agents.agentic.tool_arguments import AgentArguments
from serve.agents.agentic.tool_desk import ToolResult
from serve.agents.agentic.tools import TOOLS, AgentTool
from tests.unit.serve.agents.agentic.scripted import ScriptedModel, Searcher, call, make_request


class CountArguments(AgentArguments):
    label: str = Field(max_length=16, description="Id of a unit.")


async def count_words(desk, asked):
    """Count the words of a unit that was read."""
    unit = desk.evidence.find(asked.label)
    return ToolResult(note="nothing read" if unit is None else f"{len(unit.text.split())} words")


COUNT_WORDS = AgentTool(
    name="count_words", description="Counts the words of a unit.", arguments=CountArguments, run=count_words
)


def test_the_model_is_told_of_it_its_arguments_are_checked_and_its_result_comes_back():
    model = ScriptedModel(
        call("count_words", label="U1"),
        call("count_words", label="U1", groups=["secret"]),
        call("answer", sentences=[]),
    )
    pipeline = AgenticPipeline(model, tools=(*TOOLS, COUNT_WORDS))
    asyncio.run(pipeline.begin(make_request(), Searcher(), run_id="r"))
    assert "count_words" in [tool.name for tool in model.seen[-1].tools]
    assert '"result": "10 words"' in model.told
    assert '"result": "refused: groups: Extra inputs are not permitted"' in model.told
