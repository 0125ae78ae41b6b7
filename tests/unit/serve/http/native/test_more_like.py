"""More like a document over HTTP: what is hidden is answered as what is not there."""

from __future__ import annotations

from eagleray.contracts.collections import Collection
from eagleray.contracts.hits import SearchMode, SearchRequest
from eagleray.contracts.principals import Principal
from indexes.snapshots.opened import open_snapshot
from tests.small_collections import SPEC


def find_hidden(served):
    """Return a document that only callers with groups see."""
    opened = open_snapshot(Collection(served.store, SPEC.name), served.watcher.state.snapshot)
    groups = frozenset(name for view in opened.segments for name in view.group_names[1:])
    engine = served.open_engine(opened.snapshot_id)

    def see(principal):
        request = SearchRequest(query="any", k=1_000, mode=SearchMode.DENSE, exact=True, principal=principal)
        return {hit.doc_id for hit in engine.search(request).hits}

    return min(see(Principal(subject="all", groups=groups)) - see(Principal(subject="none")))


def test_a_hidden_document_is_answered_as_one_that_is_not_there(serve_with):
    async def body(served):
        hidden, missing = find_hidden(served), "not-there"
        answers = [await served.search(like=name) for name in (hidden, missing)]
        assert [answer.status_code for answer in answers] == [404, 404]
        shown = []
        for name, answer in zip((hidden, missing), answers, strict=True):
            problem = answer.json()
            assert problem.pop("request_id") == answer.headers["x-request-id"]
            shown.append(str(problem).replace(name, "NAME"))
        assert shown[0] == shown[1]

    serve_with(body)
