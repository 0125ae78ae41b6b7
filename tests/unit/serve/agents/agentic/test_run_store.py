from __future__ import annotations

import asyncio
import json
import sqlite3
import stat
from dataclasses import dataclass, replace
from enum import StrEnum

import pytest
from pydantic import Field

from eagleray.contracts.cited_answers import NoticeKind
from eagleray.contracts.principals import Principal
from eagleray.contracts.times import parse_instant
from eagleray.errors import IntegrityError, QueryError, StoreError
from serve.agents.agentic.pipeline import AgenticPipeline
from serve.agents.agentic.run_store import StrictJsonSerializer, open_run_store
from serve.agents.agentic.scope import AgentScope
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
from tests.unit.serve.agents.passages import make_table_hit, make_text_hit

TRUE = "Total sales were $ 1,496.5 million in 2019."


class NoteArguments(AgentArguments):
    text: str = Field(max_length=100)


def make_tool(notes):
    async def file_note(desk, asked):
        notes.append(asked.text)
        return ToolResult(note="filed")

    return AgentTool(
        name="file_note", description="Files a note.", arguments=NoteArguments, run=file_note, writes=True
    )


def reply(request):
    """Look up, file a note, answer: what is said follows from what is told."""
    told = "\n".join(message.text for message in request.messages)
    n_results = sum(message.role == "tool" for message in request.messages)
    if n_results == 1:
        return call("table_lookup", label="total sales")
    if n_results == 2:
        return call("file_note", text="asked about sales")
    return answer((TRUE, find_label(told, "Total sales")))


class Scene:
    """A store with what a pipeline needs to file notes."""

    def __init__(self, path, now=lambda: 1_000.0):
        self.path, self.now, self.notes, self.model = path / "runs" / "runs.db", now, [], ScriptedModel(reply)

    def run(self, *steps, searcher=None, request=None):
        """Return the outcomes of steps, each a function of the pipeline, the request and the searcher."""

        async def take_all():
            async with open_run_store(self.path, retention_s=60.0, clock=self.now) as store:
                pipeline = AgenticPipeline(self.model, tools=(*TOOLS, make_tool(self.notes)), store=store)
                asked = (request or make_request(), searcher or Searcher())
                return [await step(pipeline, *asked) for step in steps]

        return asyncio.run(take_all())

    def read(self):
        return self.path.read_bytes() + self.path.with_suffix(".db-wal").read_bytes()


def begin(pipeline, request, searcher):
    return pipeline.begin(request, searcher, run_id="r")


def resume(is_allowed=None, run_id="r"):
    return lambda pipeline, request, searcher: pipeline.resume(
        request, searcher, run_id=run_id, is_allowed=is_allowed
    )


def test_a_call_that_writes_waits_until_a_person_allows_it_and_is_made_once(tmp_path):
    scene = Scene(tmp_path)
    waiting, still, done, again = scene.run(begin, resume(), resume(True), resume(True))
    assert waiting.waits_for == {"name": "file_note", "arguments": {"text": "asked about sales"}}
    assert [notice.kind for notice in waiting.answer.notices] == [NoticeKind.WITHOUT_MODEL]
    assert "a person has to allow" in waiting.answer.notices[0].text
    assert still == waiting
    assert (done.waits_for, done.answer.statements[0].text, done.answer.notices) == (None, TRUE, ())
    assert again.answer == done.answer
    assert scene.notes == ["asked about sales"]


def test_a_call_that_a_person_refuses_is_not_made_and_the_model_is_told(tmp_path):
    scene = Scene(tmp_path)
    _, done = scene.run(begin, resume(False))
    assert scene.notes == []
    assert "a person did not allow it" in scene.model.told
    assert done.answer.statements[0].text == TRUE


def test_a_run_goes_on_in_another_process_without_asking_the_model_again(tmp_path):
    scene = Scene(tmp_path)
    scene.run(begin)
    n_asked = len(scene.model.seen)
    (done,) = scene.run(resume(True))
    assert done.answer.statements[0].text == TRUE
    assert len(scene.model.seen) == n_asked + 1
    assert done.answer.usage.n_prompt == 100 * (n_asked + 1)


def test_tools_that_write_need_a_store():
    with pytest.raises(ValueError, match="file_note: tools that write need a store of runs"):
        AgenticPipeline(ScriptedModel("x"), tools=(make_tool([]),))


@pytest.mark.parametrize(
    "request_",
    [
        make_request("Another question?"),
        make_request(as_of=parse_instant("2023-01-01")),
        make_request(principal=Principal(subject="somebody else")),
        make_request(principal=Principal(subject="anonymous", groups=frozenset({"desk"}))),
        make_request(max_citations=5),
    ],
    ids=["question", "time", "caller", "groups", "citations"],
)
def test_a_run_of_another_question_or_caller_is_none(tmp_path, request_):
    scene = Scene(tmp_path)
    scene.run(begin)
    with pytest.raises(QueryError, match="no run of that id, question and caller is kept"):
        scene.run(resume(True), request=request_)
    with pytest.raises(QueryError, match="no run of that id, question and caller is kept"):
        scene.run(resume(True, run_id="s"))
    assert scene.notes == []


def test_the_same_question_of_the_same_caller_is_the_same_scope_in_any_process():
    groups = [f"group {number}" for number in range(50)]
    digests = {
        AgentScope(
            request=make_request(principal=Principal(subject="kim", groups=frozenset(order))), collection="c"
        ).digest
        for order in (groups, groups[::-1], groups[25:] + groups[:25])
    }
    assert len(digests) == 1


