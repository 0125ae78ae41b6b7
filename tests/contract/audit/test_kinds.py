"""A kind of request is added from outside: recorded, verified, exported and replayed like those that ship."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from eagleray.contracts.audits import AuditQuery
from eagleray.contracts.collections import Collection
from eagleray.contracts.hits import SearchMode, SearchRequest
from eagleray.contracts.principals import Principal
from eagleray.errors import InputError
from eagleray.setting_groups.serving import ServeSettings
from eagleray.settings import Settings
from indexes.storage import open_store
from serve.audit.entries import CANCELLED, OK, ReplyDetails, RequestDetails
from serve.audit.kinds import KINDS
from serve.audit.record import RecordedHit
from serve.audit.request_entries import EndedRequest
from serve.audit.request_kinds import Replayable, RequestKind
from serve.audit.request_recorder import ReplyEnding, RequestRecorder
from serve.audit.service import LocalAuditService, make_writer
from serve.http.feature import Feature
from tests.small_collections import SPEC, put_small_snapshot
from tests.small_searchers import FixedEmbedder, open_engine

ANN = Principal(subject="ann", groups=frozenset({"rates"}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A question that is answered by one sentence."""

    question: str
    principal: Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """An answer, and the rows it cites."""

    text: str
    cited: tuple[RecordedHit, ...]
    snapshot: str


def answer(request, engine):
    found = engine.search(
        SearchRequest(query=request.question, k=2, mode=SearchMode.LEXICAL, principal=request.principal)
    )
    rows = tuple(RecordedHit(chunk_id=hit.chunk_id, doc_id=hit.doc_id, score=hit.score) for hit in found.hits)
    return Sentence(text=f"See {len(rows)} rows.", cited=rows, snapshot=engine.snapshot)


ASK = RequestKind(
    actions=("quiz",),
    requests=Ask,
    replies=Sentence,
    describe_request=lambda request: RequestDetails(
        action="quiz", principal=request.principal, parameters={}, texts={"question": request.question}
    ),
    describe_reply=lambda reply: ReplyDetails(snapshot=reply.snapshot, hits=reply.cited),
    replay=Replayable(
        read=lambda asked: Ask(question=asked.texts["question"], principal=asked.principal), answer=answer
    ),
)
ASKING = Feature(routers=(), parts=Ask, open=nullcontext, kinds=(ASK,))
# The kind ends here: nothing outside of this file knows it, but a setting that names its feature.


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setattr("serve.audit.service.open_embedder", lambda _: FixedEmbedder())
    folder = str(tmp_path / "store")
    return Settings(store=folder, collection=SPEC.name, audit={"questions": "text"})


def write_log(settings):
    """Return the writer of the log that the settings name, not yet open."""
    collection = Collection(open_store(settings.store), settings.collection)
    return make_writer(collection, settings.audit, embedder="fixed")


@pytest.fixture
def engine(settings):
    store = open_store(settings.store)
    return open_engine(store, put_small_snapshot(store))


@pytest.fixture
def service(settings):
    serve = ServeSettings(features=f"{__name__}:ASKING")
    return LocalAuditService(settings.model_copy(update={"serve": serve}))


def test_a_new_kind_is_recorded_verified_exported_and_replayed(settings, engine, service):
    request = Ask(question="swap", principal=ANN)
    reply = answer(request, engine)
    assert reply.cited
    with write_log(settings) as writer:
        recorder = RequestRecorder(writer, questions="text", kinds=KINDS.extend(ASK))
        recorder.record([EndedRequest(request=request, outcome=reply, latency_us=1)])
        recorder.end(recorder.begin(request, request_id="r-2"), ReplyEnding(reply=reply))
        half = replace(reply, cited=reply.cited[:1])
        recorder.end(recorder.begin(request, request_id="r-3"), ReplyEnding(status=CANCELLED, reply=half))
        recorder.begin(request, request_id="r-4")
    verified = service.verify(heads="")
    assert verified["findings"] == []
    assert [item["request_id"] for item in verified["interrupted"]] == ["r-4"]
    shown = list(service.show(AuditQuery(action="quiz")))
    assert [row["status"] for row in shown] == [OK, "begun", OK, "begun", CANCELLED, "interrupted"]
    assert [len(row["hits"]) for row in shown] == [2, 0, 2, 0, 1, 0]
    assert len(service.head()["heads"]) == 1
    replayed = service.replay(AuditQuery(action="quiz"))
    assert (replayed["same"], replayed["different"], replayed["unanswered"]) == (2, [], 1)


def test_a_reply_that_comes_back_otherwise_is_told(settings, engine, service):
    request = Ask(question="swap", principal=ANN)
    reply = answer(request, engine)
    with write_log(settings) as writer:
        recorder = RequestRecorder(writer, questions="text", kinds=KINDS.extend(ASK))
        recorder.end(recorder.begin(request), ReplyEnding(reply=replace(reply, cited=reply.cited[::-1])))
    (different,) = service.replay(AuditQuery())["different"]
    assert "hit 1 was row" in different["detail"]


def test_every_action_stands_on_the_page_of_the_log():
    page = (Path(__file__).parents[3] / "docs" / "audit.md").read_text(encoding="utf-8")
    assert len(KINDS.actions) > 5
    assert [action for action in KINDS.actions if f"`{action}`" not in page] == []


def test_what_no_kind_knows_is_not_recorded_or_asked_for(settings, engine):
    with write_log(settings) as writer, pytest.raises(TypeError, match="of no kind"):
        RequestRecorder(writer, questions="text").begin(Ask(question="swap", principal=ANN))
    with pytest.raises(InputError, match="expected one of"):
        list(LocalAuditService(settings).show(AuditQuery(action="quiz")))
    with pytest.raises(InputError, match="no two kinds have, found twice: search$"):
        KINDS.extend(replace(ASK, actions=("search",)))
