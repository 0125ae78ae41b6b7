"""A model that says what a test has it say, and a searcher over a few passages."""

from __future__ import annotations

import json

from eagleray.contracts.chat_models import ChatReply, FinishReason, ToolCall
from eagleray.contracts.cited_answers import AskRequest, CitedAnswer, TokenUsage
from eagleray.contracts.filters import And, Compare
from eagleray.contracts.hits import Granularity, SearchRequest
from serve.agents.agentic.pipeline import AgenticPipeline
from tests.unit.serve.agents.passages import make_found, make_table_hit, make_text_hit

QUESTION = "By how much did total sales change from 2018 to 2019?"


def call(name, **arguments):
    """Return a reply that calls one tool."""
    return [ToolCall(call_id="x", name=name, arguments=arguments)]


def answer(*sentences):
    """Return a reply that answers; each sentence is its text and what it cites."""
    return call("answer", sentences=[{"cites": list(cites), "text": text} for text, *cites in sentences])


class ScriptedModel:
    """Gives one reply after another, the last of them again and again.

    A reply is a list of calls, a text, an exception, or what makes one of these of the request.
    """

    name = "scripted"

    def __init__(self, *replies, plan='{"steps": ["look it up"]}', usage=None, finish=None):
        self.replies, self.plan, self.usage, self.finish = list(replies), plan, usage, finish
        self.seen = []

    async def stream(self, request):
        self.seen.append(request)
        if request.schema is not None:
            reply = self.plan
        else:
            reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if callable(reply):
            reply = reply(request)
        if isinstance(reply, Exception):
            raise reply
        calls, text = ((), reply) if isinstance(reply, str) else (tuple(reply), "")
        finish = FinishReason.TOOL_CALLS if calls else FinishReason.STOP
        usage = self.usage or TokenUsage(n_prompt=100, n_completion=10)
        yield ChatReply(text=text, tool_calls=calls, finish=self.finish or finish, usage=usage)

    @property
    def told(self):
        """What the last request says besides the rules."""
        return "\n".join(message.text for message in self.seen[-1].messages[1:])


class Searcher:
    """Finds the hits that a filter on the document lets through."""

    collection = "reports"

    def __init__(self, *hits, relevant=True):
        self.hits, self.relevant, self.asked = hits or (make_table_hit(), make_text_hit()), relevant, []

    def find_left_s(self):
        return None

    async def search(self, request):
        self.asked.append(request)
        hits = [hit for hit in self.hits if _lets_through(request.filter, hit)]
        return make_found(*hits[: request.k], relevant=self.relevant)

    async def compute(self, work):
        return work()


def _lets_through(expression, hit):
    if isinstance(expression, And):
        return all(_lets_through(part, hit) for part in expression.operands)
    return not isinstance(expression, Compare) or getattr(hit, expression.column, None) == expression.value


def make_request(question=QUESTION, *, max_citations=3, **search):
    asked = SearchRequest(query=question, granularity=Granularity.CHUNK, **search)
    return AskRequest(search=asked, pipeline="agentic", max_citations=max_citations)


async def ask(model, searcher=None, request=None, **options):
    """Return the parts of the answer."""
    pipeline = AgenticPipeline(model, **options)
    return [part async for part in pipeline.answer(request or make_request(), searcher or Searcher())]


def find_label(told, words):
    """Return the label of the sentence or row that has these words, in what a model was told."""
    for line in told.split("\n"):
        if line.startswith("{"):
            for passage in json.loads(line).get("passages", []):
                for unit in passage["units"]:
                    if words in json.dumps(unit):
                        return unit["id"]
    raise AssertionError(f"{words} is in nothing that was shown")


def take_whole(parts):
    assert isinstance(parts[-1], CitedAnswer)
    return parts[-1]
