"""The requests that one snapshot answers, of every kind, and the replies to them."""

from __future__ import annotations

from eagleray.contracts.facets import ValueCounts
from eagleray.contracts.hits import FacetRequest, SearchRequest, SearchResponse
from eagleray.contracts.shown_documents import DocumentRequest, ShownDocument

Request = SearchRequest | FacetRequest | DocumentRequest
Reply = SearchResponse | ValueCounts | ShownDocument