def test_another_snapshot_than_that_of_the_beginning_is_refused(tmp_path):
    class Later(Searcher):
        async def search(self, request):
            found = await super().search(request)
            return replace(found, explanation=replace(found.explanation, snapshot="6" * 64))

    scene = Scene(tmp_path)
    scene.run(begin)
    with pytest.raises(QueryError, match=f"began with snapshot {'5' * 64}"):
        scene.run(resume(True), searcher=Later())


def test_what_may_not_be_read_any_more_is_neither_shown_nor_cited(tmp_path):
    scene = Scene(tmp_path)
    scene.model = ScriptedModel(call("file_note", text="x"))
    scene.run(begin)
    scene.model = ScriptedModel(answer((TRUE, "U1")))
    (done,) = scene.run(resume(True), searcher=Searcher(make_text_hit()))
    assert "1,496.5" not in scene.model.told
    assert all(item.doc_id == "text" for item in done.answer.citations)


def test_no_text_of_a_document_is_kept(tmp_path):
    scene = Scene(tmp_path)

    async def look(pipeline, request, searcher):
        await begin(pipeline, request, searcher)
        return scene.read()

    secret = "Margins of the secret segment doubled."
    (kept,) = scene.run(look, searcher=Searcher(make_table_hit(), make_text_hit(text=secret)))
    assert b"asked about sales" in kept
    assert not any(words in kept for words in (b"secret segment", b"1,496.5", b"Cubic annual report"))


def test_nothing_is_kept_once_its_time_is_over(tmp_path):
    time = [1_000.0]
    scene = Scene(tmp_path, now=lambda: time[0])
    scene.run(begin)
    time[0] = 1_061.0
    with pytest.raises(QueryError, match="no run of that id"):
        scene.run(resume(True))

    with sqlite3.connect(scene.path) as connection:
        left = [
            connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()  # noqa: S608 - names below
            for table in ("runs", "effects", "checkpoints", "writes")
        ]
    assert left == [(0,)] * 4


def test_its_file_is_its_owners(tmp_path):
    scene = Scene(tmp_path)
    scene.run(begin)
    assert stat.S_IMODE(scene.path.stat().st_mode) == 0o600


def test_an_error_half_way_is_kept_by_its_name_alone_and_the_run_goes_on(tmp_path):
    class Breaking(Searcher):
        async def search(self, request):
            if len(self.asked) == 1:
                self.asked.append(request)
                raise StoreError(operation="read", path="secret path", detail="gone")
            return await super().search(request)

    scene = Scene(tmp_path)
    with pytest.raises(StoreError):
        scene.run(begin, searcher=Breaking())
    waiting, done = scene.run(resume(), resume(True))
    assert waiting.waits_for is not None
    assert done.answer.statements[0].text == TRUE


class Colour(StrEnum):
    RED = "red"


@dataclass
class Thing:
    a: int = 1


@pytest.mark.parametrize(
    "value",
    [Thing(), Colour.RED, (1,), {1: "a"}, {"a": {"b": {1}}}, float("nan"), b"x", [object()]],
    ids=["dataclass", "enumeration", "tuple", "number as key", "set", "nan", "bytes", "object"],
)
def test_what_is_not_plain_json_is_not_kept(value):
    with pytest.raises(TypeError, match="a run keeps plain JSON"):
        StrictJsonSerializer().dumps_typed(value)


def test_plain_json_comes_back_as_it_was_and_an_error_as_its_name():
    serializer = StrictJsonSerializer()
    value = {
        "a": [1, 2.5, None, True, "\u00fc\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16")]
    }
    assert serializer.loads_typed(serializer.dumps_typed(value)) == value
    assert serializer.loads_typed(
        serializer.dumps_typed(StoreError(operation="o", path="p", detail="d"))
    ) == ("StoreError")


@pytest.mark.parametrize("data", [("msgpack", b"\x80"), ("pickle", b"x"), ("json", b"{"), ("", b"{}")])
def test_what_was_not_written_here_is_not_read(data):
    with pytest.raises(IntegrityError):
        StrictJsonSerializer().loads_typed(data)


def test_a_file_that_somebody_changed_gives_an_error_and_no_answer(tmp_path):
    scene = Scene(tmp_path)
    scene.run(begin)
    with sqlite3.connect(scene.path) as connection:
        connection.execute("UPDATE checkpoints SET type = 'msgpack'")
    with pytest.raises(IntegrityError):
        scene.run(resume(True))


def test_conversations_in_one_store_do_not_mix(tmp_path):
    async def ask_all():
        async with open_run_store(tmp_path / "runs.db", retention_s=60.0) as store:
            runs = []
            for number in range(6):
                text = f"Sales of desk {number} rose."

                def say(request, text=text):
                    told = "\n".join(message.text for message in request.messages)
                    return answer((text, find_label(told, text)))

                model = ScriptedModel(call("search", query=f"desk {number}"), say)
                searcher = Searcher(make_text_hit(doc_id=f"d{number}", chunk_id=number, text=text))
                runs.append(
                    AgenticPipeline(model, store=store).begin(
                        make_request(), searcher, run_id=f"run {number}"
                    )
                )
            return await asyncio.gather(*runs)

    texts = [outcome.answer.text for outcome in asyncio.run(ask_all())]
    assert texts == [f"Sales of desk {number} rose. [1]" for number in range(6)]
    assert json.dumps(texts).count("desk") == 6
