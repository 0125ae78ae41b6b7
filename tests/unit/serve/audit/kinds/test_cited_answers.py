"""What is kept of an answer that a language model may have written, and whether it still holds."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from eagleray.contracts.audits import AuditQuery
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
from eagleray.contracts.hits import Explanation, SearchMode, SearchRequest, SearchResponse
from eagleray.contracts.principals import Principal
from eagleray.digests import digest_bytes
from eagleray.setting_groups.serving import AuditSettings
from indexes.storage import open_store
from serve.agents.agentic.pipeline import AgenticPipeline
from serve.agents.local_answers import EngineSearcher, iterate_locally, take_answer
from serve.agents.rag import RagPipeline
from serve.audit.audit_writer import AuditWriter
from serve.audit.entries import SentAmount, dump, make_end_entry, read_reply
from serve.audit.kinds.cited_answers import CITED_ANSWER
from serve.audit.record_queries import scan_records
from serve.audit.replays import replay_records
from serve.audit.request_entries import describe_reply
from tests.audit_records import record_one
from tests.small_collections import DAY, SPEC, put_small_snapshot
from tests.small_hits import make_hit
from tests.small_searchers import open_engine
from tests.unit.serve.agents.agentic import scripted as agent
from tests.unit.serve.agents.rag.scripted_model import ScriptedModel, find_line, read_prompt, say

ANN = Principal(subject="ann", groups=frozenset({"rates"}))

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


def list_sentences(request):
    return [text for text in read_prompt(request) if "row" in text]


def say_first(request):
    """Say the first sentence of the passages without its last word."""
    sentence = list_sentences(request)[0]
    return [say(sentence.rsplit(" ", 1)[0], find_line(request, sentence))]


@pytest.fixture
def store(tmp_path):
    return open_store(tmp_path / "store")


@pytest.fixture
def engine(store):
    return open_engine(store, put_small_snapshot(store))


def ask(engine, *, pipeline=None, **fields):
    """Return a request to a model's pipeline, as it is recorded, and its answer."""
    search = SearchRequest(query="swap bond", mode=SearchMode.LEXICAL, principal=ANN, **fields)
    request = AskRequest(search=search, pipeline="rag")
    pipeline = pipeline or RagPipeline(ScriptedModel(say_first))
    searcher = EngineSearcher(engine, collection="notes")
    answer = take_answer(iterate_locally(pipeline.answer(request, searcher)))
    assert answer.model == "scripted"
    assert answer.statements
    return request, answer


def replay(store, *entries):
    with AuditWriter(store, SPEC.name, settings=AuditSettings()) as writer:
        writer.append(*entries)
    records = scan_records(store, SPEC.name, AuditQuery())
    return replay_records(records, lambda name: open_engine(store, name))


def test_an_answer_of_a_model_is_replayed_by_its_search_and_the_verifier_without_the_model(store, engine):
    asked = [ask(engine, as_of=as_of) for as_of in (None, 20 * DAY)]
    found = replay(store, *(record_one(*item) for item in asked))
    assert (found.n_same, found.different) == (2, [])


def answer_first(request):
    """Answer with the first sentence that the agent was shown, without its last word."""
    shown = [json.loads(message.text) for message in request.messages if message.text.startswith("{")]
    unit = next(unit for item in shown for passage in item.get("passages", []) for unit in passage["units"])
    return agent.answer((unit["text"].rsplit(" ", 1)[0], unit["id"]))


def test_an_answer_of_the_agent_is_replayed_the_same_way(store, engine):
    search = SearchRequest(query="swap bond", mode=SearchMode.LEXICAL, principal=ANN)
    request = AskRequest(search=search, pipeline="agentic")
    model = agent.ScriptedModel(agent.call("search", query="gamma vega"), answer_first)
    parts = AgenticPipeline(model).answer(request, EngineSearcher(engine, collection="notes"))
    answer = take_answer(iterate_locally(parts))
    assert answer.statements
    assert {step.name for step in answer.steps} == {"search", "scripted"}
    found = replay(store, record_one(request, answer))
    assert (found.n_same, found.different) == (1, [])


def test_without_its_texts_it_cannot_be_replayed(store, engine):
    found = replay(store, record_one(*ask(engine), questions="digest"))
    assert (found.n_same, found.n_without_text, found.different) == (0, 1, [])


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        (
            lambda answer: replace(answer, statements=(Statement(text="Paid 77.", citations=(1,)),)),
            "statement 1 is unsupported by the rule 'figure'",
        ),
        (
            lambda answer: replace(answer, statements=(Statement(text="Paid.", citations=(2,)),)),
            "statement 1 cites what the answer does not",
        ),
        (
            lambda answer: replace(
                answer, citations=(replace(answer.citations[0], start=answer.citations[0].start + 1),)
            ),
            "is not there for this caller at that time",
        ),
        (
            lambda answer: replace(answer, citations=(replace(answer.citations[0], chunk_id=1),)),
            "is not there for this caller at that time",
        ),
        (
            lambda answer: replace(answer, citations=(replace(answer.citations[0], doc_id="doc-2000"),)),
            "is not there for this caller at that time",
        ),
        (
            lambda answer: replace(
                answer, retrieved=replace(answer.retrieved, hits=answer.retrieved.hits[1:])
            ),
            "hit 1 was row",
        ),
    ],
)
def test_an_answer_that_does_not_hold_is_told_without_any_text(store, engine, change, detail):
    request, answer = ask(engine)
    (different,) = replay(store, record_one(request, change(answer))).different
    assert detail in different.detail
    assert answer.statements[0].text not in different.detail


def test_a_citation_that_the_caller_may_not_see_at_that_time_does_not_hold(store, engine):
    request, answer = ask(engine, as_of=20 * DAY)
    nobody = replace(request.search, principal=Principal(subject="eve"))
    hidden = next(hit for hit in answer.retrieved.hits if "rates" in hit.groups)
    citation = replace(answer.citations[0], doc_id=hidden.doc_id, chunk_id=hidden.chunk_id)
    stolen = replace(answer, citations=(citation,), retrieved=engine.search(nobody))
    (different,) = replay(store, record_one(replace(request, search=nobody), stolen)).different
    assert "is not there for this caller at that time" in different.detail


def test_a_record_whose_statements_are_not_those_of_its_digest_is_told(store, engine):
    entry = record_one(*ask(engine))
    body = json.loads(entry.body)
    body["reply_texts"]["statements"][0][0] = "Nothing."
    (different,) = replay(store, replace(entry, body=dump(body))).different
    assert "not those of which a digest was kept" in different.detail
