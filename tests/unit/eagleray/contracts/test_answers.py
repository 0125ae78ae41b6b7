from __future__ import annotations

import json
from dataclasses import replace

from eagleray.contracts.answers import read_cited_answer, show_cited_answer
from eagleray.contracts.cited_answers import AnswerNotice, AskRequest, NoticeKind, TokenUsage
from eagleray.contracts.hits import SearchRequest
from eagleray.settings import Settings
from serve.answer_service import LocalAnswerService
from tests.unit.serve.agents.passages import make_found, make_table_hit, make_text_hit


class Engine:
    def search(self, request):
        hit = make_table_hit(attributes={"year": 2019, "tags": ("a", "b")}, event_time=1_000_000, page=3)
        return make_found(hit, make_text_hit())


def test_an_answer_is_read_as_it_was_shown():
    request = AskRequest(search=SearchRequest(query="total sales 2019", as_of=5_000_000))
    answer = LocalAnswerService(Settings()).ask(request, Engine())
    notice = AnswerNotice(kind=NoticeKind.REPLACED, text="A statement was replaced.")
    answer = replace(answer, usage=TokenUsage(n_prompt=3, n_completion=4), notices=(notice,))
    shown = json.loads(json.dumps(show_cited_answer(answer, is_explained=True)))
    assert read_cited_answer(shown) == answer
    assert shown["as_of"] == "1970-01-01T00:00:05Z"
    assert shown["citations"][0]["quotation"] == answer.citations[0].quotation
    assert "retrieved" not in show_cited_answer(answer, is_explained=False)
