"""Records of each kind have the bytes they always had: logs of earlier versions stay what they are."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from eagleray.contracts.asked_snapshots import AskedSnapshot, ask_own
from eagleray.contracts.documents import Document
from eagleray.contracts.facets import ValueCount, ValueCounts
from eagleray.contracts.filters import And, Compare, Comparison, IsIn, Not, StartsWith
from eagleray.contracts.hits import FacetRequest, Page, Ranking, SearchRequest
from eagleray.contracts.indexes import TextField
from eagleray.contracts.principals import Principal
from eagleray.contracts.shown_documents import DocumentRequest, ShownChunk, ShownDocument
from eagleray.errors import ConflictError, FilterError
from indexes.writing.requests import Begun, Write
from serve.audit.entries import BEGUN, ReplyDetails, RequestContext, make_entry
from serve.audit.kinds.alias_moves import ALIAS_MOVE, Change
from serve.audit.kinds.stored_files import FileUse
from serve.audit.kinds.writes import DocumentWrite
from serve.audit.record import link_record
from tests.audit_records import record_one
from tests.unit.serve.audit.test_entries import RESPONSE

ANN = Principal(subject="ann", groups=frozenset({"rates", "credit"}), zones=frozenset({"emea"}))
FILTER = And(
    operands=(
        Compare(column="year", op=Comparison.GE, value=2005),
        Not(operand=IsIn(column="t", values=("a", "b"))),
        StartsWith(column="source", prefix="x"),
    )
)
RANKING = Ranking(boosts={TextField.TITLE: 1.5, TextField.HEADING: 0.5}, diversity=0.25, min_score=0.1)
SEARCH = SearchRequest(
    query="swap curve",
    k=7,
    as_of=5,
    filter=FILTER,
    principal=ANN,
    rerank=20,
    page=Page(skip=2, n=3),
    ranking=RANKING,
)
LIKE = SearchRequest(query="q", like="doc")
FACETS = FacetRequest(column="ticker", n=3, as_of=9, filter=FILTER, principal=ANN)
DOCUMENT = DocumentRequest(doc_id="doc-1", as_of=7, principal=replace(ANN, zones=None))
COUNTS = ValueCounts(
    snapshot="c" * 64, values=(ValueCount(value="AB", documents=3), ValueCount(value=2.5, documents=1))
)
CHUNK = ShownChunk(chunk_id=2**62, heading="h", text="x", start=0, end=1, page=None)
SHOWN = ShownDocument(
    snapshot="d" * 64,
    doc_id="doc-1",
    version="v",
    title="t",
    source="s",
    zone="z",
    groups=(),
    event_time=None,
    known_from=0,
    known_to=1,
    chunks=(CHUNK, replace(CHUNK, chunk_id=5)),
)
NEW = Document(doc_id="d1", title="", text="x", known_from=1)
WRITE = Write(begun=Begun(name="n1", now=5), documents=(NEW,), removed=("d2", "d3"))
WRITTEN = DocumentWrite(principal=ANN, write=WRITE)
UPLOAD = FileUse(
    action="upload_file",
    principal=ANN,
    parameters={"file": "file-1", "n_bytes": 3, "sha256": "ab"},
    texts={"filename": "a.md"},
)
CONFLICT = ConflictError(alias="a", expected=None, found=None)
FAULT = FilterError(text="x", position=0, detail="d")
OWN = ask_own("b" * 64)
RULED = AskedSnapshot(snapshot="b" * 64, entitled_by="e" * 64, is_published=False)
CHANGE = Change(action="publish", alias="live", principal=ANN, snapshot="ab", expected="cd", request_id="r-1")

HASHES = [
    (SEARCH, RESPONSE, None, "0712282c", "62abff64"),
    (SEARCH, FAULT, OWN, "ce700548", "340bbff3"),
    (LIKE, RESPONSE, RULED, "997393ed", "1c7201c9"),
    (FACETS, COUNTS, OWN, "2e3b4e3d", "dedef146"),
    (FACETS, CONFLICT, RULED, "9670d8f7", "dd4c490f"),
    (DOCUMENT, SHOWN, None, "60e7056f", "89bed643"),
    (WRITTEN, "f" * 64, None, "c3122099", "fbee8bb9"),
    (WRITTEN, CONFLICT, None, "b7863ff7", "37e6984e"),
    (UPLOAD, None, None, "869c68cb", "2866884b"),
]


def digest(entry):
    return link_record(entry, writer="w", sequence=2, time=3, previous="0" * 64).hash[:8]


@pytest.mark.parametrize(("request_", "outcome", "snapshot", "by_digest", "by_text"), HASHES)
def test_a_whole_request_is_one_record_of_the_same_bytes(request_, outcome, snapshot, by_digest, by_text):
    for questions, wanted in (("digest", by_digest), ("text", by_text)):
        entry = record_one(
            request_, outcome, questions=questions, latency_us=11, snapshot=snapshot, request_id="r-1"
        )
        assert digest(entry) == wanted


def test_the_plan_of_a_judged_answer_holds_how_relevant_each_row_is():
    judged = replace(
        RESPONSE, relevant=True, hits=tuple(replace(hit, relevance=0.75) for hit in RESPONSE.hits)
    )
    entry = record_one(LIKE, judged, questions="digest", latency_us=11)
    plan = json.loads(entry.plan)
    assert (plan["relevant"], plan["relevance"]) == (True, [0.75] * len(RESPONSE.hits))
    asked = replace(SEARCH, ranking=replace(RANKING, min_relevance=0.5))
    entry = record_one(asked, judged, questions="digest", latency_us=11)
    assert json.loads(entry.body)["parameters"]["ranking"]["min_relevance"] == 0.5


def test_the_beginning_of_a_move_has_the_same_bytes():
    told = RequestContext(request_id="r-1")
    asked = ALIAS_MOVE.describe_request(CHANGE)
    entry = make_entry(asked, ReplyDetails(), status=BEGUN, questions="digest", context=told)
    assert digest(entry) == "f468d74a"
    failed = make_entry(
        asked,
        ReplyDetails(),
        status="ConflictError",
        questions="digest",
        context=replace(told, latency_us=11),
    )
    assert digest(failed) == "6849ccc7", "an end as it was written before ends were numbered"
