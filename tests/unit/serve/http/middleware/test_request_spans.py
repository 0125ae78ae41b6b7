"""Spans of requests, kept in memory as the SDK hands them over."""

from __future__ import annotations

from itertools import pairwise

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = "b7ad6b7169203331"
SECRET = "zzsecretquestion"
STEPS = {"encode", "mask", "score", "present"}


@pytest.fixture(scope="module")
def exporter():
    """The exporter of this process: OpenTelemetry lets a process have one provider, for good."""
    provider, kept = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    trace.set_tracer_provider(provider)
    assert trace.get_tracer_provider() is provider, "another test has set a provider in this process"
    return kept


@pytest.fixture
def spans(exporter):
    """Return the spans that have ended since the test began, by name."""
    exporter.clear()

    def find():
        return {span.name: span for span in exporter.get_finished_spans()}

    return find


def search(serve_with, **headers):
    async def body(served):
        path = f"/collections/{served.collection}/search"
        return await served.client.post(path, json={"query": SECRET + " swap"}, headers=headers)

    return serve_with(body)


def test_a_search_is_a_trace_of_what_it_waited_for(serve_with, spans):
    assert search(serve_with, **{"x-request-id": "r-1"}).status_code == 200
    made = spans()
    root = made["POST /collections/{name}/search"]
    assert set(made) == {root.name, "wait", "ask", "search", "record", "embed"} | STEPS
    assert root.parent is None
    assert root.kind is SpanKind.SERVER
    assert root.attributes["http.route"] == "/collections/{name}/search"
    assert root.attributes["http.response.status_code"] == 200
    assert root.attributes["eagleray.request_id"] == "r-1"
    parents = {name: span.parent.span_id for name, span in made.items() if span is not root}
    inner = {name: made[name].context.span_id for name in ("ask", "search")}
    assert {parents[name] for name in ("wait", "ask", "record")} == {root.context.span_id}
    assert parents["search"] == inner["ask"]
    assert {parents[name] for name in STEPS} == {inner["search"]}


def test_steps_follow_one_another_within_the_search(serve_with, spans):
    search(serve_with)
    made = spans()
    steps = sorted((made[name] for name in STEPS), key=lambda span: span.start_time)
    assert [span.name for span in steps] == ["encode", "mask", "score", "present"]
    assert all(one.end_time == other.start_time for one, other in pairwise(steps))
    assert made["search"].start_time - 1_000_000 <= steps[0].start_time
    assert steps[-1].end_time <= made["search"].end_time


def test_a_request_goes_on_with_its_callers_trace(serve_with, spans):
    search(serve_with, traceparent=f"00-{TRACE}-{CALLER}-01")
    root = spans()["POST /collections/{name}/search"]
    assert f"{root.context.trace_id:032x}" == TRACE
    assert f"{root.parent.span_id:016x}" == CALLER


def test_a_caller_who_does_not_trace_is_not_traced(serve_with, spans):
    search(serve_with, traceparent=f"00-{TRACE}-{CALLER}-00")
    assert not spans()


def test_a_malformed_parent_is_passed_over(serve_with, spans):
    assert search(serve_with, traceparent="00-" + "x" * 90).status_code == 200
    assert spans()["POST /collections/{name}/search"].parent is None


def test_no_span_holds_what_was_asked_or_found(serve_with, spans, exporter):
    search(serve_with)

    async def fail(served):
        path = f"/collections/{served.collection}/search"
        await served.client.post(path, json={"query": "x", "filter": f"{SECRET} = 1"})
        return await served.client.get(f"/v1/models/{SECRET}?{SECRET}=1")

    serve_with(fail)
    told = " ".join(span.to_json() for span in exporter.get_finished_spans())
    assert "search" in told
    assert SECRET not in told


def test_an_error_is_named_by_its_class(serve_with, spans):
    async def body(served):
        path = f"/collections/{served.collection}/search"
        return await served.client.post(path, json={"query": "x", "filter": "nosuch = 1"})

    assert serve_with(body).status_code == 400
    made = spans()
    assert made["search"].attributes["error.type"] == "FilterColumnError"
    assert made["search"].status.status_code is StatusCode.ERROR
    assert made["POST /collections/{name}/search"].attributes["http.response.status_code"] == 400


def test_embedding_is_a_span(serve_with, spans):
    async def body(served):
        model = served.model.identity.name
        return await served.client.post("/v1/embeddings", json={"model": model, "input": ["a b", "c"]})

    assert serve_with(body).status_code == 200
    assert spans()["embed"].attributes == {"eagleray.n_texts": 2, "eagleray.n_tokens": 3}


def test_what_machines_ask_all_the_time_is_not_traced(serve_with, spans):
    async def body(served):
        return [
            (await served.client.get(path)).status_code
            for path in ("/health/live", "/health/ready", "/metrics")
        ]

    assert serve_with(body) == [200, 200, 200]
    assert not spans()
