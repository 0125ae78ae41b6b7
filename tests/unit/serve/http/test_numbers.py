from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    "body",
    [
        '{"query": "swap", "filter": {"year": NaN}}',
        '{"query": "swap", "filter": {"year": [1, -Infinity]}}',
        '{"query": "swap", "filter": "year = 1e999"}',
        '{"query": "swap", "filter": "year = %s"}' % ("9" * 5_000),
        '{"query": "swap", "filter": {"year": %s}}' % ("9" * 5_000),
        '{{"query": "swap", "filter": {}1{}}}'.format('{"not":' * 5_000, "}" * 5_000),
        '{"query": "swap", "k": Infinity}',
    ],
    ids=["nan", "infinity", "overflow", "digits", "digits_in_json", "nested", "k"],
)
def test_numbers_and_depths_that_no_column_has_are_the_callers_fault(serve_with, body):
    async def ask(served):
        path = f"/collections/{served.collection}/search"
        answer = await served.client.post(path, content=body, headers={"content-type": "application/json"})
        assert answer.status_code in (400, 422), answer.text
        assert len(answer.content) < 50_000

    serve_with(ask)
