"""What is kept of an answer that a language model may have written."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from eagleray.contracts.cited_answers import (
    AnswerStep,
    AskRequest,
    Citation,
    CitedAnswer,
    CitedKind,
    Statement,
    StepKind,
    TokenUsage,
)
from eagleray.contracts.hits import Explanation, SearchRequest, SearchResponse
from eagleray.digests import digest_bytes
from serve.audit.entries import SentAmount, dump, make_end_entry, read_reply
from serve.audit.kinds.cited_answers import CITED_ANSWER
from serve.audit.request_entries import describe_reply
from tests.audit_records import record_one
from tests.small_hits import make_hit

REQUEST = AskRequest(search=SearchRequest(query="What was paid?"), pipeline="rag")
FOUND = SearchResponse(
    hits=(make_hit(chunk_id=7, doc_id="report"),),
    explanation=Explanation(
        snapshot="5" * 64,
        as_of=None,
        is_exact=True,
        segments=(),
        document_frequencies={},
        n_visible=100,
        average_length=20.0,
        timings_ms={},
    ),
)
CITATION = Citation(
    number=1,
    kind=CitedKind.SENTENCE,
    chunk_id=7,
    doc_id="report",
    version="v",
    title="Report",
    heading="",
    text="Interest of $ 3 was paid.",
    start=0,
    end=25,
)
STEPS = (
    AnswerStep(kind=StepKind.TOOL, name="search", given='{"query":"interest"}', chunk_ids=(7, 8)),
    AnswerStep(kind=StepKind.MODEL, name="small", given='[{"role":"user"}]', came="$ 3 was paid."),
)
ANSWER = CitedAnswer(
    question="What was paid?",
    statements=(Statement(text="$ 3 was paid.", citations=(1,)),),
    citations=(CITATION,),
    pipeline="rag",
    snapshot="5" * 64,
    as_of=None,
    retrieved=FOUND,
    model="small",
    usage=TokenUsage(n_prompt=5, n_completion=4),
    steps=STEPS,
)
SECRETS = ("$ 3 was paid.", "interest", "What was paid?")


def digest(text):
    return digest_bytes(dump(text).encode())


def test_by_digest_no_text_of_a_prompt_a_tool_or_an_answer_is_kept():
    entry = record_one(REQUEST, ANSWER, questions="digest")
    plan = json.loads(entry.plan)
    assert plan["documents"] == ["report"]
    assert plan["model"] == "small"
    assert plan["steps"] == [
        ["tool", "search", digest('{"query":"interest"}'), digest(""), [7, 8]],
        ["model", "small", digest('[{"role":"user"}]'), digest("$ 3 was paid."), []],
    ]
    assert not any(text in entry.plan + entry.body for text in SECRETS)
    assert read_reply(entry).texts == {}


def test_by_text_prompts_calls_of_tools_and_statements_are_kept_beside_the_digests():
    kept = read_reply(record_one(REQUEST, ANSWER, questions="text"))
    assert kept.texts == {
        "statements": [["$ 3 was paid.", [1]]],
        "steps": [['{"query":"interest"}', ""], ['[{"role":"user"}]', "$ 3 was paid."]],
    }
    assert kept.plan == record_one(REQUEST, ANSWER, questions="digest").plan


@pytest.mark.parametrize("questions", ["text", "digest"])
def test_the_end_of_a_stream_keeps_what_a_whole_answer_does(questions):
    begun = replace(record_one(REQUEST, ANSWER, questions=questions), plan="", hits=())
    begun = replace(begun, body=dump({k: v for k, v in json.loads(begun.body).items() if k != "reply_texts"}))
    told = describe_reply(CITED_ANSWER, ANSWER)
    ended = make_end_entry(begun, told, status="ok", sequence=17, given=SentAmount(n_pieces=1, n_bytes=2))
    whole = read_reply(record_one(REQUEST, ANSWER, questions=questions))
    assert read_reply(ended) == whole
    assert bool(whole.texts) is (questions == "text")


def test_of_an_answer_without_a_model_as_much_is_kept_as_before():
    answer = replace(ANSWER, pipeline="extractive", model="", usage=TokenUsage(), steps=())
    entry = record_one(replace(REQUEST, pipeline="extractive"), answer, questions="text")
    assert set(json.loads(entry.plan)) == {"citations", "statements", "said", "model", "tokens"}
    assert set(json.loads(entry.body)) == {"parameters", "texts"}
