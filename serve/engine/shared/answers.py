"""What an answer depends on, as text, and an answer as bytes.

The rows that a caller may see are decided by groups and zones alone (`indexes.masks.visibility`); the subject
plays no part. "Now" is what the snapshot knows and nothing has closed (`indexes.masks.timelines`), so a
request without a time is decided by the snapshot, too.
"""

from __future__ import annotations

import json
from dataclasses import replace

from eagleray.contracts.answers import read_response, show_response
from eagleray.contracts.hits import SearchRequest, SearchResponse
from eagleray.contracts.principals import ANONYMOUS, Principal


def describe_rights(principal: Principal) -> str:
    """Return what decides which rows a caller may see: equal ones see the same rows."""
    zones = None if principal.zones is None else sorted(principal.zones)
    return repr((sorted(principal.groups), zones))


def describe_question(request: SearchRequest) -> str:
    """Return a request without its caller: every field, its type told apart, in the order it was given."""
    return repr(replace(request, principal=ANONYMOUS))


def write_answer(response: SearchResponse) -> bytes:
    """Return an answer as bytes, its scores to the bit."""
    return json.dumps(show_response(response, is_explained=True), separators=(",", ":")).encode()


def read_answer(data: bytes) -> SearchResponse:
    """Return the answer that `write_answer` has written."""
    return read_response(json.loads(data))
