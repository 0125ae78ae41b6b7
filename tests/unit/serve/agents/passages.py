"""A small annual report as a search returns it."""

from __future__ import annotations

import asyncio

from eagleray.contracts.hits import Explanation, SearchResponse
from tests.small_hits import make_hit

TABLE = """Sales by contract type (in millions, except per share amounts):

|  | Years Ended September 30, |  |
| --- | --- | --- |
|  | 2019 | 2018 |
| Products: |  |  |
| Fixed price | $ 1,452.4 | $ 1,146.2 |
| Other | 44.1 | 56.7 |
| Total sales | $ 1,496.5 | $ 1,202.9 |"""

TEXT = (
    "Sales rose because the defense segment won two contracts. Interest is paid twice a year. "
    "It is due in March and September."
)


def make_found(*hits, relevant=True):
    """Return a response whose words are all equally rare."""
    explanation = Explanation(
        snapshot="5" * 64,
        as_of=None,
        is_exact=True,
        segments=(),
        document_frequencies={},
        n_visible=100,
        average_length=20.0,
        timings_ms={},
    )
    return SearchResponse(hits=hits, explanation=explanation, relevant=relevant)


def make_table_hit(**fields):
    usual = {
        "chunk_id": 7,
        "doc_id": "table",
        "text": TABLE,
        "title": "Cubic annual report 2019",
        "start": 100,
    }
    return make_hit(**{**usual, "dense": 0.5, **fields})


def make_text_hit(**fields):
    usual = {"chunk_id": 8, "doc_id": "text", "text": TEXT, "title": "Cubic annual report 2019", "dense": 0.5}
    return make_hit(**{**usual, **fields})


class PassageDesk:
    """A searcher that finds what it was given."""

    collection = "filings"

    def __init__(self, found, *, left_s=None):
        self.found, self.left_s, self.asked = found, left_s, []

    def find_left_s(self):
        return self.left_s

    async def search(self, request):
        self.asked.append(request)
        if isinstance(self.found, Exception):
            raise self.found
        return self.found

    async def compute(self, work):
        return work()


def ask_pipeline(pipeline, request, desk):
    """Return all parts of an answer."""

    async def read():
        return [part async for part in pipeline.answer(request, desk)]

    return asyncio.run(read())
