"""Kills a run at every boundary of it, goes on with it in another process, and tells what became of it.

    python -m tests.e2e.killed_agent_runs FOLDER

A boundary lies before and after every call of the model, of a search and of a tool that writes, and before
and after everything that is kept. Each process is a fork of this one, which has no thread of its own.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
from pathlib import Path

from pydantic import Field

from serve.agents.agentic.graph import AgentGraph
from serve.agents.agentic.pipeline import AgenticPipeline
from serve.agents.agentic.run_store import open_run_store
from serve.agents.agentic.tool_arguments import AgentArguments
from serve.agents.agentic.tool_desk import ToolResult
from serve.agents.agentic.tools import TOOLS, AgentTool
from tests.unit.serve.agents.agentic.scripted import (
    ScriptedModel,
    Searcher,
    answer,
    call,
    find_label,
    make_request,
)

TRUE = "Total sales were $ 1,496.5 million in 2019."


class Boundaries:
    """Counts boundaries, and ends the process at one of them."""

    def __init__(self, fatal):
        self.n, self.fatal = 0, fatal

    def pass_one(self):
        self.n += 1
        if self.n == self.fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, owner, name):
        """Put a boundary before and after a method."""
        inner = getattr(owner, name)

        async def bounded(*arguments, **options):
            self.pass_one()
            result = await inner(*arguments, **options)
            self.pass_one()
            return result

        setattr(owner, name, bounded)


class NoteArguments(AgentArguments):
    text: str = Field(max_length=100)


def make_writing_tool(path, boundaries):
    """Return a tool that adds a line to a file, which is the effect that must not be repeated."""

    async def file_note(desk, asked):
        boundaries.pass_one()
        with path.open("a") as notes:
            notes.write(f"{asked.text}\n")
            notes.flush()
            os.fsync(notes.fileno())
        boundaries.pass_one()
        return ToolResult(note="filed")

    return AgentTool(
        name="file_note", description="Files a note.", arguments=NoteArguments, run=file_note, writes=True
    )


def reply(request):
    """Return the next reply of a model that remembers nothing: what it says follows from what it is told."""
    told = "\n".join(message.text for message in request.messages)
    n_results = sum(message.role == "tool" for message in request.messages)
    if n_results == 1:
        return call("table_lookup", label="total sales")
    if n_results == 2:
        return call("file_note", text="asked about sales")
    return answer((TRUE, find_label(told, "Total sales")))


async def run(folder, boundaries, *, is_resumed):
    """Begin a run, or go on with it; a person allows what it asks for."""
    async with open_run_store(folder / "runs.db", retention_s=3600) as store:
        model, searcher = ScriptedModel(reply), Searcher()
        for owner, name in (
            (store, "begin_effect"),
            (store, "finish_effect"),
            (store, "register"),
            (store.saver, "aput"),
            (store.saver, "aput_writes"),
            (searcher, "search"),
        ):
            boundaries.around(owner, name)
        stream = model.stream

        async def bounded(request):
            boundaries.pass_one()
            with (folder / "model_calls").open("a") as calls:
                calls.write("x\n")
            async for part in stream(request):
                yield part
            boundaries.pass_one()

        model.stream = bounded
        tools = (*TOOLS, make_writing_tool(folder / "notes", boundaries))
        pipeline = AgenticPipeline(model, tools=tools, store=store)
        request = make_request()
        if is_resumed and await store.is_kept("r", scope=pipeline_scope(request)):
            outcome = await pipeline.resume(request, searcher, run_id="r")
        else:
            outcome = await pipeline.begin(request, searcher, run_id="r")
        if outcome.waits_for is not None:
            outcome = await pipeline.resume(request, searcher, run_id="r", is_allowed=True)
    (folder / "answer.json").write_text(
        json.dumps(
            {
                "text": outcome.answer.text,
                "n_boundaries": boundaries.n,
                "usage": outcome.answer.usage.n_prompt,
            }
        )
    )


def pipeline_scope(request):
    from serve.agents.agentic.scope import AgentScope

    return AgentScope(request=request, collection=Searcher.collection).digest


def run_in_process(folder, *, fatal, is_resumed):
    """Return whether a process that is ended at a boundary came to the end of the run."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            asyncio.run(run(folder, Boundaries(fatal), is_resumed=is_resumed))
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status) and os.waitstatus_to_exitcode(status) != 0:
        raise RuntimeError(f"the process ended with {status}")
    return not os.WIFSIGNALED(status)


def tell(folder):
    """Return what became of a run."""
    notes, calls = folder / "notes", folder / "model_calls"
    kept = b"".join(path.read_bytes() for path in folder.glob("runs.db*"))
    return {
        "is_unknown": b"it is not known whether this was done" in kept,
        **json.loads((folder / "answer.json").read_text()),
        "n_notes": len(notes.read_text().splitlines()) if notes.exists() else 0,
        "n_model_calls": len(calls.read_text().splitlines()),
    }


def load():
    """Import all that a run needs, so that no fork has to."""
    AgentGraph(writing=(), store=None)
    asyncio.run(_open(Path(tempfile.mkdtemp()) / "runs.db"))


async def _open(path):
    async with open_run_store(path, retention_s=1):
        pass


def main(folder):
    """Print a line of JSON for each boundary at which a run was killed; the last was not."""
    load()
    fatal, is_over = 0, False
    while not is_over:
        fatal += 1
        own = folder / str(fatal)
        own.mkdir()
        is_over = run_in_process(own, fatal=fatal, is_resumed=False)
        n_kills = 0 if is_over else 1
        if not is_over and fatal % 5 == 0:  # twice, once more while it goes on
            n_kills += not run_in_process(own, fatal=fatal // 3 + 1, is_resumed=True)
        if not is_over:
            run_in_process(own, fatal=0, is_resumed=True)
        sys.stdout.write(f"{json.dumps({'fatal': fatal, 'n_kills': n_kills, **tell(own)})}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
